//! Every method. A new one is a file and a line here.

use super::Method;

macro_rules! methods {
    ($($module:ident :: $method:ident),+ $(,)?) => {
        $( pub use super::$module::$method; )+

        /// Every method with its default settings, in the paper's order.
        pub(super) fn all() -> Vec<Box<dyn Method>> {
            vec![$( Box::new($method::default()) ),+]
        }

        /// The files of methods, in the same order.
        #[cfg(test)]
        pub(super) const FILES: &[&str] = &[$( stringify!($module) ),+];
    };
}

methods! {
    mmd::Mmd,
    energy::Energy,
    characteristic::Characteristic,
    gan::Gan,
    wgan::Wgan,
    fgan::FGan,
    kantorovich::Kantorovich,
    sinkhorn::Sinkhorn,
    stein::Stein,
    drift::Drift,
    realnvp::RealNvp,
    spline::Spline,
    maf::Maf,
    cnf::Cnf,
    vae::Vae,
    iwae::Iwae,
    ebm::Ebm,
    score::Score,
    diffusion::Diffusion,
    flow_matching::FlowMatching,
    interpolant::Interpolant,
    rectified_flow::RectifiedFlow,
    distill::Distill,
    flow_map::FlowMap,
    imm::Imm,
    distributional::DistributionalDiffusion,
    anneal::Anneal,
}
