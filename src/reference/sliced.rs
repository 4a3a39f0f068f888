//! Reference for `sliced`: transport and energy distance on a line, averaged over given directions, straight from their definitions.

/// A statistic of two samples with its gradients, each with Σ|terms| beside it.
#[derive(Clone, Debug, Default)]
pub struct Sliced {
    pub value: f64,
    pub scale: f64,
    /// n×d.
    pub d_x: Vec<f64>,
    pub d_x_scale: Vec<f64>,
    /// m×d.
    pub d_y: Vec<f64>,
    pub d_y_scale: Vec<f64>,
}

/// A statistic on a line: value and gradients, each as (value, Σ|terms|).
struct Line {
    value: (f64, f64),
    d_x: Vec<(f64, f64)>,
    d_y: Vec<(f64, f64)>,
}

/// The mean over the P columns of theta (d × P) of W₂² between the projections of x (n×d) and y (m×d).
pub fn wasserstein(x: &[f64], y: &[f64], d: usize, theta: &[f64]) -> Sliced {
    averaged(x, y, d, theta, 1.0, transport)
}

/// c_d times the mean over the directions of 2E|X−Y| − E|X−X'| − E|Y−Y'| on their lines.
pub fn energy(x: &[f64], y: &[f64], d: usize, theta: &[f64], unbiased: bool) -> Sliced {
    averaged(x, y, d, theta, crate::ops::sliced::energy_constant(d), |a, b| energy_line(a, b, unbiased))
}

fn averaged(x: &[f64], y: &[f64], d: usize, theta: &[f64], constant: f64, line: impl Fn(&[f64], &[f64]) -> Line) -> Sliced {
    let count = theta.len() / d;
    let weight = constant / count as f64;
    let mut all = Sliced {
        d_x: vec![0.0; x.len()],
        d_x_scale: vec![0.0; x.len()],
        d_y: vec![0.0; y.len()],
        d_y_scale: vec![0.0; y.len()],
        ..Sliced::default()
    };
    for p in 0..count {
        let along: Vec<f64> = (0..d).map(|k| theta[k * count + p]).collect();
        let project = |points: &[f64]| -> Vec<f64> {
            // From +0, so that no projection is −0: sorting tells the two apart.
            points.chunks(d).map(|point| point.iter().zip(&along).fold(0.0, |sum, (a, t)| sum + a * t)).collect()
        };
        let found = line(&project(x), &project(y));
        all.value += weight * found.value.0;
        all.scale += weight * found.value.1;
        let spread = |of: &[(f64, f64)], value: &mut [f64], scale: &mut [f64]| {
            for (i, (slope, size)) in of.iter().enumerate() {
                for (k, t) in along.iter().enumerate() {
                    value[i * d + k] += weight * slope * t;
                    scale[i * d + k] += weight * size * t.abs();
                }
            }
        };
        spread(&found.d_x, &mut all.d_x, &mut all.d_x_scale);
        spread(&found.d_y, &mut all.d_y, &mut all.d_y_scale);
    }
    all
}

/// The sorted samples coupled by quantiles: rank i of n and rank j of m share max(0, min(i+1)m, (j+1)n) − max(im, jn)) of nm parts.
fn transport(x: &[f64], y: &[f64]) -> Line {
    let order = |v: &[f64]| {
        let mut order: Vec<usize> = (0..v.len()).collect();
        order.sort_by(|&a, &b| v[a].total_cmp(&v[b]));
        order
    };
    let (order_x, order_y, n, m) = (order(x), order(y), x.len(), y.len());
    let mut out = Line { value: (0.0, 0.0), d_x: vec![(0.0, 0.0); n], d_y: vec![(0.0, 0.0); m] };
    let (mut i, mut j) = (0, 0);
    while i < n && j < m {
        let shared = ((i + 1) * m).min((j + 1) * n) - (i * m).max(j * n);
        let weight = shared as f64 / (n as f64 * m as f64);
        let (a, b) = (order_x[i], order_y[j]);
        let difference = x[a] - y[b];
        out.value.0 += weight * difference * difference;
        let slope = 2.0 * weight * difference;
        out.d_x[a] = (out.d_x[a].0 + slope, out.d_x[a].1 + slope.abs());
        out.d_y[b] = (out.d_y[b].0 - slope, out.d_y[b].1 + slope.abs());
        let (end_x, end_y) = ((i + 1) * m, (j + 1) * n);
        i += usize::from(end_x <= end_y);
        j += usize::from(end_y <= end_x);
    }
    out.value.1 = out.value.0;
    out
}

fn energy_line(x: &[f64], y: &[f64], unbiased: bool) -> Line {
    let own = |v: &[f64]| v.len() as f64 * (v.len() as f64 - f64::from(u8::from(unbiased)));
    let cross = x.len() as f64 * y.len() as f64;
    let sum = |a: &[f64], b: &[f64]| a.iter().flat_map(|a| b.iter().map(move |b| (a - b).abs())).sum::<f64>();
    let terms = [2.0 * sum(x, y) / cross, sum(x, x) / own(x), sum(y, y) / own(y)];
    // Equal values count zero.
    let against = |v: f64, all: &[f64], weight: f64| {
        all.iter().fold((0.0, 0.0), |(s, size), &w| {
            let sign = if v > w {
                weight
            } else if v < w {
                -weight
            } else {
                0.0
            };
            (s + sign, size + sign.abs())
        })
    };
    let slopes = |v: &[f64], other: &[f64]| {
        v.iter()
            .map(|&a| {
                let (pull, push) = (against(a, v, 2.0 / own(v)), against(a, other, 2.0 / cross));
                (push.0 - pull.0, push.1 + pull.1)
            })
            .collect()
    };
    Line { value: (terms[0] - terms[1] - terms[2], terms.iter().sum()), d_x: slopes(x, y), d_y: slopes(y, x) }
}
