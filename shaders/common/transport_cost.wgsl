// The cost c = ‖x − y‖^p of transport by its squared distance, times `params.scale`, and its gradient; the importer has in its
// uniform `scale`, `half` = p/2 and `slope` = p.

#axis COST: square distance power

// Below this r² counts as 0, where the gradient is 0 too.
const COINCIDENT = 1e-30;

// scale·c of a squared distance.
fn cost(r2: f32) -> f32 {
#if COST == square
    return params.scale * r2;
#elif COST == distance
    return params.scale * sqrt(r2);
#else
    return select(0.0, params.scale * exp2(params.half * log2(max(r2, COINCIDENT))), r2 > COINCIDENT);
#endif
}

// ∂c/∂x over (x − y).
fn cost_slope(r2: f32) -> f32 {
#if COST == square
    return 2.0;
#elif COST == distance
    return select(0.0, inverseSqrt(max(r2, COINCIDENT)), r2 > COINCIDENT);
#else
    return select(0.0, params.slope * exp2((params.half - 1.0) * log2(max(r2, COINCIDENT))), r2 > COINCIDENT);
#endif
}
