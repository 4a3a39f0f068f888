//! Densities, likelihoods, and maps whose volumes are known.

use super::case::{Case, Operand, Wide, exact, scaled};
use super::driver::Size;
use crate::shared::numbers;
use pushforward::data::Formulas;
use pushforward::data::Mixture;
use pushforward::gpu::{Recorder, Var};
use pushforward::ops::adaptive::control_row;
use pushforward::ops::coupling::{Bounds, Direction, KEPT};
use pushforward::ops::likelihood::{Family, Spread};
use pushforward::ops::posterior::Estimator;
use pushforward::ops::spline::Bins;
use pushforward::reference::{Exact, adaptive, coupling, formula, likelihood, mixture, posterior, spline};

const WAYS: [(Direction, bool); 2] = [(Direction::Forward, false), (Direction::Inverse, true)];

/// Half of the columns, every second one from the last on, in an order that is not theirs.
fn roles(d: usize) -> (Vec<u32>, usize) {
    let m = d.div_ceil(2);
    let mut roles = vec![KEPT; d];
    for (k, place) in (0..d).rev().step_by(2).enumerate() {
        roles[place] = ((k + m / 2) % m) as u32;
    }
    (roles, m)
}

pub fn affine_coupling(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let case = |(direction, inverse): (Direction, bool), bounds: Bounds| {
        let (roles, m) = roles(d);
        let operands =
            vec![Operand::new(rows, d, 1), Operand::new(rows, 2 * m, 2), Operand::new(rows, 1, 3), Operand::words(roles.clone())];
        let exact_bounds = [bounds.up, bounds.down].map(f64::from);
        let case = Case::new(
            format!("{direction:?}, {bounds:?}"),
            operands,
            move |rec, x| {
                let (y, log_det) = rec.affine_coupling(direction, x[0], x[1], x[3], x[2], bounds)?;
                Ok(vec![y, log_det])
            },
            move |x| {
                let (y, log_det) = coupling::apply(&x[0], &x[1], &roles, &x[2], exact_bounds, inverse);
                vec![y, log_det]
            },
        );
        case.reverse_only(&[0, 1, 2])
    };
    let bounds = [Bounds::both(0.7), Bounds { up: 3.0, down: 0.5 }];
    WAYS.into_iter().flat_map(|way| bounds.map(|bounds| case(way, bounds))).collect()
}

pub fn spline_coupling(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let case = |(direction, inverse): (Direction, bool), count: usize| {
        let (roles, m) = roles(d);
        let bins = Bins { count, reach: 1.5 };
        let operands = vec![
            // Some rows lie outside.
            Operand::mapped(rows, d, 1, |v| 1.6 * v),
            Operand::new(rows, m * bins.numbers(), 2),
            Operand::new(rows, 1, 3),
            Operand::words(roles.clone()),
        ];
        let case = Case::new(
            format!("{direction:?}, {count} bins"),
            operands,
            move |rec, x| {
                let (y, log_det) = rec.spline_coupling(direction, x[0], x[1], x[3], x[2], bins)?;
                Ok(vec![y, log_det])
            },
            move |x| {
                let (y, log_det) = spline::apply(&x[0], &x[1], &roles, &x[2], count, 1.5, inverse);
                vec![y, log_det]
            },
        );
        case.reverse_only(&[0, 1, 2]).tolerance(2e-4)
    };
    let counts: &[usize] = if size.typical { &[2, 5, 8, 32] } else { &[8] };
    WAYS.into_iter().flat_map(|way| counts.iter().map(move |&count| case(way, count))).collect()
}

const FLOOR: f32 = 0.1;

pub fn log_likelihood(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let case = |family: Family, of: likelihood::Family, own: bool, copies: usize| {
        let width = if own { 2 * d } else { d };
        let chances = |v: f32| (0.5 + v).clamp(0.0, 1.0).round().max(0.3 * v);
        let x = if family == Family::Bernoulli { Operand::mapped(rows, d, 1, chances) } else { Operand::new(rows, d, 1) };
        let operands = vec![x, Operand::new(rows * copies, width, 2), Operand::new(1, d, 3)];
        let case = Case::new(
            format!("{family:?}, own scales: {own}, {copies} each"),
            operands,
            move |rec, x| {
                let spread = match (family, own) {
                    (Family::Bernoulli, _) => Spread::None,
                    (_, true) => Spread::Own { floor: FLOOR },
                    (_, false) => Spread::Shared { raw: x[2], floor: FLOOR },
                };
                Ok(vec![rec.log_likelihood(family, x[0], x[1], spread)?])
            },
            move |x| {
                let raw: &[f64] = if own { &[] } else { &x[2] };
                vec![likelihood::log_likelihood(of, &x[0], &x[1], raw, FLOOR.into(), d, copies)]
            },
        );
        case.reverse_only(if own || family == Family::Bernoulli { &[1] } else { &[1, 2] })
    };
    let families = [
        (Family::Gaussian, likelihood::Family::Gaussian, true),
        (Family::Gaussian, likelihood::Family::Gaussian, false),
        (Family::Student { degrees: 3.5 }, likelihood::Family::Student { degrees: 3.5 }, true),
        (Family::Student { degrees: 3.5 }, likelihood::Family::Student { degrees: 3.5 }, false),
        (Family::Bernoulli, likelihood::Family::Bernoulli, false),
    ];
    families.into_iter().flat_map(|(family, of, own)| [1, 4].map(|copies| case(family, of, own, copies))).collect()
}

pub fn likelihood_sample(size: Size) -> Vec<Case> {
    let Size { rows, columns: d, .. } = size;
    let gaussian = Case::new(
        "Gaussian",
        vec![Operand::new(rows, 2 * d, 1), Operand::new(rows, d, 2)],
        |rec, x| Ok(vec![rec.likelihood_sample(Family::Gaussian, x[0], Spread::Own { floor: FLOOR }, x[1])?]),
        move |x| {
            let mut reference = Exact::new(2);
            for (theta, noise) in x[0].chunks_exact(2 * d).zip(x[1].chunks_exact(d)) {
                (0..d).for_each(|j| {
                    let spread = likelihood::variance(theta[d + j], FLOOR.into()).sqrt();
                    reference.push([theta[j], spread * noise[j], 0.0 * spread]);
                });
            }
            vec![reference]
        },
    );
    let bernoulli = Case::new(
        "Bernoulli",
        vec![Operand::new(rows, d, 1), Operand::mapped(rows, d, 2, |v| v.abs().fract())],
        |rec, x| Ok(vec![rec.likelihood_sample(Family::Bernoulli, x[0], Spread::None, x[1])?]),
        |x| {
            let chance = |logit: f64| 1.0 / (1.0 + (-logit).exp());
            vec![exact(x[0].iter().zip(&x[1]).map(|(&logit, &u)| f64::from(u8::from(u < chance(logit)))))]
        },
    );
    vec![gaussian, bernoulli]
}

/// Samples and density ratios of a posterior; the estimator without the score's part has gradients of its own.
pub fn posterior_sample(size: Size) -> Vec<Case> {
    let Size { rows, columns: q, .. } = size;
    let case = |copies: usize, doubly: bool| {
        let operands = vec![Operand::new(rows, 2 * q, 1), Operand::new(rows * copies, q, 2), Operand::new(rows * copies, 1, 3)];
        let case = Case::new(
            format!("{copies} each, doubly: {doubly}"),
            operands,
            move |rec, x| {
                let estimator = if doubly { Estimator::Doubly { weights: x[2] } } else { Estimator::Plain };
                let (z, ratio) = rec.posterior_sample(x[0], x[1], estimator)?;
                Ok(vec![z, ratio])
            },
            move |x| {
                let (z, ratio) = posterior::sample(&x[0], &x[1], q, copies);
                vec![z, ratio]
            },
        );
        let case = case.reverse_only(&[0]);
        if !doubly {
            return case;
        }
        case.gradient(move |x, u| {
            let gradient = posterior::doubly(&x[0], &x[1], q, copies, &x[2], &u[0], &u[1]);
            let most = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
            let scale = vec![most; gradient.len()];
            vec![scaled(gradient, scale, copies)]
        })
    };
    [1, 4].into_iter().flat_map(|copies| [false, true].map(|doubly| case(copies, doubly))).collect()
}

pub fn posterior_divergence(size: Size) -> Vec<Case> {
    let q = size.columns;
    let case = Case::new(
        "",
        vec![Operand::new(size.rows, 2 * q, 1)],
        |rec, x| Ok(vec![rec.posterior_divergence(x[0])?]),
        move |x| vec![posterior::divergence(&x[0], q)],
    );
    vec![case.reverse_only(&[0])]
}

/// Numbers that are exact in single precision, so that reference and shader see one distribution.
fn distribution(components: usize, d: usize) -> Mixture {
    let means = Operand::new(components, d, 11).wide();
    // Precisions that are powers of two.
    let deviations: Vec<f64> = (0..components * d).map(|i| 0.5 * [0.5, 1.0, 2.0][i % 3] * (d as f64).sqrt().round()).collect();
    let weights: Vec<f64> = (0..components).map(|k| 1.0 + (k % 3) as f64).collect();
    Mixture::new(d, &weights, &means, &deviations)
}

fn components(size: Size) -> &'static [usize] {
    if size.typical { &[1, 5, 300] } else { &[5] }
}

/// Of each row.
fn of_rows(x: &[f64], d: usize, terms: usize, of: impl Fn(&[f64]) -> Exact) -> Exact {
    let mut all = Exact::new(terms);
    for reference in x.chunks_exact(d).map(of) {
        all.value.extend(reference.value);
        all.scale.extend(reference.scale);
    }
    all
}

pub fn mixture_log_density(size: Size) -> Vec<Case> {
    let case = |components: usize| {
        let (d, terms) = (size.columns, components.max(size.columns));
        let [recorded, of_value, of_gradient] = [0; 3].map(|_| distribution(components, d));
        let case = Case::new(
            format!("of {components}"),
            vec![Operand::new(size.rows, d, 1)],
            move |rec, x| Ok(vec![rec.mixture_log_density(&recorded, x[0])?]),
            move |x| vec![of_rows(&x[0], d, terms, |x| mixture::log_density(&of_value, x))],
        );
        case.reverse_only(&[0]).gradient(move |x, u| {
            let mut score = of_rows(&x[0], d, terms, |x| mixture::score(&of_gradient, x));
            score.value.iter_mut().enumerate().for_each(|(i, v)| *v *= u[0][i / d]);
            score.scale.iter_mut().enumerate().for_each(|(i, s)| *s *= u[0][i / d].abs());
            vec![score]
        })
    };
    components(size).iter().map(|&components| case(components)).collect()
}

pub fn mixture_score(size: Size) -> Vec<Case> {
    let case = |components: usize| {
        let (d, terms) = (size.columns, components.max(size.columns));
        let [recorded, of_value, of_gradient] = [0; 3].map(|_| distribution(components, d));
        let case = Case::new(
            format!("of {components}"),
            vec![Operand::new(size.rows, d, 1)],
            move |rec, x| Ok(vec![rec.mixture_score(&recorded, x[0])?]),
            move |x| vec![of_rows(&x[0], d, terms, |x| mixture::score(&of_value, x))],
        );
        case.differentiable(&[0]).tolerance(2e-5).gradient(move |x, u| {
            let mut all = Exact::new(terms);
            for (x, v) in x[0].chunks_exact(d).zip(u[0].chunks_exact(d)) {
                let product = mixture::hessian_vector(&of_gradient, x, v);
                all.value.extend(product.value);
                all.scale.extend(product.scale);
            }
            vec![all]
        })
    };
    components(size).iter().map(|&components| case(components)).collect()
}

/// Every operation, within the domain of each for positive arguments.
const WORDS: [&str; 12] = [
    "-a + 0.5*b",
    "(a - b)*(a + b) - a*a*b",
    "a/b - 2/a + b/4",
    "3 - a^2 + b^3 - 2*b^-2 + a^7",
    "a^0.5 + b^1.7 - a^-0.3",
    "exp(-a^2/2)*log(b)",
    "sqrt(a + b) - abs(b - a)",
    "sin(3*a) + cos(a*b)",
    "tanh(2*a - b)",
    "sigmoid(a - 4*b)/(1 + exp(a))",
    "2.5",
    "b",
];

pub fn formulas(size: Size) -> Vec<Case> {
    // The kink of the absolute value is where a = b.
    let mut values: Vec<f32> = numbers(2 * size.rows, 5).into_iter().map(|x| 0.2 + x.abs()).collect();
    for pair in values.chunks_exact_mut(2).filter(|pair| (pair[0] - pair[1]).abs() < 0.02) {
        pair[0] += 0.1;
    }
    let case = |what: &str, words: Vec<&str>| {
        let parsed = || Formulas::parse(&words, &["a", "b"]).expect("they are formulas");
        let (recorded, of_value) = (parsed(), parsed());
        let record = move |rec: &mut Recorder, x: &[Var]| {
            let columns = [rec.columns(x[0], 0, 1)?, rec.columns(x[0], 1, 1)?];
            let found = rec.formulas(&recorded, &columns)?;
            Ok(vec![rec.concat(&found)?])
        };
        Case::new(what, vec![Operand::of(size.rows, 2, values.clone())], record, move |x| {
            vec![formula::formulas(&of_value, &x[0])]
        })
    };
    if size.columns > 3 {
        return Vec::new();
    }
    // An absolute value has no tangent.
    let (with, without) = WORDS.into_iter().partition(|words| words.contains("abs"));
    vec![
        case("smooth", without).differentiable(&[0]).tolerance(2e-5),
        case("with an absolute value", with).reverse_only(&[0]).tolerance(2e-5),
    ]
}

pub fn error_ratio(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let mut operands: Vec<_> = (1..4).map(|seed| Operand::new(rows, columns, seed)).collect();
    operands.push(Operand::of(1, 16, control_row(0.0, 1.0, 0.1, 0.25).to_vec()));
    let reference = |x: &Wide| {
        let mut reference = Exact::new(4);
        (0..x[0].len()).for_each(|i| reference.push([adaptive::ratio(x[0][i], x[1][i], x[2][i], 0.25)]));
        vec![reference]
    };
    vec![Case::new("", operands, |rec, x| Ok(vec![rec.error_ratio(x[0], x[1], x[2], x[3])?]), reference)]
}
