//! Production shaders run without bounds checks, so each public op has to refuse operands that do not fit: here every operand of every op
//! that takes more than one is given a wrong size once. And a value of one recording is refused by all others.

use super::GPU;
use pushforward::Result;
use pushforward::gpu::{Recorder, Var};
use pushforward::ops::activation::Activation;
use pushforward::ops::adam::{Adam, Flat};
use pushforward::ops::cooling::{Cooling, NoiseSchedule};
use pushforward::ops::coupling::{Bounds, Direction};
use pushforward::ops::dual::Dual;
use pushforward::ops::fourier::Frequencies;
use pushforward::ops::likelihood::{Family, Spread};
use pushforward::ops::metropolis::{Judging, Walkers};
use pushforward::ops::pairwise::{Estimator, RadialKernel};
use pushforward::ops::posterior;
use pushforward::ops::sinkhorn::Sinkhorn;
use pushforward::ops::spline::Bins;
use pushforward::ops::stein::SteinKernel;
use pushforward::ops::triangular::Side;

/// One wrong use of an op: what it does, and the op's answer.
type Wrong = (&'static str, fn(&mut Recorder) -> Result<()>);

/// A value of a recording, never written: nothing here is run.
fn v(rec: &mut Recorder, rows: usize, cols: usize) -> Var {
    rec.empty(rows, cols).expect("small")
}

/// An op on values of the given sizes, in its operands' order.
macro_rules! wrong {
    ($what:literal, [$(($rows:expr, $cols:expr)),+], |$rec:ident, $vars:pat_param| $call:expr) => {
        ($what, |$rec: &mut Recorder| {
            let $vars = [$(v($rec, $rows, $cols)),+];
            $call.map(|_| ())
        })
    };
}

const CASES: &[Wrong] = &[
    wrong!("add: fewer rows", [(4, 3), (3, 3)], |r, [a, b]| r.add(a, b)),
    wrong!("mul: fewer columns", [(4, 3), (4, 2)], |r, [a, b]| r.mul(a, b)),
    wrong!("div: a longer row", [(4, 3), (1, 4)], |r, [a, b]| r.div(a, b)),
    wrong!("blend: a longer column", [(4, 3), (5, 1)], |r, [a, b]| r.blend(a, b, 1.0, 1.0)),
    wrong!("copy_into: less memory", [(4, 3), (3, 3)], |r, [a, b]| r.copy_into(a, b)),
    wrong!("reshape: more elements", [(4, 3)], |r, [a]| r.reshape(a, 5, 3)),
    wrong!("activation_tangent: fewer rows", [(4, 3), (3, 3)], |r, [x, t]| r.activation_tangent(x, t, Activation::Tanh)),
    wrong!("adam: a short gradient", [(1, 8), (1, 4), (1, 8), (1, 8), (1, 8)], |r, [value, gradient, first, second, average]| r
        .adam(Flat { value, gradient, first, second, average }, &Adam::default())),
    wrong!(
        "adam: short first moments",
        [(1, 8), (1, 8), (1, 4), (1, 8), (1, 8)],
        |r, [value, gradient, first, second, average]| r.adam(Flat { value, gradient, first, second, average }, &Adam::default())
    ),
    wrong!("adam: short second moments", [(1, 8), (1, 8), (1, 8), (1, 4), (1, 8)], |r,
                                                                                    [
        value,
        gradient,
        first,
        second,
        average,
    ]| r
        .adam(Flat { value, gradient, first, second, average }, &Adam::default())),
    wrong!("adam: a short average", [(1, 8), (1, 8), (1, 8), (1, 8), (1, 4)], |r, [value, gradient, first, second, average]| r
        .adam(Flat { value, gradient, first, second, average }, &Adam::default())),
    wrong!("error_ratio: a short state", [(4, 3), (3, 3), (4, 3), (1, 16)], |r, [e, x, m, c]| r.error_ratio(e, x, m, c)),
    wrong!("error_ratio: a short next state", [(4, 3), (4, 3), (3, 3), (1, 16)], |r, [e, x, m, c]| r.error_ratio(e, x, m, c)),
    wrong!("error_ratio: a short control row", [(4, 3), (4, 3), (4, 3), (1, 8)], |r, [e, x, m, c]| r.error_ratio(e, x, m, c)),
    wrong!("control_step: a short control row", [(1, 1), (1, 8)], |r, [t, c]| r.control_step(t, 4, c)),
    wrong!("commit_step: a short state", [(4, 3), (1, 16), (3, 3)], |r, [m, c, x]| r.commit_step(m, c, x)),
    wrong!("combine: terms of two shapes", [(4, 2), (4, 3), (3, 3)], |r, [t, a, b]| r.combine(t, &[(0, 1.0, a), (1, 1.0, b)])),
    wrong!("combine: a short table", [(3, 2), (4, 3)], |r, [t, a]| r.combine(t, &[(0, 1.0, a)])),
    wrong!("combine: a column that is not there", [(4, 2), (4, 3)], |r, [t, a]| r.combine(t, &[(2, 1.0, a)])),
    wrong!("weighted_sum: terms of two shapes", [(4, 3), (3, 3)], |r, [a, b]| r.weighted_sum(&[(1.0, a), (1.0, b)])),
    wrong!("cool: a short row", [(1, 3)], |r, [row]| r.cool(&Cooling::default(), row)),
    wrong!("cool_as_remembered: a short memory", [(1, 4), (1, 4)], |r, [m, row]| r.cool_as_remembered(
        &Cooling { schedule: NoiseSchedule::Floor, ..Cooling::default() },
        m,
        row
    )),
    wrong!("cool_to_floor: a short memory", [(1, 1), (1, 1), (1, 4), (1, 4)], |r, [l, f, m, row]| r.cool_to_floor(
        &Cooling { schedule: NoiseSchedule::Floor, ..Cooling::default() },
        [l, f],
        m,
        row
    )),
    wrong!("affine_coupling: few numbers", [(4, 3), (3, 4), (1, 3), (4, 1)], |r, [x, raw, roles, log_det]| r.affine_coupling(
        Direction::Forward,
        x,
        raw,
        roles,
        log_det,
        Bounds::both(2.0)
    )),
    wrong!("affine_coupling: few roles", [(4, 3), (4, 4), (1, 2), (4, 1)], |r, [x, raw, roles, log_det]| r.affine_coupling(
        Direction::Forward,
        x,
        raw,
        roles,
        log_det,
        Bounds::both(2.0)
    )),
    wrong!("affine_coupling: few log-determinants", [(4, 3), (4, 4), (1, 3), (3, 1)], |r, [x, raw, roles, log_det]| r
        .affine_coupling(Direction::Forward, x, raw, roles, log_det, Bounds::both(2.0))),
    wrong!("spline_coupling: few numbers", [(4, 3), (4, 22), (1, 3), (4, 1)], |r, [x, raw, roles, log_det]| r.spline_coupling(
        Direction::Forward,
        x,
        raw,
        roles,
        log_det,
        Bins { count: 8, reach: 4.0 }
    )),
    wrong!("kantorovich_dual: few potentials", [(3, 1), (5, 1), (4, 2), (5, 2)], |r, [f, g, x, y]| r.kantorovich_dual(
        f,
        g,
        x,
        y,
        &Dual::default()
    )),
    wrong!("kantorovich_dual: other columns", [(4, 1), (5, 1), (4, 2), (5, 3)], |r, [f, g, x, y]| r.kantorovich_dual(
        f,
        g,
        x,
        y,
        &Dual::default()
    )),
    wrong!("fourier_statistics: other columns", [(8, 3), (4, 2)], |r, [b, x]| r.fourier_statistics(Frequencies::real(b), x)),
    wrong!("fourier_statistics: few real parts", [(8, 2), (7, 2), (4, 2)], |r, [b, a, x]| r
        .fourier_statistics(Frequencies::complex(a, b), x)),
    wrong!("fourier_loss: few weights", [(8, 2), (4, 2), (1, 7)], |r, [b, x, tau]| {
        let frequencies = Frequencies::real(b);
        let target = r.fourier_statistics(frequencies, x)?;
        r.fourier_loss(frequencies, x, target, tau, Estimator::Biased)
    }),
    wrong!("fourier_loss: statistics of fewer frequencies", [(8, 2), (7, 2), (4, 2), (1, 8)], |r, [b, few, x, tau]| {
        let target = r.fourier_statistics(Frequencies::real(few), x)?;
        r.fourier_loss(Frequencies::real(b), x, target, tau, Estimator::Biased)
    }),
    wrong!("batch_of_blocks: other rows", [(4, 3), (5, 2)], |r, [x, y]| r.batch_of_blocks(&[x, y], 2)),
    wrong!("batch_weighted: few thresholds", [(4, 3), (3, 1)], |r, [x, t]| r.batch_weighted(x, t, 2)),
    wrong!("block: rows that fill no blocks", [(5, 3)], |r, [x]| r.block(x, 2)),
    wrong!("columns: beyond the last", [(4, 3)], |r, [x]| r.columns(x, 2, 2)),
    wrong!("pick: more than there are", [(4, 3), (1, 4)], |r, [x, index]| r.pick(x, index)),
    wrong!("concat: other rows", [(4, 3), (3, 3)], |r, [a, b]| r.concat(&[a, b])),
    wrong!("jet: directions that fill no rows", [(4, 3), (6, 2)], |r, [x, d]| r.jet(x, d)),
    wrong!("jet_activation: a short bias", [(8, 3), (1, 2)], |r, [p, b]| r.jet_activation(p, b, 1, Activation::Tanh)),
    wrong!("jet_rates: a short bias", [(8, 3), (1, 2), (4, 3)], |r, [y, b, d]| r.jet_rates(y, b, d)),
    wrong!("log_kernel_sums: other columns", [(4, 3), (5, 2)], |r, [x, y]| r.log_kernel_sums(x, y, &[1.0], false)),
    wrong!("log_kernel_sums: one sample of two sizes", [(4, 3), (5, 3)], |r, [x, y]| r.log_kernel_sums(x, y, &[1.0], true)),
    wrong!("log_likelihood: rows that do not divide", [(4, 3), (6, 6)], |r, [x, theta]| r.log_likelihood(
        Family::Gaussian,
        x,
        theta,
        Spread::Own { floor: 0.1 }
    )),
    wrong!("log_likelihood: few columns", [(4, 3), (4, 5)], |r, [x, theta]| r.log_likelihood(
        Family::Gaussian,
        x,
        theta,
        Spread::Own { floor: 0.1 }
    )),
    wrong!("likelihood_sample: few rows of noise", [(4, 6), (3, 3)], |r, [theta, noise]| r.likelihood_sample(
        Family::Gaussian,
        theta,
        Spread::Own { floor: 0.1 },
        noise
    )),
    wrong!("line_potentials: other rows", [(4, 3), (5, 3), (3, 2)], |r, [x, y, t]| r.line_potentials(x, y, t).map(|_| ())),
    wrong!("linear: a short weight", [(4, 3), (2, 5)], |r, [x, w]| r.linear(x, w, None, Activation::Identity)),
    wrong!("linear: a short bias", [(4, 3), (3, 5), (1, 4)], |r, [x, w, b]| r.linear(x, w, Some(b), Activation::Identity)),
    wrong!("linear_sum: other rows", [(4, 3), (3, 5), (3, 3), (3, 5), (1, 5)], |r, [x, w, y, u, b]| r
        .linear_sum(&[(x, w), (y, u)], b)),
    wrong!("inner_products: other columns", [(4, 3), (5, 2)], |r, [a, b]| r.inner_products(a, b)),
    wrong!("shares_into: few values", [(4, 3), (3, 1), (4, 3)], |r, [x, value, into]| r.shares_into(x, value, into)),
    wrong!("shares_into: less memory", [(4, 3), (4, 1), (3, 3)], |r, [x, value, into]| r.shares_into(x, value, into)),
    wrong!("langevin_proposal: few slopes", [(4, 3), (3, 3), (4, 4)], |r, [x, slopes, tally]| r.langevin_proposal(Walkers {
        x,
        slopes,
        tally,
        moved: 3
    })),
    wrong!("langevin_proposal: a short tally", [(4, 3), (4, 3), (1, 3)], |r, [x, slopes, tally]| r.langevin_proposal(Walkers {
        x,
        slopes,
        tally,
        moved: 3
    })),
    wrong!("metropolis: few energies", [(4, 3), (4, 3), (4, 4), (4, 3), (4, 3), (3, 1)], |r, [x, slopes, tally, p, s, e]| {
        let judging = Judging { corrected: true, rate: 0.1, wanted: 0.5 };
        r.metropolis(Walkers { x, slopes, tally, moved: 3 }, p, s, e, judging)
    }),
    wrong!("refresh_rows: few fresh rows", [(4, 3), (3, 3)], |r, [x, fresh]| r.refresh_rows(x, fresh, 0.5)),
    wrong!("nearest: other columns", [(4, 3), (5, 2)], |r, [x, y]| r.nearest(x, y, 1, false)),
    wrong!("balls: few radii", [(4, 3), (5, 3), (4, 1)], |r, [x, y, radius]| r.balls(x, y, radius)),
    wrong!("mmd_squared: other columns", [(4, 3), (5, 2)], |r, [x, y]| r.mmd_squared(
        &RadialKernel::gaussian(1.0),
        x,
        y,
        Estimator::Biased
    )),
    wrong!("kernel_blocks: rows that fill no blocks", [(5, 3), (4, 3)], |r, [x, y]| r.kernel_blocks(
        &RadialKernel::gaussian(1.0),
        x,
        y,
        2,
        2
    )),
    wrong!("partners: a short potential", [(4, 3), (5, 3), (4, 1)], |r, [x, y, g]| r.partners(
        x,
        y,
        None,
        g,
        &Sinkhorn::default()
    )),
    wrong!("partners: few weights", [(4, 3), (5, 3), (5, 1), (4, 1)], |r, [x, y, g, b]| r.partners(
        x,
        y,
        Some(b),
        g,
        &Sinkhorn::default()
    )),
    wrong!("perceptron: a short layer", [(4, 3), (2, 5), (1, 5)], |r, [x, w, b]| r.perceptron(x, &[(w, b)], Activation::Tanh)),
    wrong!("perceptron: a short bias", [(4, 3), (3, 5), (1, 4)], |r, [x, w, b]| r.perceptron(x, &[(w, b)], Activation::Tanh)),
    wrong!("posterior_sample: a code of another width", [(4, 5), (4, 3)], |r, [code, noise]| r.posterior_sample(
        code,
        noise,
        posterior::Estimator::Plain
    )),
    wrong!("posterior_sample: few weights", [(4, 6), (4, 3), (3, 1)], |r, [code, noise, weights]| r.posterior_sample(
        code,
        noise,
        posterior::Estimator::Doubly { weights }
    )),
    wrong!("sinkhorn_divergence: other columns", [(4, 3), (5, 2)], |r, [x, y]| r.sinkhorn_divergence(
        x,
        y,
        None,
        None,
        &Sinkhorn::default()
    )),
    wrong!("sinkhorn_divergence: few weights", [(4, 3), (5, 3), (3, 1)], |r, [x, y, a]| r.sinkhorn_divergence(
        x,
        y,
        Some(a),
        None,
        &Sinkhorn::default()
    )),
    wrong!("barycentric_map: few weights of the target", [(4, 3), (5, 3), (4, 1)], |r, [x, y, b]| r.barycentric_map(
        x,
        y,
        None,
        Some(b),
        &Sinkhorn::default()
    )),
    wrong!("sliced_wasserstein_along: other columns", [(4, 3), (5, 2), (3, 2)], |r, [x, y, t]| r
        .sliced_wasserstein_along(x, y, t)),
    wrong!("sliced_energy_along: short directions", [(4, 3), (5, 3), (2, 2)], |r, [x, y, t]| r.sliced_energy_along(
        x,
        y,
        t,
        Estimator::Biased
    )),
    wrong!("spectral_normalize: a short vector", [(4, 3), (1, 2)], |r, [w, u]| r.spectral_normalize(w, u).map(|_| ())),
    wrong!("stein_squared: few scores", [(4, 3), (3, 3)], |r, [x, s]| r.stein_squared(
        &SteinKernel::gaussian(1.0),
        x,
        s,
        Estimator::Biased
    )),
    wrong!("time_embedding: times in two columns", [(4, 2), (1, 3)], |r, [t, f]| r.time_embedding(t, f)),
    wrong!("solve_triangular: a short matrix", [(4, 3), (2, 3)], |r, [b, t]| r.solve_triangular(Side::Upper, b, t)),
    wrong!("set_gradient: a short destination", [(4, 3), (3, 3)], |r, [x, d]| r.set_gradient(x, d)),
    wrong!("backward_from: a short cotangent", [(4, 3), (3, 3)], |r, [x, g]| {
        let y = r.square(x)?;
        r.backward_from(&[(y, Some(g))], &[x])
    }),
    wrong!("tangent: a short tangent", [(4, 3), (3, 3)], |r, [x, t]| {
        let y = r.square(x)?;
        r.tangent(y, &[(x, t)])
    }),
    wrong!("report: more than one number", [(1, 2)], |r, [x]| r.report("x", x)),
];

#[test]
fn every_op_refuses_operands_that_do_not_fit() {
    let accepted: Vec<&str> =
        CASES.iter().filter(|(_, op)| op(&mut Recorder::new(&GPU, 0)).is_ok()).map(|(what, _)| *what).collect();
    assert!(accepted.is_empty(), "recorded all the same: {accepted:#?}");
}

#[test]
fn a_value_of_another_recording_is_refused_though_its_size_fits() {
    let mut first = Recorder::new(&GPU, 0);
    let theirs = v(&mut first, 64, 64);
    let mut second = Recorder::new(&GPU, 0);
    // The same number of a value, of other memory.
    let ours = v(&mut second, 2, 2);
    assert!(second.square(theirs).is_err());
    assert!(second.mul(theirs, theirs).is_err());
    assert!(second.sum(theirs).is_err());
    second.square(ours).unwrap();
}
