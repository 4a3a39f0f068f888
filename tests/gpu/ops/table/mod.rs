//! One table of ops, and one driver that runs each over the sizes and in every kernel family: its value, its gradients, a gradient that is
//! added to another, and its tangents, against double precision. Memory is filled with NaN before it is written, and shaders have bounds checks.

mod case;
mod coverage;
mod densities;
mod driver;
mod gathers;
mod layers;
mod maps;
mod pairs;
mod properties;
mod sums;

use driver::Cases;

/// The table, and a test for each of its ops.
macro_rules! table {
    ($($module:ident: $($op:ident)+;)+) => {
        const TABLE: &[(&str, Cases)] = &[$($((stringify!($op), $module::$op)),+),+];
        $($(
            #[test]
            fn $op() {
                driver::check(stringify!($op), $module::$op);
            }
        )+)+
    };
}

table! {
    maps: abs activation activation_tangent add affine blend clamp copy_into cos detach div exp log mul reciprocal reshape scale sigmoid sin sqrt
        square sub;
    sums: combine log_mean_exp mean mean_square shares_into sum sum_cols sum_rows weighted_sum;
    gathers: block columns concat pick rows sort_columns;
    layers: inner_products jet jet_activation jet_rates linear linear_sum perceptron solve_triangular spectral_normalize time_embedding;
    pairs: balls fourier_loss fourier_statistics kantorovich_dual kernel_blocks kernel_means kernel_means_of kernel_rows kernel_sum line_potentials
        log_kernel_sums mmd_squared mmd_squared_value nearest riesz_energy riesz_forces sliced_energy_along sliced_wasserstein_along
        stein_squared;
    densities: affine_coupling error_ratio formulas likelihood_sample log_likelihood mixture_log_density mixture_score posterior_divergence
        posterior_sample spline_coupling;
}
