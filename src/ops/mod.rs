//! One safe wrapper a shader: shapes checked, gradient rule attached. Every op is a method of
//! [`Recorder`](crate::gpu::Recorder).

pub mod activation;
pub mod adam;
pub mod adaptive;
pub mod combine;
pub mod cooling;
pub mod coupling;
pub mod dual;
pub mod formula;
pub mod fourier;
pub mod gather;
pub mod jet;
pub mod likelihood;
pub mod line_potentials;
pub mod linear;
pub mod log_mean_exp;
pub mod map;
pub mod metropolis;
pub mod mixture;
pub mod neighbours;
pub mod pairwise;
pub mod partners;
pub mod path;
pub mod perceptron;
pub mod posterior;
pub mod random;
pub mod reduce;
pub mod repulsion;
pub mod sinkhorn;
pub mod sliced;
pub mod sort;
pub mod spectral;
pub mod spline;
pub mod stein;
pub mod time;
pub mod triangular;
