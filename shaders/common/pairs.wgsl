// Reductions over pairs that never store the n × m matrix. For x (n × d), y (m × d), s = ‖xᵢ − yⱼ‖² and, where POTENTIAL is 1, a number v of each
// row and u of each column, t = vᵢ + uⱼ:
//   sum      Aᵢ = Σⱼ a(s, t),   Bᵢ = Σⱼ b(s, t)
//   log_sum  log₂ Σⱼ 2^a(s, t), as the running maximum M of the exponents and S = Σⱼ 2^(a − M): one rescaling for J columns
// GRADIENT adds gᵢ = Σⱼ w(s, t)·(xᵢ − yⱼ): the gradient of a reduction over pairs is one too (Charlier et al. 2021, §2).
// The importer has n, m, d, columns, row_begin and row_end in its uniform, sets REDUCTION and POTENTIAL, and brings
//   phi(s, t, i, j)                       (a, b, w)
//   of_row(i), of_column(j)               v and u
//   first_column(begin, block)            where the row block that begins at `block` begins in a split,
//   times(j, block_end)                   and how often column j counts there: for sums that are symmetric
//   put(at, sums)                         writes (A, B) or (M, S) of one row and split
// A workgroup is a block of rows and a split of the columns (src/ops/pairs.rs); a thread owns R rows.
#axis GRADIENT: 0 1
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
// software drivers give each core a run of neighbouring groups.
fn row_block(group: u32, groups: u32) -> u32 {
    return select(group / 2u, groups - 1u - group / 2u, group % 2u == 1u);
}

#if REDUCTION == log_sum
// Stands for no mass: finite, so that differences of two stay numbers.
const NOTHING = -1e30;
const EMPTY = vec2<f32>(NOTHING, 0.0);
#else
const EMPTY = vec2<f32>(0.0, 0.0);
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
