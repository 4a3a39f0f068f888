// Reductions over pairs that never store the n × m matrix. For x (n × d), y (m × d), s = ‖xᵢ − yⱼ‖² and, where POTENTIAL is 1, a number v of each
// row and u of each column, t = vᵢ + uⱼ:
//   sum      Aᵢ = Σⱼ a(s, t),   Bᵢ = Σⱼ b(s, t)
//   log_sum  log₂ Σⱼ 2^(r·a(s, t)) at RATES rates r, as the running maximum M of a and S = Σⱼ 2^(r·(a − M)): one rescaling for J columns
// GRADIENT adds gᵢ = Σⱼ w(s, t)·(xᵢ − yⱼ): the gradient of a reduction over pairs is one too (Charlier et al. 2021, §2).
// The importer has n, m, d, columns, row_begin and row_end in its uniform, and brings
//   phi(s, t, i, j)            (a, b, w)
//   of_row(i), of_column(j)    v and u, where POTENTIAL is 1
//   rate(b)                    r, of log_sum
//   put(at, b, sums)           writes (A, B), or (M, S) of rate b, of one row and split
// CENTERED 1 lets a family form the gradient as (xᵢ − o)·Σⱼ w − Σⱼ w·(yⱼ − o) with o near the rows, which need not hold the differences until w is
// known: 1.5 to 4 times faster on llvmpipe (d = 4 to 64), but wrong where w grows beyond all bounds at small distances. SYMMETRIC 1 reads
// `symmetric` from the uniform: 1 where x is y and only Σᵢ Aᵢ is wanted, so that columns after a row block count twice and those before it never.
// A workgroup is a block of rows and a split of the columns (src/ops/pairs.rs); a thread owns R rows and sees J columns at once.
// Families: `tile` shares columns through workgroup memory. `broadcast` makes one subgroup a workgroup: a lane loads one
// column, constant-lane broadcasts share it, and nothing waits at a barrier (which is a coroutine switch in a software
// driver). `register` has neither. The `wide` ones serve any dimension (D is 0), in chunks of the gradient's coordinates.
#axis FAMILY: broadcast tile register wide wide_broadcast
#axis D: 0..=64 as 5 0 4 9 12 16
#axis R: 1..=4 as 2 1
#axis J: 1..=8 as 2 1
#axis SG: 1..=128 as 4 1
#axis ROLL: 0 1
// Invocations of a workgroup, and coordinates of the gradient that one of a wide family forms: where columns lie in workgroup memory, and else;
// of `broadcast` a workgroup has SG.
#let TILE_WIDTH = 128
#let WIDTH = 64
#let BROADCAST_CHUNK = 64
#let CHUNK = 32
#require FAMILY != wide && FAMILY != wide_broadcast || D == 0 && R == 1 && J == 1
#require FAMILY == wide || FAMILY == wide_broadcast || D > 0
#require FAMILY == broadcast || FAMILY == wide_broadcast || SG == 1 && ROLL == 0
#require FAMILY != broadcast && FAMILY != wide_broadcast || SG >= 4
#require FAMILY != broadcast || SG % J == 0
#require ROLL == 0 || FAMILY == wide_broadcast || D > 8
#if FAMILY == broadcast && D % 4 == 0
// A load of four coordinates costs llvmpipe little more than a load of one.
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
#else
@group(0) @binding(1) var<storage, read> x: array<f32>;                       // n × d
@group(0) @binding(2) var<storage, read> y: array<f32>;                       // m × d
#endif
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;          // splits × n × d

// Row blocks in the order first, last, second, last but one, …: of a symmetric sum the first has the most columns, and
// software drivers give each core a run of neighboring groups.
fn row_block(group: u32, groups: u32) -> u32 {
    return select(group / 2u, groups - 1u - group / 2u, group % 2u == 1u);
}

// Where the rows that begin at `block` begin in a split, and how often a column counts for the rows before `block_end`.
fn first_column(begin: u32, block: u32) -> u32 {
#if SYMMETRIC == 1
    return select(begin, max(begin, block), params.symmetric == 1u);
#else
    return begin;
#endif
}

fn times(j: u32, block_end: u32) -> f32 {
#if SYMMETRIC == 1
    return select(1.0, 2.0, params.symmetric == 1u && j >= block_end);
#else
    return 1.0;
#endif
}

#if REDUCTION == log_sum
// Stands for no mass: finite, so that differences of two stay numbers.
const NOTHING = -1e30;
#endif

// 2ᵗ; nothing beside 1 stays large enough for its products to be normal numbers, since processors take a hundred times as long over others.
fn power(t: f32) -> f32 {
    return exp2(clamp(t, -100.0, 126.0));
}

#if FAMILY == wide || FAMILY == wide_broadcast
#import common/pairs_wide
#else
#import common/pairs_narrow
#endif
