//! The paper's footnote 9: along the forward SDE (5) with the drift −∇E, eigenfunctions of −L = −Δ + ∇E·∇ decay each at its own rate,
//!
//!   ⟨f_i|ρ_t⟩ = e^{−λ_i t} ⟨f_i|ρ_0⟩,
//!
//! so that D₂² = Σ_i λ_i ⟨f_i|ρ_t⟩², the mean formulation (3) with τ(f_i) ∝ λ_i, can only fall: the flow t ↦ ρ_t is its gradient flow.
//!
//! Two targets on the line. For the Gaussian, f_n = He_n/√n! (Hermite) and λ_n = n. For the double well (x² − 1)², or another energy,
//! [`solver`] finds both on the host. Particles start at a normal distribution, follow (5) on the device, and are read back at times that grow
//! like squares, dense where the fast functions die and long enough for the slow ones; [`mod@fit`] has a rate from each function's means,
//! with its standard error, that knows nothing of the λ_i. [`scheme`] says what the time step alone does to the same estimate.

pub mod fit;
pub(crate) mod report;
pub mod scheme;
pub mod solver;

use fit::{Fit, Moment, fit};
use pushforward::flow::{Energy, Particles};
use pushforward::gpu::{Gpu, Recorder};
use pushforward::settings::Settings as _;
use pushforward::{Error, Result, settings};
use serde::Serialize;
use solver::{Spectrum, solve};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Nodes of the solver.
pub const NODES: usize = 160;
/// Times at which particles are read, at most, after the start.
pub const TIMES: usize = 40;
/// A rate agrees within so many standard errors: one in 370 would not by chance.
pub const MOST_ERRORS: f64 = 3.0;
/// Steps of one recorded piece.
const PIECE: usize = 5;
/// Functions that a step of the scheme may mix with those that are measured.
const MIXED: usize = 8;
/// Most standard deviations of the engine's normal numbers: they are made of 24 bits.
const FARTHEST: f64 = 5.8;

settings! {
    /// Settings of `reproduce spectrum`.
    pub struct Settings {
        /// Number of particles that simulate the SDE to each target.
        particles: usize = 1 << 19, in 1000..=1 << 24,
        /// Number of eigenfunctions that are measured: f_1, f_2, … up to f_6.
        functions: usize = 4, in 1..=6,
        /// Initial mean of the particles, for the Gaussian target.
        start: f64 = 1.5, in -10.0..=10.0,
        /// Initial standard deviation of the particles.
        spread: f64 = 1.1, in above(0.0).up_to(10.0),
        /// Simulated time to the Gaussian.
        duration: f64 = 3.0, in above(0.0),
        /// Time step towards the Gaussian.
        step: f64 = 0.02, in above(0.0),
        /// The second target's energy: double-well, quartic, ring, quadratic.
        energy: Energy = Energy::DoubleWell,
        /// Initial mean of the particles, for the second target.
        energy_start: f64 = 1.3, in -10.0..=10.0,
        /// Initial standard deviation of the particles.
        energy_spread: f64 = 0.15, in above(0.0).up_to(10.0),
        /// Simulated time to the second target.
        energy_duration: f64 = 4.0, in above(0.0),
        /// Time step towards the second target.
        energy_step: f64 = 0.004, in above(0.0),
    }
}

impl Settings {
    /// Refuses steps and starts that do not go together.
    fn validate(&self) -> Result<()> {
        for (prefix, duration, step) in [("", self.duration, self.step), ("energy_", self.energy_duration, self.energy_step)] {
            let steps = duration / step;
            if !(4.0 * PIECE as f64..=1e6).contains(&steps) {
                return Err(Error::usage(format!(
                    "`{prefix}duration` is {duration} and `{prefix}step` {step}, which makes {steps:.0} steps: give {} to 1,000,000",
                    4 * PIECE
                )));
            }
        }
        let (m, reach) = (self.energy_start, FARTHEST * self.energy_spread);
        let [left, right] = solver::known(&|x| self.energy.on_line(x))?;
        if m - reach < left || m + reach > right {
            return Err(Error::usage(format!(
                "particles that start at {m} ± {} may lie beyond [{left:.2}, {right:.2}], where the functions of {} are known: \
                 move `energy_start` or lower `energy_spread`",
                self.energy_spread,
                self.energy.name()
            )));
        }
        Ok(())
    }
}

/// One function's rate.
#[derive(Clone, Debug, Serialize)]
pub struct Rate {
    pub function: usize,
    /// λ_i.
    pub exact: f64,
    pub fitted: f64,
    pub standard_error: f64,
    /// fitted − exact, in standard errors.
    pub departure: f64,
    /// What the time step alone moves the fitted rate by.
    pub step_bias: f64,
    /// The probability of a misfit to an exponential at least as large, were it one.
    pub p_value: f64,
    /// Whether the departure is at most 3 standard errors.
    pub agrees: bool,
}

/// One function's means over time.
#[derive(Clone, Debug)]
pub struct Decay {
    /// ⟨f_i|ρ_0⟩.
    pub start: f64,
    pub moments: Vec<Moment>,
}

/// One target.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub energy: Energy,
    /// Mean and standard deviation of the start.
    pub start: [f64; 2],
    pub step: f64,
    pub steps: usize,
    pub rates: Vec<Rate>,
    #[serde(skip)]
    pub decays: Vec<Decay>,
    #[serde(skip)]
    pub spectrum: Spectrum,
}

/// Everything measured.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    pub seed: u64,
    pub particles: usize,
    /// The Gaussian, then the other.
    pub targets: Vec<Target>,
    pub seconds: f64,
}

/// The functions f_1, f_2, … of a target.
enum Functions<'a> {
    /// He_n/√n!, by He_{n+1} = x He_n − n He_{n−1}.
    Hermite,
    Solved(&'a Spectrum),
}

impl Functions<'_> {
    /// f_0(x), f_1(x), …
    fn at(&self, x: f64, values: &mut [f64]) {
        match self {
            Self::Solved(spectrum) => spectrum.at(x, values),
            Self::Hermite => {
                values[0] = 1.0;
                for n in 1..values.len() {
                    let before = if n > 1 { values[n - 2] * ((n - 1) as f64).sqrt() } else { 0.0 };
                    values[n] = (x * values[n - 1] - before) / (n as f64).sqrt();
                }
            }
        }
    }

    /// ⟨f_0|ρ⟩, ⟨f_1|ρ⟩, … for ρ = N(m, s²), by the trapezoidal rule.
    fn means(&self, m: f64, s: f64, count: usize) -> Vec<f64> {
        let (mut sums, mut values, mut total) = (vec![0.0; count], vec![0.0; count], 0.0);
        for k in -400..=400 {
            let z = f64::from(k) / 40.0;
            let weight = (-0.5 * z * z).exp();
            total += weight;
            self.at(m + s * z, &mut values);
            sums.iter_mut().zip(&values).for_each(|(sum, value)| *sum += weight * value);
        }
        sums.into_iter().map(|sum| sum / total).collect()
    }
}

/// One target's simulation.
#[derive(Clone, Copy)]
struct Run {
    seed: u64,
    particles: usize,
    functions: usize,
    energy: Energy,
    start: [f64; 2],
    step: f64,
    duration: f64,
}

impl Run {
    /// Steps until each reading, in whole pieces: 0 and on like squares, each once.
    fn readings(&self) -> Vec<usize> {
        let pieces = (self.duration / self.step / PIECE as f64).round().max(1.0);
        let mut counts: Vec<usize> =
            (0..=TIMES).map(|j| PIECE * (pieces * (j as f64 / TIMES as f64).powi(2)).round() as usize).collect();
        counts.dedup();
        counts
    }

    /// The particles' moments at each reading, function by function from f_1 on.
    fn simulate(&self, gpu: &Gpu, domain: u32, functions: &Functions) -> Result<Vec<Vec<Moment>>> {
        let rows = gpu.zeros(self.particles, 1)?;
        let mut rec = Recorder::with_domain(gpu, self.seed, 2 * domain)?;
        let z = rec.normal(self.particles, 1)?;
        let x = rec.affine(z, self.start[1] as f32, self.start[0] as f32)?;
        let into = rec.tensor(&rows);
        rec.copy_into(x, into)?;
        rec.finish()?.replay(1)?;
        let mut particles = Particles::new(gpu, self.seed, 2 * domain + 1, self.energy, &rows, self.step, PIECE)?;

        let count = self.functions + 1;
        let mut before = vec![0.0; self.particles * count];
        let mut found: Vec<Vec<Moment>> = vec![Vec::new(); self.functions];
        let mut done = 0;
        for steps in self.readings() {
            particles.advance(steps - done)?;
            done = steps;
            let mut sums = vec![[0.0; 3]; count];
            let mut values = vec![0.0; count];
            for (&x, before) in particles.read()?.iter().zip(before.chunks_exact_mut(count)) {
                functions.at(x.into(), &mut values);
                for ((sum, value), before) in sums.iter_mut().zip(&values).zip(before) {
                    let [first, second, product] = sum;
                    *first += value;
                    *second += value * value;
                    *product += value * *before;
                    *before = *value;
                }
            }
            let n = self.particles as f64;
            for (series, [first, second, product]) in found.iter_mut().zip(&sums[1..]) {
                let mean = first / n;
                let last = series.last().map_or(0.0, |moment: &Moment| moment.mean);
                series.push(Moment {
                    time: self.step * steps as f64,
                    mean,
                    variance: second / n - mean * mean,
                    covariance: product / n - mean * last,
                });
            }
        }
        Ok(found)
    }

    fn measure(&self, gpu: &Gpu, domain: u32, hermite: bool) -> Result<Target> {
        let count = self.functions + 1 + MIXED;
        let spectrum = solve(&|x| self.energy.on_line(x), NODES, count)?;
        let [m, s] = self.start;
        let functions = if hermite { Functions::Hermite } else { Functions::Solved(&spectrum) };
        let start = functions.means(m, s, count);
        let measured = self.simulate(gpu, domain, &functions)?;

        let step = scheme::step(&spectrum, self.energy, self.step, count);
        let endless = scheme::means(&step, &start, &self.readings());
        let rate = |(i, series): (usize, &Vec<Moment>)| {
            let exact = if hermite { i as f64 } else { spectrum.rates[i] };
            let Fit { rate: fitted, error, chi_squared } = fit(series, self.particles);
            let without_chance: Vec<Moment> =
                series.iter().zip(&endless).map(|(moment, means)| Moment { mean: means[i], ..*moment }).collect();
            let departure = (fitted - exact) / error;
            let freedom = ChiSquared::new((series.len() - 2) as f64).map_err(|e| Error::data(e.to_string()))?;
            Ok(Rate {
                function: i,
                exact,
                fitted,
                standard_error: error,
                departure,
                step_bias: fit(&without_chance, self.particles).rate - exact,
                p_value: freedom.sf(chi_squared),
                agrees: departure.abs() <= MOST_ERRORS,
            })
        };
        let rates = (1..).zip(&measured).map(rate).collect::<Result<_>>()?;
        let decays = measured.into_iter().zip(&start[1..]).map(|(moments, &start)| Decay { start, moments }).collect();
        let steps = self.readings().last().copied().unwrap_or(0);
        Ok(Target { energy: self.energy, start: self.start, step: self.step, steps, rates, decays, spectrum })
    }
}

/// Simulates both targets and fits the rates.
pub fn run(gpu: &Gpu, seed: u64, settings: &Settings) -> Result<Found> {
    let started = std::time::Instant::now();
    settings.check()?;
    let Settings { particles, functions, .. } = *settings;
    let gaussian = Run {
        seed,
        particles,
        functions,
        energy: Energy::Quadratic,
        start: [settings.start, settings.spread],
        step: settings.step,
        duration: settings.duration,
    };
    let other = Run {
        energy: settings.energy,
        start: [settings.energy_start, settings.energy_spread],
        step: settings.energy_step,
        duration: settings.energy_duration,
        ..gaussian
    };
    let targets = vec![gaussian.measure(gpu, 0, true)?, other.measure(gpu, 1, false)?];
    Ok(Found { seed, particles, targets, seconds: started.elapsed().as_secs_f64() })
}

impl Target {
    /// e^{−λ_i t} ⟨f_i|ρ_0⟩, for i from 1 on.
    pub fn exact(&self, i: usize, t: f64) -> f64 {
        self.decays[i - 1].start * (-self.rates[i - 1].exact * t).exp()
    }

    /// Σ λ_i ⟨f_i|ρ_t⟩² over the measured functions at each reading: (t, exact, measured, without the share of chance).
    pub fn discrepancy(&self, particles: usize) -> Vec<(f64, f64, f64)> {
        let count = self.decays.first().map_or(0, |decay| decay.moments.len());
        let one = |k: usize| {
            let time = self.decays[0].moments[k].time;
            let exact = self.rates.iter().map(|rate| rate.exact * self.exact(rate.function, time).powi(2)).sum();
            let square = |moment: &Moment| moment.mean * moment.mean - moment.variance / particles as f64;
            let measured = self.rates.iter().zip(&self.decays).map(|(rate, decay)| rate.exact * square(&decay.moments[k])).sum();
            (time, exact, measured)
        };
        (0..count).map(one).collect()
    }
}

impl Found {
    /// The standard error of a mean.
    pub fn error(&self, moment: &Moment) -> f64 {
        (moment.variance / self.particles as f64).sqrt()
    }

    /// The rates that do not agree.
    pub fn departed(&self) -> impl Iterator<Item = (&Target, &Rate)> {
        self.targets.iter().flat_map(|target| target.rates.iter().filter(|rate| !rate.agrees).map(move |rate| (target, rate)))
    }
}
