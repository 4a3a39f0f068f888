//! The paper's §4 side by side: every method here whose map is the end of an integration, compared as [`statistics`](super::statistics)
//! compares those of §2; the trajectories that its samples took; and how near to the data each is with how many evaluations of its network
//! ([`Sweep`]).

pub(crate) mod report;
mod sweep;

pub use sweep::{Curve, EVALUATIONS, Reading, SOLVERS, Sweep};

use super::comparison::{SAMPLE, Subject};
use glam::{DVec2, dvec2};
use pushforward::Result;
use pushforward::flow::Solver;
use pushforward::model::Model;

pub static SUBJECT: Subject = Subject {
    name: "flows",
    title: "From noise to data: the flows of §4 side by side",
    methods_of: "of §4 that integrate an equation",
    note: " Samples are drawn by each method's own solver in its own number of steps, as `pushforward methods METHOD` lists them. A rectified flow makes \
           pairs between its rounds: its seconds include that, its budget of steps does not.",
    has: |method| method.entry().paper.starts_with("§4") && method.integrates(),
};

/// Trajectories that are drawn of a model, the solver that finds them and its steps: enough for a line to look like a curve.
pub const TRAJECTORIES: usize = 60;
const TRAJECTORY_SOLVER: Solver = Solver::Heun;
pub const TRAJECTORY_STEPS: usize = 32;

/// The trajectories of [`TRAJECTORIES`] samples in the plane, each from where it begins to where it ends.
pub fn trajectories(model: Model) -> Result<Vec<Vec<DVec2>>> {
    let table = followed(model, TRAJECTORY_SOLVER, TRAJECTORY_STEPS)?.trajectories(TRAJECTORIES, SAMPLE)?;
    let (points, cols) = (table.rows() / TRAJECTORIES, table.cols());
    // Columns path, t, and the data's own two.
    let place = |row: &[f32]| dvec2(row[2].into(), row[3].into());
    Ok(table.single().chunks_exact(points * cols).map(|points| points.chunks_exact(cols).map(place).collect()).collect())
}

/// How long trajectories are, over how far apart their ends: 1 where all are straight.
pub fn detour(trajectories: &[Vec<DVec2>]) -> f64 {
    let length: f64 = trajectories.iter().flat_map(|points| points.windows(2)).map(|pair| pair[0].distance(pair[1])).sum();
    let direct: f64 = trajectories.iter().filter_map(|points| Some(points.first()?.distance(*points.last()?))).sum();
    if direct > 0.0 { length / direct } else { 1.0 }
}

/// A model sampled by a solver in so many steps.
fn followed(model: Model, solver: Solver, steps: usize) -> Result<Model> {
    model.with_sampling(|sampling| (sampling.solver, sampling.solver_steps) = (solver, steps))
}

#[cfg(test)]
mod tests {
    use super::{DVec2, detour, dvec2};

    #[test]
    fn a_trajectory_round_a_corner_is_a_detour_and_a_straight_one_at_any_speed_is_none() {
        let straight = vec![DVec2::ZERO, DVec2::splat(0.5), DVec2::splat(3.0)];
        let corner = vec![DVec2::ZERO, dvec2(3.0, 0.0), dvec2(3.0, 4.0)];
        assert!((detour(std::slice::from_ref(&straight)) - 1.0).abs() < 1e-9);
        assert!((detour(std::slice::from_ref(&corner)) - 7.0 / 5.0).abs() < 1e-9);
        let both = (7.0 + 18f64.sqrt()) / (5.0 + 18f64.sqrt());
        assert!((detour(&[straight, corner]) - both).abs() < 1e-9);
        assert_eq!(detour(&[vec![DVec2::ONE; 4]]), 1.0);
    }
}
