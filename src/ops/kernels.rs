//! Kernels of pairs of points: what a shader is told of them, and their values on the host.

/// A radial kernel k(x, y) as a function of r = ‖x − y‖. Kernels of several widths or shapes are sums, not means.
#[derive(Clone, Debug, PartialEq)]
pub enum RadialKernel {
    /// Σ_b exp(−r² / 2ℓ_b²).
    Gaussian { bandwidths: Vec<f32> },
    /// exp(−r / ℓ).
    Laplace { bandwidth: f32 },
    /// (c² + r²)^(−1/2).
    InverseMultiquadric { offset: f32 },
    /// Σ_α (1 + r² / 2αℓ²)^(−α).
    RationalQuadratic { alphas: Vec<f32>, bandwidth: f32 },
    /// −r^β with 0 < β < 2: the kernel of the energy distance. Its gradient at coincident points is taken as 0.
    Energy { beta: f32 },
}

impl RadialKernel {
    /// One Gaussian of bandwidth ℓ.
    pub fn gaussian(bandwidth: f32) -> Self {
        Self::Gaussian { bandwidths: vec![bandwidth] }
    }

    /// k and −2 dk/d(r²), so that ∂k/∂x = −slope·(x − y).
    pub fn value_and_slope(&self, r2: f64) -> (f64, f64) {
        let r = r2.sqrt();
        match self {
            Self::Gaussian { bandwidths } => bandwidths.iter().fold((0.0, 0.0), |(k, s), &l| {
                let inverse = 1.0 / (f64::from(l) * f64::from(l));
                let e = (-0.5 * r2 * inverse).exp();
                (k + e, s + e * inverse)
            }),
            Self::Laplace { bandwidth } => {
                let l = f64::from(*bandwidth);
                let e = (-r / l).exp();
                (e, if r2 > 0.0 { e / (l * r) } else { 0.0 })
            }
            Self::InverseMultiquadric { offset } => {
                let q = 1.0 / (f64::from(*offset).powi(2) + r2);
                (q.sqrt(), q * q.sqrt())
            }
            Self::RationalQuadratic { alphas, bandwidth } => alphas.iter().fold((0.0, 0.0), |(k, s), &a| {
                let (a, l2) = (f64::from(a), f64::from(*bandwidth).powi(2));
                let base = 1.0 + r2 / (2.0 * a * l2);
                let e = base.powf(-a);
                (k + e, s + e / (base * l2))
            }),
            Self::Energy { beta } => {
                let b = f64::from(*beta);
                (-r.powf(b), if r2 > 0.0 { b * r.powf(b - 2.0) } else { 0.0 })
            }
        }
    }

    /// k(x, x).
    pub fn diagonal(&self) -> f64 {
        self.value_and_slope(0.0).0
    }
}

/// A radial kernel. Several widths are summed, not averaged.
#[derive(Clone, Debug, PartialEq)]
pub enum SteinKernel {
    /// Σ_b exp(−r² / 2ℓ_b²).
    Gaussian { bandwidths: Vec<f32> },
    /// (c² + r²)^β with −1 < β < 0: unlike light-tailed kernels it sees mass that escapes to infinity (Gorham & Mackey 2017).
    InverseMultiquadric { offset: f32, beta: f32 },
}

impl SteinKernel {
    /// One Gaussian of bandwidth ℓ.
    pub fn gaussian(bandwidth: f32) -> Self {
        Self::Gaussian { bandwidths: vec![bandwidth] }
    }

    /// κ, −2κ′, 4κ″ and −8κ‴ of k = κ(r²), none negative.
    pub fn derivatives(&self, r2: f64) -> [f64; 4] {
        match self {
            Self::Gaussian { bandwidths } => bandwidths.iter().fold([0.0; 4], |mut sum, &l| {
                let h = 1.0 / (f64::from(l) * f64::from(l));
                let k = (-0.5 * r2 * h).exp();
                sum.iter_mut().zip([1.0, h, h * h, h * h * h]).for_each(|(s, h)| *s += k * h);
                sum
            }),
            Self::InverseMultiquadric { offset, beta } => {
                let (base, b) = (f64::from(*offset).powi(2) + r2, f64::from(*beta));
                let k = base.powf(b);
                [
                    k,
                    -2.0 * b * k / base,
                    4.0 * b * (b - 1.0) * k / base.powi(2),
                    -8.0 * b * (b - 1.0) * (b - 2.0) * k / base.powi(3),
                ]
            }
        }
    }
}

/// u(x, y) at scores a of x and b of y of a target: aᵀb k + aᵀ∇_y k + bᵀ∇_x k + tr ∇_x∇_y k, whose mean over pairs is KSD².
pub fn stein_kernel(kernel: &SteinKernel, x: &[f64], y: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let (mut r2, mut dot, mut cross) = (0.0, 0.0, 0.0);
    for c in 0..x.len() {
        let e = x[c] - y[c];
        r2 += e * e;
        dot += a[c] * b[c];
        cross += (a[c] - b[c]) * e;
    }
    let [k, q, w, _] = kernel.derivatives(r2);
    k * dot + q * (cross + x.len() as f64) - w * r2
}
