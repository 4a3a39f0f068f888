//! Reference for `line_potentials`: the sorted matching on a line and its dual potentials.

use super::Exact;

/// What the op returns: squares of the P lines, sums over them of the potentials of x and y.
#[derive(Clone, Debug)]
pub struct Potentials {
    pub squares: Exact,
    pub u: Exact,
    pub v: Exact,
}

/// For x and y (n×d) and the columns of theta (d × P).
pub fn line_potentials(x: &[f64], y: &[f64], d: usize, theta: &[f64]) -> Potentials {
    let (n, lines) = (x.len() / d, theta.len() / d);
    let mut squares = Exact::new(n);
    let mut sums = vec![[(0.0, 0.0); 2]; n];
    for p in 0..lines {
        // Stable, from +0, as the device sorts: equal values keep the order of their points.
        let sorted = |points: &[f64]| {
            let project = |point: &[f64]| point.iter().enumerate().fold(0.0, |sum, (k, a)| sum + a * theta[k * lines + p]);
            let mut order: Vec<(f64, usize)> = points.chunks(d).map(project).zip(0..).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            order
        };
        let (of_x, of_y) = (sorted(x), sorted(y));
        squares.push((0..n).map(|k| (of_x[k].0 - of_y[k].0).powi(2) / n as f64));
        let (mut potential, mut scale) = (0.0, 0.0);
        for k in 0..n {
            let ((x1, i), (y1, j)) = (of_x[k], of_y[k]);
            if k > 0 {
                let (x0, y0) = (of_x[k - 1].0, of_y[k - 1].0);
                potential += (x1 - x0) * (x1 - y1 + x0 - y0);
                scale += (x1 - x0) * ((x1 - y1).abs() + (x0 - y0).abs());
            }
            let cost = (x1 - y1).powi(2);
            sums[i][0] = (sums[i][0].0 + potential, sums[i][0].1 + scale);
            sums[j][1] = (sums[j][1].0 + cost - potential, sums[j][1].1 + cost + scale);
        }
    }
    let side = |at: usize| {
        let mut reference = Exact::new(n + lines);
        sums.iter().for_each(|both| reference.push_scaled(both[at].0, both[at].1));
        reference
    };
    Potentials { squares, u: side(0), v: side(1) }
}
