//! The paper's §3 side by side: every method here that is trained by likelihood or by a bound of it, compared as [`statistics`](super::statistics) compares
//! those of §2; how likely fresh rows are under each, beside the distribution's own density where it is known and a fitted Gaussian; and where each has its mass.

pub(crate) mod report;

use super::comparison::{self, Comparison, Subject};
use pushforward::Result;
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::gpu::Gpu;
use pushforward::metrics::{LogLikelihood, Points};
use pushforward::model::Model;
use serde::Serialize;
use std::path::Path;

pub static SUBJECT: Subject = Subject {
    name: "densities",
    title: "Densities: the likelihoods of §3 side by side",
    methods_of: "of §3 that learn a density",
    note: " Log-likelihoods are of rows that no run has seen, the same for all. Those of `vae` and `iwae` are lower bounds from importance samples, which are below \
           the likelihood on average; that of `ebm` is exact but for its constant, which is estimated.",
    has: |method| method.entry().paper.starts_with("§3") && method.entry().density,
};

/// Seed of the rows whose likelihood is measured.
const ROWS: u64 = 0x11_6e_a7;

/// How likely fresh rows of a target are under one model.
#[derive(Clone, Debug, Serialize)]
pub struct Likelihood {
    /// The method; or [`TRUE_DENSITY`], or the comparison's fitted Gaussian.
    pub method: String,
    pub target: String,
    pub seed: u64,
    #[serde(flatten)]
    pub found: LogLikelihood,
}

/// The name of a target's own density.
pub const TRUE_DENSITY: &str = "true density";

/// Likelihoods of everything that there is a model of, and of the distribution itself where it is known.
///
/// # Errors
/// A device that fails, a model file that is damaged. A model without a finite likelihood is left out.
pub fn likelihoods(gpu: &Gpu, out: &Path, found: &Comparison) -> Result<Vec<Likelihood>> {
    let mut all = Vec::new();
    for &toy in &found.toys {
        let rows = toy.sample(found.settings.scored, ROWS);
        let mut push = |method: &str, seed: u64, found: LogLikelihood| {
            all.push(Likelihood { method: method.into(), target: toy.name().into(), seed, found });
        };
        if let Some(likelihood) = true_likelihood(toy, &rows) {
            push(TRUE_DENSITY, found.seeds[0], likelihood);
        }
        for &seed in &found.seeds {
            let train = toy.sample(found.settings.rows, seed);
            push(comparison::GAUSSIAN, seed, LogLikelihood::of_gaussian(Points::of(&train)?, Points::of(&rows)?, 0));
            for method in &found.methods {
                let Some(model) = comparison::model(gpu, out, method, toy, seed)? else { continue };
                let density = match model.log_density(&rows) {
                    Ok(Some(density)) => density,
                    Ok(None) => continue,
                    Err(e) if e.is_of_one_run() => continue,
                    Err(e) => return Err(e),
                };
                let values = density.values.iter().map(|&v| f64::from(v));
                push(method, seed, LogLikelihood::of(values, rows.cols()));
            }
        }
    }
    Ok(all)
}

fn true_likelihood(toy: Toy, rows: &Table) -> Option<LogLikelihood> {
    let each: Option<Vec<f64>> = (0..rows.rows())
        .map(|i| {
            let row = rows.row(i);
            toy.log_density([row[0], row[1]])
        })
        .collect();
    Some(LogLikelihood::of(each?.into_iter(), 2))
}

/// Cells of a heat map along one side.
pub const CELLS: usize = 64;

/// Midpoints of the cells of a square, row by row from its lower left corner.
fn midpoints([x, y]: [f64; 2], side: f64) -> impl Iterator<Item = [f64; 2]> + Clone {
    let at = move |k: usize| (k as f64 + 0.5) * side / CELLS as f64;
    (0..CELLS * CELLS).map(move |i| [x + at(i % CELLS), y + at(i / CELLS)])
}

/// ln of a model's density over a square with this lower left corner, row by row from below; none where it has no density.
pub fn heat(model: &Model, corner: [f64; 2], side: f64) -> Result<Option<Vec<f64>>> {
    let places: Vec<f64> = midpoints(corner, side).flatten().collect();
    let places = Table::new(model.description().columns.iter().cloned(), places)?;
    Ok(model.log_density(&places)?.map(|found| found.values.into_iter().map(f64::from).collect()))
}

/// The same of a target's own density, where it is known.
pub fn true_heat(toy: Toy, corner: [f64; 2], side: f64) -> Option<Vec<f64>> {
    midpoints(corner, side).map(|place| toy.log_density(place)).collect()
}

/// The mass that a heat map has: 1 where the square holds all of it.
pub fn mass(heat: &[f64], side: f64) -> f64 {
    let cell = (side / CELLS as f64).powi(2);
    heat.iter().map(|v| v.exp() * cell).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mass_of_a_distribution_in_a_square_that_holds_it_is_one() {
        let heat = true_heat(Toy::EightGaussians, [-5.0, -5.0], 10.0).expect("it is known");
        assert!((mass(&heat, 10.0) - 1.0).abs() < 1e-3, "{}", mass(&heat, 10.0));
        assert_eq!(heat.len(), CELLS * CELLS);
        // From below: the first row is the lowest, where there is nothing.
        assert!(heat[CELLS / 2] < heat[CELLS * CELLS / 2 + CELLS * 25 / 32]);
    }
}
