//! Statistics of all pairs of rows, of projections and of frequencies.

use super::case::{Case, Operand, Wide, exact, scaled};
use super::driver::Size;
use pushforward::gpu::{Recorder, Var};
use pushforward::ops::dual::{Dual, Softness};
use pushforward::ops::fourier::Frequencies;
use pushforward::ops::kernel_density::Shape;
use pushforward::ops::pairwise::{Estimator, RadialKernel};
use pushforward::ops::repulsion::Riesz;
use pushforward::ops::stein::SteinKernel;
use pushforward::reference::{
    Exact, dual, fourier, kernel_density, line_potentials as lines, neighbors, pairwise, repulsion, sliced, stein,
};

const BOTH: [Estimator; 2] = [Estimator::Biased, Estimator::Unbiased];

/// Pairs of more rows than this would keep the reference too long.
const MOST: usize = 400;

/// The rows of the second sample.
const OTHERS: usize = 37;

fn unbiased(estimator: Estimator) -> bool {
    estimator == Estimator::Unbiased
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

/// A gradient's reference, times the cotangent of its loss.
fn times(u: &Wide, values: Vec<f64>, scale: Vec<f64>, terms: usize) -> Exact {
    let by = u[0][0];
    let all = |of: Vec<f64>, by: f64| of.into_iter().map(|v| by * v).collect();
    scaled(all(values, by), all(scale, by.abs()), terms)
}

fn samples(size: Size) -> Vec<Operand> {
    vec![Operand::new(size.rows, size.columns, 1), Operand::mapped(OTHERS, size.columns, 2, |y| 1.2 * y + 0.3)]
}

/// All kernels at the typical size, and elsewhere one that is smooth and one that is not, of a width that fits the dimension.
fn kernels(size: Size) -> Vec<RadialKernel> {
    if !size.typical {
        return vec![RadialKernel::gaussian((size.columns as f32).sqrt()), RadialKernel::Energy { beta: 1.0 }];
    }
    vec![
        RadialKernel::gaussian(0.8),
        RadialKernel::Gaussian { bandwidths: vec![0.5, 1.0, 3.0] },
        RadialKernel::Laplace { bandwidth: 1.3 },
        RadialKernel::InverseMultiquadric { offset: 0.7 },
        RadialKernel::RationalQuadratic { alphas: vec![0.5, 1.0, 2.0], bandwidth: 0.9 },
        RadialKernel::Energy { beta: 1.0 },
        RadialKernel::Energy { beta: 1.5 },
    ]
}

pub fn mmd_squared(size: Size) -> Vec<Case> {
    let case = |kernel: &RadialKernel, estimator: Estimator| {
        let (d, terms) = (size.columns, size.rows.max(OTHERS));
        let [of_value, of_gradient, recorded] = [0; 3].map(|_| kernel.clone());
        let case = Case::new(
            format!("{kernel:?} {estimator:?}"),
            samples(size),
            move |rec, x| Ok(vec![rec.mmd_squared(&recorded, x[0], x[1], estimator)?]),
            move |x| {
                let found = pairwise::mmd_squared(&of_value, &x[0], &x[1], d, unbiased(estimator));
                vec![scaled(vec![found.value], vec![found.scale], terms)]
            },
        );
        case.reverse_only(&[0, 1]).gradient(move |x, u| {
            let found = pairwise::mmd_squared(&of_gradient, &x[0], &x[1], d, unbiased(estimator));
            vec![times(u, found.d_x, found.d_x_scale, terms), times(u, found.d_y, found.d_y_scale, terms)]
        })
    };
    let kernels = if size.rows <= MOST { kernels(size) } else { Vec::new() };
    let fits = |estimator: &Estimator| size.rows > 1 || !unbiased(*estimator);
    kernels.iter().flat_map(|kernel| BOTH.into_iter().filter(fits).map(|estimator| case(kernel, estimator))).collect()
}

pub fn mmd_squared_value(size: Size) -> Vec<Case> {
    let without_gradient = |case: Case| Case { differentiable: Vec::new(), gradient: None, ..case };
    let kernels = if size.rows <= MOST { kernels(size) } else { Vec::new() };
    let record = |kernel: RadialKernel| {
        move |rec: &mut Recorder, x: &[Var]| Ok(vec![rec.mmd_squared_value(&kernel, x[0], x[1], Estimator::Biased)?])
    };
    let all = mmd_squared(size).into_iter().filter(|case| case.what.ends_with("Biased") && !case.what.ends_with("Unbiased"));
    all.zip(kernels).map(|(case, kernel)| Case { record: Box::new(record(kernel)), ..without_gradient(case) }).collect()
}

/// The sums over y of each row of x.
fn of_rows(kernel: &RadialKernel, x: &Wide, d: usize) -> (Vec<f64>, Vec<f64>) {
    let found = pairwise::rows(kernel, &x[0], &x[1], d, None, false);
    (found.value, found.value_scale)
}

pub fn kernel_rows(size: Size) -> Vec<Case> {
    let case = |kernel: RadialKernel| {
        let (d, recorded) = (size.columns, kernel.clone());
        Case::new(
            format!("{kernel:?}"),
            samples(size),
            move |rec, x| Ok(vec![rec.kernel_rows(&recorded, x[0], x[1])?]),
            move |x| {
                let (value, scale) = of_rows(&kernel, x, d);
                vec![scaled(value, scale, OTHERS)]
            },
        )
    };
    kernels(size).into_iter().map(case).collect()
}

pub fn kernel_sum(size: Size) -> Vec<Case> {
    let case = |kernel: RadialKernel| {
        let (d, recorded) = (size.columns, kernel.clone());
        Case::new(
            format!("{kernel:?}"),
            samples(size),
            move |rec, x| Ok(vec![rec.kernel_sum(&recorded, x[0], x[1])?]),
            move |x| {
                let (value, scale) = of_rows(&kernel, x, d);
                vec![scaled(vec![value.iter().sum()], vec![scale.iter().sum()], x[0].len() / d + OTHERS)]
            },
        )
    };
    kernels(size).into_iter().map(case).collect()
}

/// Blocks of one row, and of all rows, by blocks of which the last is cut short.
pub fn kernel_blocks(size: Size) -> Vec<Case> {
    let case = |rows: usize, columns: usize| {
        let d = size.columns;
        let kernel = RadialKernel::gaussian((d as f32).sqrt());
        let recorded = kernel.clone();
        Case::new(
            format!("{rows} by {columns}"),
            samples(size),
            move |rec, x| Ok(vec![rec.kernel_blocks(&recorded, x[0], x[1], rows, columns)?]),
            move |x| {
                let (value, scale) = pairwise::blocks(&kernel, &x[0], &x[1], d, rows, columns);
                vec![scaled(value, scale, rows * columns)]
            },
        )
    };
    vec![case(1, 7), case(size.rows, 10), case(size.rows, 100)]
}

pub fn stein_squared(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let kernels = match size.typical {
        _ if rows > MOST => Vec::new(),
        true => vec![
            SteinKernel::gaussian(0.8),
            SteinKernel::Gaussian { bandwidths: vec![0.5, 1.0, 3.0] },
            SteinKernel::InverseMultiquadric { offset: 0.7, beta: -0.5 },
            SteinKernel::InverseMultiquadric { offset: 1.2, beta: -0.9 },
        ],
        false => vec![SteinKernel::gaussian((d as f32).sqrt()), SteinKernel::InverseMultiquadric { offset: 1.0, beta: -0.3 }],
    };
    let case = |kernel: &SteinKernel, estimator: Estimator| {
        let terms = rows.max(d);
        let [of_value, of_gradient, recorded] = [0; 3].map(|_| kernel.clone());
        let case = Case::new(
            format!("{kernel:?} {estimator:?}"),
            vec![Operand::new(rows, d, 1), Operand::new(rows, d, 2)],
            move |rec, x| Ok(vec![rec.stein_squared(&recorded, x[0], x[1], estimator)?]),
            move |x| {
                let found = stein::stein_squared(&of_value, &x[0], &x[1], d, unbiased(estimator));
                vec![scaled(vec![found.value], vec![found.scale], terms)]
            },
        );
        case.reverse_only(&[0, 1]).gradient(move |x, u| {
            let found = stein::stein_squared(&of_gradient, &x[0], &x[1], d, unbiased(estimator));
            vec![times(u, found.d_x, found.d_x_scale, terms), times(u, found.d_scores, found.d_scores_scale, terms)]
        })
    };
    let fits = |estimator: &Estimator| rows > 1 || !unbiased(*estimator);
    kernels.iter().flat_map(|kernel| BOTH.into_iter().filter(fits).map(|estimator| case(kernel, estimator))).collect()
}

pub fn kantorovich_dual(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, typical } = size;
    let case = |exponent: f32, softness: Softness| {
        let mut operands = samples(size);
        let (x, y) = (operands[0].wide(), operands[1].wide());
        // Potentials whose sum is about the mean cost, which ε is a share of.
        let square = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        let cost = |x: &[f64], y: &[f64]| square(x, y).powf(f64::from(exponent) / 2.0);
        let costs = x.chunks_exact(d).flat_map(|x| y.chunks_exact(d).map(move |y| cost(x, y)));
        let mean = (costs.sum::<f64>() / (rows * OTHERS).max(1) as f64) as f32;
        operands.push(Operand::mapped(rows, 1, 3, |z| mean * (0.5 + 0.3 * z)));
        operands.push(Operand::mapped(OTHERS, 1, 4, |z| mean * (0.5 + 0.3 * z)));
        let settings = Dual { exponent, epsilon: 0.3 * mean, softness };
        let reference = move |x: &Wide| {
            let (p, epsilon) = (exponent.into(), settings.epsilon.into());
            dual::dual(&dual::Problem { f: &x[2], g: &x[3], x: &x[0], y: &x[1], d, p, epsilon, softness })
        };
        let case = Case::new(
            format!("{softness:?}, exponent {exponent}"),
            operands,
            move |rec, x| Ok(vec![rec.kantorovich_dual(x[2], x[3], x[0], x[1], &settings)?]),
            move |x| vec![reference(x).value],
        );
        case.reverse_only(&[2, 3, 0, 1]).gradient(move |x, u| {
            let found = reference(x);
            [found.d_f, found.d_g, found.d_x, found.d_y]
                .map(|reference| times(u, reference.value, reference.scale, reference.terms))
                .into()
        })
    };
    let exponents: &[f32] = if typical { &[0.5, 1.0, 1.5, 2.0] } else { &[2.0] };
    let softnesses: &[Softness] = if rows > MOST { &[] } else { &[Softness::Entropic, Softness::Quadratic] };
    softnesses.iter().flat_map(|&softness| exponents.iter().map(move |&exponent| case(exponent, softness))).collect()
}

/// Frequencies, their real parts and their weights.
fn waves(d: usize, count: usize) -> Vec<Operand> {
    let spread = 2.0 / (d as f32).sqrt();
    vec![
        Operand::mapped(count, d, 3, |b| spread * b),
        Operand::mapped(count, d, 4, |a| 0.2 * spread * a),
        Operand::mapped(1, count, 5, |t| t.abs() + 0.1),
    ]
}

fn frequencies(x: &Wide, d: usize, complex: bool) -> fourier::Frequencies {
    fourier::Frequencies { d, imaginary: x[2].clone(), real: complex.then(|| x[3].clone()) }
}

fn recorded(x: &[Var], complex: bool) -> Frequencies {
    if complex { Frequencies::complex(x[3], x[2]) } else { Frequencies::real(x[2]) }
}

pub fn fourier_statistics(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let case = |complex: bool| {
        let mut operands = samples(size);
        operands.extend(waves(d, OTHERS));
        Case::new(
            format!("complex: {complex}"),
            operands,
            move |rec, x| Ok(vec![rec.fourier_statistics(recorded(x, complex), x[0])?.means]),
            move |x| {
                let found = fourier::statistics(&frequencies(x, d, complex), &x[0]);
                let value = [found.cos, found.sin, found.square].concat();
                vec![scaled(value, [found.scale.clone(), found.scale, found.square_scale].concat(), rows)]
            },
        )
    };
    if rows > MOST { Vec::new() } else { vec![case(false), case(true)] }
}

pub fn fourier_loss(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let case = |complex: bool, estimator: Estimator, count: usize| {
        let mut operands = samples(size);
        operands.extend(waves(d, count));
        let terms = rows.max(OTHERS).max(count);
        let reference = move |x: &Wide| {
            let frequencies = frequencies(x, d, complex);
            let target = fourier::statistics(&frequencies, &x[1]);
            fourier::loss(&frequencies, &x[0], &target, &x[4], unbiased(estimator))
        };
        let case = Case::new(
            format!("{count} frequencies, complex: {complex}, {estimator:?}"),
            operands,
            move |rec, x| {
                let frequencies = recorded(x, complex);
                let target = rec.fourier_statistics(frequencies, x[1])?;
                Ok(vec![rec.fourier_loss(frequencies, x[0], target, x[4], estimator)?])
            },
            move |x| {
                let found = reference(x);
                vec![scaled(vec![found.value], vec![found.scale], terms)]
            },
        );
        case.reverse_only(&[0]).gradient(move |x, u| {
            let found = reference(x);
            vec![times(u, found.d_x, found.d_x_scale, terms)]
        })
    };
    let fits = |estimator: &Estimator| rows <= MOST && (rows > 1 || !unbiased(*estimator));
    let all = [false, true].into_iter().flat_map(|complex| BOTH.into_iter().filter(fits).map(move |e| case(complex, e, OTHERS)));
    // Frequencies enough for several workgroups to share them.
    all.chain(size.typical.then(|| case(true, Estimator::Unbiased, 2100))).collect()
}

/// Few bits, so that projections on directions of few bits are exact in single precision and both sides sort alike.
fn rounded(rows: usize, columns: usize, seed: u64, unit: f32) -> Operand {
    Operand::mapped(rows, columns, seed, move |v| (v / unit).round() * unit)
}

fn projected(size: Size, lines: usize) -> Vec<Operand> {
    let d = size.columns;
    vec![rounded(size.rows, d, 1, 1.0 / 256.0), rounded(OTHERS, d, 2, 1.0 / 256.0), rounded(d, lines, 3, 1.0 / 64.0)]
}

type Sliced = fn(&mut Recorder, Var, Var, Var) -> pushforward::Result<Var>;

fn along(size: Size, what: &str, record: Sliced, reference: fn(&Wide, usize) -> sliced::Sliced) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let case = |lines: usize| {
        let case = Case::new(
            format!("{what}{lines} lines"),
            projected(size, lines),
            move |rec, x| Ok(vec![record(rec, x[0], x[1], x[2])?]),
            move |x| {
                let found = reference(x, d);
                vec![scaled(vec![found.value], vec![found.scale], (rows + OTHERS) * lines)]
            },
        );
        case.reverse_only(&[0, 1]).gradient(move |x, u| {
            let found = reference(x, d);
            vec![times(u, found.d_x, found.d_x_scale, lines), times(u, found.d_y, found.d_y_scale, lines)]
        })
    };
    let lines: &[usize] = if size.typical { &[1, 5, 17] } else { &[5] };
    lines.iter().map(|&lines| case(lines)).collect()
}

pub fn sliced_wasserstein_along(size: Size) -> Vec<Case> {
    along(size, "", Recorder::sliced_wasserstein_along, |x, d| sliced::wasserstein(&x[0], &x[1], d, &x[2]))
}

pub fn sliced_energy_along(size: Size) -> Vec<Case> {
    let biased = along(
        size,
        "biased, ",
        |rec, x, y, theta| rec.sliced_energy_along(x, y, theta, Estimator::Biased),
        |x, d| sliced::energy(&x[0], &x[1], d, &x[2], false),
    );
    let unbiased = along(
        size,
        "unbiased, ",
        |rec, x, y, theta| rec.sliced_energy_along(x, y, theta, Estimator::Unbiased),
        |x, d| sliced::energy(&x[0], &x[1], d, &x[2], true),
    );
    match size.rows {
        // The reference looks at all pairs.
        rows if rows > 1100 => Vec::new(),
        1 => biased,
        _ => biased.into_iter().chain(unbiased).collect(),
    }
}

pub fn line_potentials(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let operands = vec![rounded(rows, d, 1, 1.0 / 256.0), rounded(rows, d, 2, 1.0 / 256.0), rounded(d, 5, 3, 1.0 / 64.0)];
    let record = |rec: &mut Recorder, x: &[Var]| {
        let found = rec.line_potentials(x[0], x[1], x[2])?;
        Ok(vec![found.squares, found.u, found.v])
    };
    vec![Case::new("", operands, record, move |x| {
        let found = lines::line_potentials(&x[0], &x[1], d, &x[2]);
        vec![found.squares, found.u, found.v]
    })]
}

/// Exponents below, at and above 0.
fn potentials(size: Size) -> Vec<Riesz> {
    let exponents: &[f32] = match size.typical {
        _ if size.rows > MOST => &[],
        true => &[-1.0, 0.0, 0.5, 1.0, 4.0],
        false => &[0.0, 1.0],
    };
    exponents.iter().map(|&exponent| Riesz { exponent, softening: 0.5 }).collect()
}

pub fn riesz_forces(size: Size) -> Vec<Case> {
    let case = |potential: Riesz| {
        let d = size.columns;
        Case::new(
            format!("{potential:?}"),
            vec![Operand::new(size.rows, d, 1)],
            move |rec, x| Ok(vec![rec.riesz_forces(x[0], potential)?]),
            move |x| vec![repulsion::forces(&x[0], d, potential.exponent.into(), potential.softening.into())],
        )
    };
    potentials(size).into_iter().map(case).collect()
}

pub fn riesz_energy(size: Size) -> Vec<Case> {
    let case = |potential: Riesz| {
        let Size { rows, columns: d, .. } = size;
        let [s, delta] = [potential.exponent, potential.softening].map(f64::from);
        let case = Case::new(
            format!("{potential:?}"),
            vec![Operand::new(rows, d, 1)],
            move |rec, x| Ok(vec![rec.riesz_energy(x[0], potential)?]),
            move |x| {
                let (value, scale) = repulsion::energy(&x[0], d, s, delta);
                vec![scaled(vec![value], vec![scale], rows)]
            },
        );
        case.reverse_only(&[0]).gradient(move |x, u| {
            let forces = repulsion::forces(&x[0], d, s, delta);
            vec![times(u, forces.value.iter().map(|f| -f).collect(), forces.scale, forces.terms)]
        })
    };
    potentials(size).into_iter().map(case).collect()
}

const WIDTHS: [f32; 5] = [0.2, 0.4, 0.8, 3.2, 100.0];

pub fn log_kernel_sums(size: Size) -> Vec<Case> {
    let d = size.columns;
    let other = Case::new(
        "of another sample",
        samples(size),
        |rec, x| Ok(vec![rec.log_kernel_sums(x[0], x[1], &WIDTHS, false)?]),
        move |x| vec![kernel_density::log_kernel_sums(&single(&x[0]), &single(&x[1]), d, &WIDTHS, false)],
    );
    let own = Case::new(
        "of its own",
        vec![Operand::new(size.rows, d, 1)],
        |rec, x| Ok(vec![rec.log_kernel_sums(x[0], x[0], &WIDTHS, true)?]),
        move |x| vec![kernel_density::log_kernel_sums(&single(&x[0]), &single(&x[0]), d, &WIDTHS, true)],
    );
    // One row alone has no sum.
    if (2..=MOST).contains(&size.rows) { vec![other, own] } else { vec![other] }
}

pub fn kernel_means(size: Size) -> Vec<Case> {
    let case = |shape: Shape| {
        let d = size.columns;
        Case::new(
            format!("{shape:?}"),
            samples(size),
            move |rec, x| Ok(vec![rec.kernel_means(x[0], x[1], shape, 0.8, false)?]),
            move |x| vec![kernel_density::kernel_means(&single(&x[0]), &single(&x[1]), d, shape, 0.8, false)],
        )
    };
    vec![case(Shape::Gaussian), case(Shape::Laplace)]
}

pub fn kernel_means_of(size: Size) -> Vec<Case> {
    let case = |shape: Shape| {
        let d = size.columns;
        Case::new(
            format!("{shape:?}"),
            samples(size),
            move |rec, x| rec.kernel_means_of(x[0], x[1], shape, &WIDTHS, false),
            move |x| {
                let [x, y] = [0, 1].map(|k| single(&x[k]));
                WIDTHS.iter().map(|&h| kernel_density::kernel_means(&x, &y, d, shape, h, false)).collect()
            },
        )
    };
    vec![case(Shape::Gaussian), case(Shape::Laplace)]
}

pub fn nearest(size: Size) -> Vec<Case> {
    let case = |k: usize, others: usize| {
        let d = size.columns;
        Case::new(
            format!("{k} neighbors of {others}"),
            vec![Operand::new(size.rows, d, 1), Operand::new(others, d, 2)],
            move |rec, x| Ok(vec![rec.nearest(x[0], x[1], k, false)?.0]),
            move |x| vec![neighbors::nearest(&single(&x[0]), &single(&x[1]), d, k, false).0],
        )
    };
    // Rows enough for several workgroups to share them.
    if size.typical { vec![case(1, OTHERS), case(5, OTHERS), case(5, 2100)] } else { vec![case(5, OTHERS)] }
}

pub fn balls(size: Size) -> Vec<Case> {
    let d = size.columns;
    let case = |others: usize| {
        // Radii of whole eighths of d, on which no distance of these numbers falls within rounding.
        let radius = (0..others).map(|j| d as f32 * (j % 9) as f32 / 8.0).collect();
        let operands = vec![Operand::new(size.rows, d, 1), Operand::new(others, d, 2), Operand::of(others, 1, radius)];
        let reference = move |x: &Wide| {
            let [x, y, radius] = [0, 1, 2].map(|k| single(&x[k]));
            vec![exact(neighbors::balls(&x, &y, d, &radius).into_iter().map(f64::from))]
        };
        Case::new(format!("of {others}"), operands, |rec, x| Ok(vec![rec.balls(x[0], x[1], x[2])?]), reference)
    };
    if size.typical { vec![case(OTHERS), case(2100)] } else { vec![case(OTHERS)] }
}
