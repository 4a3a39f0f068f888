//! Plain f64 references of every op, written straight from the formula, and the one measure of agreement with them.
//!
//! A reference returns the value and its scale Σ|terms| (what rounding errors are proportional to), element by element. The
//! GPU's f32 answer must satisfy |gpu − reference| ≤ C·ε₃₂·√K·scale, where K is the number of terms summed; the whole project
//! has one C.

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
pub mod kernel_density;
pub mod likelihood;
pub mod line_potentials;
pub mod linear;
pub mod log_mean_exp;
pub mod map;
pub mod metropolis;
pub mod mixture;
pub mod neighbors;
pub mod pairwise;
pub mod partners;
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

/// The one constant of agreement. It covers the error of the transcendental functions (a few ulp) and of f32 inputs; it is
/// not a knob.
pub const C: f64 = 8.0;

/// A reference's answer.
#[derive(Clone, Debug, Default)]
pub struct Exact {
    pub value: Vec<f64>,
    /// Σ|terms| of each element.
    pub scale: Vec<f64>,
    /// Terms that are summed into an element.
    pub terms: usize,
}

impl Exact {
    pub fn new(terms: usize) -> Self {
        Self { value: Vec::new(), scale: Vec::new(), terms }
    }

    /// Appends one element as the sum of its terms.
    pub fn push(&mut self, terms: impl IntoIterator<Item = f64>) {
        let (mut value, mut scale) = (0.0, 0.0);
        for term in terms {
            value += term;
            scale += term.abs();
        }
        self.value.push(value);
        self.scale.push(scale);
    }

    /// Appends one element with an explicit scale.
    pub fn push_scaled(&mut self, value: f64, scale: f64) {
        self.value.push(value);
        self.scale.push(scale);
    }

    /// Panics, naming the worst element, unless every element of `gpu` agrees.
    #[track_caller]
    pub fn check(&self, what: &str, gpu: &[f32]) {
        if let Some(problem) = self.disagreement(gpu) {
            panic!("{what}: {problem}");
        }
    }

    /// What is wrong with `gpu`, naming its worst element, or nothing where every element agrees.
    pub fn disagreement(&self, gpu: &[f32]) -> Option<String> {
        if gpu.len() != self.value.len() {
            return Some(format!("{} elements for {}", gpu.len(), self.value.len()));
        }
        let unit = C * f64::from(f32::EPSILON) * (self.terms.max(1) as f64).sqrt();
        let mut worst = (0.0, 0);
        for (i, (&found, (&value, &scale))) in gpu.iter().zip(self.value.iter().zip(&self.scale)).enumerate() {
            // Below the smallest normal number precision is absolute.
            let allowed = unit * scale + f64::from(f32::MIN_POSITIVE);
            let excess = (f64::from(found) - value).abs() / allowed;
            if excess.is_nan() {
                worst = (f64::INFINITY, i);
                break;
            }
            if excess > worst.0 {
                worst = (excess, i);
            }
        }
        let (excess, i) = worst;
        (excess > 1.0).then(|| {
            format!(
                "element {i} of {} is {} and should be {} (scale {:e}, {} terms): {excess:.2} times the tolerance",
                gpu.len(),
                gpu[i],
                self.value[i],
                self.scale[i],
                self.terms
            )
        })
    }
}

/// Central differences of a scalar function, for checking reference gradients: each component to about 1e-9 relative.
pub fn differences(x: &[f64], mut f: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut at = x.to_vec();
    (0..x.len())
        .map(|i| {
            let h = 1e-5 * x[i].abs().max(1.0);
            // Fourth order, so that h can be large enough for rounding not to matter.
            let mut sample = |k: f64| {
                at[i] = x[i] + k * h;
                let value = f(&at);
                at[i] = x[i];
                value
            };
            (8.0 * (sample(1.0) - sample(-1.0)) - (sample(2.0) - sample(-2.0))) / (12.0 * h)
        })
        .collect()
}

/// Panics unless two gradients agree to `tolerance` relative to the larger norm.
#[track_caller]
pub fn check_gradient(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: {} components for {}", found.len(), expected.len());
    let norm = expected.iter().chain(found).fold(0.0f64, |m, g| m.max(g.abs())).max(1e-12);
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * norm, "{what}: component {i} is {a} and differences give {b} (norm {norm:e})");
    }
}
