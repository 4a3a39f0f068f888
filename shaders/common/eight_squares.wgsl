// Squared distances of a row of x to eight rows of y at once, for any number of columns: reads `params.m`, `params.d`, `x` and `y` of its importer.
#for Q in 0..8
var<private> s$Q: f32;
#endfor

// |xᵢ − y_{j+q}|² for q in 0..8, into s0 … s7. Beyond m a row is read again, beyond d a column counts nothing.
fn squares(i: u32, j: u32) {
#for Q in 0..8
    s$Q = 0.0;
    let y$Q = min(j + $(Q)u, params.m - 1u) * params.d;
#endfor
    for (var c = 0u; c < params.d; c += 16u) {
#for C in 0..16
        let c$C = min(c + $(C)u, params.d - 1u);
        let inside$C = f32(c + $(C)u < params.d);
        let x$C = x[i * params.d + c$C];
#endfor
#for Q in 0..8
        {
            var sum = 0.0;
#for C in 0..16
            let e$C = (x$C - y[y$Q + c$C]) * inside$C;
            sum += e$C * e$C;
#endfor
            s$Q += sum;
        }
#endfor
    }
}
