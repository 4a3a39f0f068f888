// Pairwise kernel sums that never store the n×m matrix: for x (n×d), y (m×d) and a radial kernel k (common/radial),
//   rᵢ = Σⱼ k(xᵢ, yⱼ)      gᵢ = Σⱼ w(xᵢ, yⱼ)·(xᵢ − yⱼ), so that ∂rᵢ/∂xᵢ = −slope·gᵢ
// and from three such sums  MMD² = c_xx Σᵢ rᵢ(x,x) + c_yy Σⱼ rⱼ(y,y) + c_xy Σᵢ rᵢ(x,y)  (Gretton et al. 2012, eq. 3 and 5).
// Group (row block, column split) writes its split's partial sums; `finish_*` adds the splits in a fixed order.
// Families: `tile` shares columns through workgroup memory. `broadcast` makes one subgroup a workgroup: a lane loads one
// column, constant-lane broadcasts share it, and nothing waits at a barrier (which is a coroutine switch in a software
// driver). `register` has neither. The `wide` ones serve any
// dimension (D is not used), in chunks.
#axis FAMILY: tile broadcast register wide wide_broadcast
#axis GRADIENT: 0 1
#axis D: 8
#axis R: 2
#axis J: 2
#axis SG: 4
#axis ROLL: 0 1
#axis BLOCKS: 1

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,                 // of y in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    symmetric: u32,               // 1: x is y and only Σᵢ rᵢ is wanted: columns after a row block count twice, before it never
    spare: u32,
    shape: array<vec4<f32>, 4>,
    alpha: array<vec4<f32>, 4>,
}
@group(0) @binding(0) var<uniform> params: Params;
#if FAMILY == broadcast && D % 4 == 0
// A load of four coordinates costs llvmpipe little more than a load of one.
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
#else
@group(0) @binding(1) var<storage, read> x: array<f32>;                       // n × d
@group(0) @binding(2) var<storage, read> y: array<f32>;                       // m × d
#endif
@group(0) @binding(3) var<storage, read_write> value: array<f32>;             // splits × n
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>;          // splits × n × d
#import common/radial

// Row blocks in the order first, last, second, last but one, …: with `symmetric` the first has the most columns, and
// software drivers give each core a run of neighbouring groups.
fn row_block(group: u32, groups: u32) -> u32 {
    return select(group / 2u, groups - 1u - group / 2u, group % 2u == 1u);
}

#if FAMILY == tile
#import common/pairwise_tile
#elif FAMILY == broadcast
#import common/pairwise_broadcast
#elif FAMILY == register
#import common/pairwise_register
#elif FAMILY == wide
#import common/pairwise_wide
#else
#import common/pairwise_wide_broadcast
#endif
