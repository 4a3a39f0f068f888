//! How far data are noised in an annealed training, from step to step; `shaders/cooling.wgsl` has the formulas.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::cooling::{Cooling, NoiseSchedule, ROW};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let row = gpu.zeros(1, ROW)?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let into = rec.tensor(&row);
//! rec.cool(&Cooling { schedule: NoiseSchedule::Geometric, steps: 10, hottest: 1.0, ..Cooling::default() }, into)?;
//! rec.finish()?.replay(11)?;
//! // After its ten steps the data are as they are: α = 1, σ = 0.
//! assert_eq!(row.read()?, [1.0, 0.0, 0.0, 0.0]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::cooling::{ByFloor, Even, GeometricByStep, Params, Remembered};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Numbers of a row: α, σ, 1 − α, t.
pub const ROW: usize = 4;
/// Numbers that [`NoiseSchedule::Floor`] remembers from step to step, zeros at first: the round, its steps, means of the loss, of its floor and of the floor's square.
pub const MEMORY: usize = 5;

/// How the noise falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseSchedule {
    /// In rounds of equal length, by the same amount of σ from one to the next.
    Rounds,
    /// By a constant factor of t at every step.
    Geometric,
    /// In rounds, by a constant factor of t from one to the next as soon as the loss has reached its floor.
    Floor,
}

/// A schedule of noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cooling {
    pub schedule: NoiseSchedule,
    /// Steps until the data are as they are.
    pub steps: u32,
    /// Rounds in which they come there, of [`NoiseSchedule::Rounds`] and [`NoiseSchedule::Floor`].
    pub rounds: u32,
    /// Time t of the first step.
    pub hottest: f32,
    /// The last time above 0, of [`NoiseSchedule::Geometric`] and [`NoiseSchedule::Floor`].
    pub coldest: f32,
    /// Standard deviations of the floor by which the loss may lie above it ([`NoiseSchedule::Floor`]).
    pub deviations: f32,
    /// Steps that such a round takes at least.
    pub least: u32,
}

impl Default for Cooling {
    fn default() -> Self {
        Self {
            schedule: NoiseSchedule::Geometric,
            steps: 1000,
            rounds: 16,
            hottest: 3.0,
            coldest: 2e-4,
            deviations: 0.5,
            least: 10,
        }
    }
}

impl Cooling {
    fn params(&self) -> Result<Params> {
        let Self { steps, rounds, hottest, coldest, deviations, least, .. } = *self;
        let counted = steps > 0 && rounds > 0 && u64::from(steps) * u64::from(rounds) < 1 << 32;
        let sized = coldest > 0.0 && coldest <= hottest && hottest.is_finite() && deviations >= 0.0;
        if !counted || !sized {
            let problem =
                format!("{rounds} rounds in {steps} steps, from a time of {hottest} to {coldest}, {deviations} deviations");
            return Err(Error::shape("cool", problem));
        }
        let log_ratio = (f64::from(coldest) / f64::from(hottest)).ln() as f32;
        Ok(Params { steps, rounds, least, hottest, log_ratio, deviations })
    }
}

impl Recorder {
    /// Writes this step's (α, σ, 1 − α, t) to `row` (1 × `ROW`). Not taped.
    ///
    /// # Errors
    /// A schedule out of range; `NoiseSchedule::Floor`, which is [`Recorder::cool_to_floor`]; a row of another length.
    pub fn cool(&mut self, cooling: &Cooling, row: Var) -> Result<()> {
        let params = cooling.params()?;
        if row.len() != ROW {
            return Err(Error::shape("cool", format!("{} numbers for a row of {ROW}", row.len())));
        }
        let state = self.state();
        match cooling.schedule {
            NoiseSchedule::Rounds => self.dispatch(Even { params, state, row }, [1, 1, 1]),
            NoiseSchedule::Geometric => self.dispatch(GeometricByStep { params, state, row }, [1, 1, 1]),
            NoiseSchedule::Floor => Err(Error::shape("cool", "a fall by the loss's floor wants the loss and its floor")),
        }
    }

    /// Writes (α, σ, 1 − α, t) of the round that `memory` (1 × `MEMORY`) remembers to `row`: the loss and the floor of
    /// [`Recorder::cool_to_floor`] are of data at that time.
    ///
    /// # Errors
    /// A schedule out of range, shapes that do not fit.
    pub fn cool_as_remembered(&mut self, cooling: &Cooling, memory: Var, row: Var) -> Result<()> {
        let params = cooling.params()?;
        if [memory.len(), row.len()] != [MEMORY, ROW] {
            let problem = format!("a memory of {}, a row of {}", memory.len(), row.len());
            return Err(Error::shape("cool_as_remembered", problem));
        }
        self.dispatch(Remembered { params, memory, row }, [1, 1, 1])
    }

    /// Moves `memory` on by the loss (1 × 1) and its floor (1 × 1), and writes this step's (α, σ, 1 − α, t) to `row`.
    ///
    /// # Errors
    /// A schedule out of range, shapes that do not fit.
    pub fn cool_to_floor(&mut self, cooling: &Cooling, [loss, floor]: [Var; 2], memory: Var, row: Var) -> Result<()> {
        let params = cooling.params()?;
        if [loss.len(), floor.len(), memory.len(), row.len()] != [1, 1, MEMORY, ROW] {
            let problem =
                format!("{} losses, {} floors, a memory of {}, a row of {}", loss.len(), floor.len(), memory.len(), row.len());
            return Err(Error::shape("cool_to_floor", problem));
        }
        let state = self.state();
        self.dispatch(ByFloor { params, state, loss, floor_loss: floor, memory, row }, [1, 1, 1])
    }
}
