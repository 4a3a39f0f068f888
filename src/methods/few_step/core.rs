//! [`FewStep`]: the network, its path and its samples.

use super::{Ends, MapSettings, Place, Ways};
use crate::Result;
use crate::gpu::{Gpu, Plan, Recorder, Var};
use crate::methods::dataset::{join, part};
use crate::methods::{Dataset, Learner, Setup, descend};
use crate::nn::{Adam, Builder, Parameters, TwoTimes, Weights};

/// A map between times, with its optimizer.
pub struct FewStep {
    pub parameters: Parameters,
    pub adam: Adam,
    pub batch: usize,
    pub columns: usize,
    pub conditions: usize,
    pub steps: usize,
    network: TwoTimes,
    place: Place,
}

impl FewStep {
    pub fn new(setup: &Setup, settings: &MapSettings) -> Result<Self> {
        let (training, columns, conditions) = (setup.training, setup.columns, setup.conditions);
        let mut builder = Builder::new(setup.seed);
        let place = Place::new(&mut builder, setup)?;
        let network = TwoTimes::new(&mut builder, "map", settings.shape(training, columns + conditions, columns));
        Ok(Self {
            parameters: builder.build(setup.gpu)?,
            adam: training.adam(),
            batch: training.batch_size,
            columns,
            conditions,
            steps: settings.map_steps,
            network,
            place,
        })
    }

    /// So many rows of noise and of data, centered.
    pub fn ends(&self, rec: &mut Recorder, data: &Dataset, rows: usize) -> Result<Ends> {
        self.place.ends(rec, &self.parameters, data, rows)
    }

    /// u at rows, each between its own times.
    pub fn u(&self, rec: &mut Recorder, x: Var, given: Option<Var>, times: [Var; 2], weights: Weights) -> Result<Var> {
        let input = join(rec, x, given)?;
        self.network.forward(rec, &self.parameters, input, times, weights)
    }

    /// X_{s,t} from what u is there.
    pub fn moved(&self, rec: &mut Recorder, x: Var, u: Var, [s, t]: [Var; 2]) -> Result<Var> {
        let span = rec.sub(t, s)?;
        let way = rec.mul(u, span)?;
        rec.add(x, way)
    }

    /// Times 0 ≤ s ≤ t ≤ 1, rows × 1 each: uniform on that triangle, but that a share `from_noise` of the trajectories begins at s = 0 and a share `to_data` ends at t = 1.
    pub fn times(&self, rec: &mut Recorder, rows: usize, Ways { from_noise, to_data }: Ways) -> Result<[Var; 2]> {
        let square = rec.uniform(rows, 1)?;
        let square = rec.affine(square, 1.0 / (1.0 - to_data), 0.0)?;
        let square = rec.clamp(square, 0.0, 1.0)?;
        let t = rec.sqrt(square)?;
        let share = rec.uniform(rows, 1)?;
        let share = rec.affine(share, 1.0 / (1.0 - from_noise), -from_noise / (1.0 - from_noise))?;
        let share = rec.clamp(share, 0.0, 1.0)?;
        let s = rec.mul(t, share)?;
        // Two variables of their own: a tangent along t is not to move s, which was made of it.
        Ok([rec.detach(s), rec.detach(t)])
    }

    /// E‖u(I_s, s, s) − İ‖²/d over so many rows: on the diagonal u is the flow's velocity.
    pub fn diagonal(&self, rec: &mut Recorder, data: &Dataset, rows: usize) -> Result<Var> {
        let ends = self.ends(rec, data, rows)?;
        let s = rec.uniform(rows, 1)?;
        let x = ends.at(rec, s)?;
        let u = self.u(rec, x, ends.given, [s, s], Weights::Trained)?;
        let velocity = ends.velocity(rec)?;
        crate::loss::mean_squared(rec, u, velocity)
    }

    /// φ(z) in as many steps as the settings say, in the data's own place.
    pub fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        let (z, given) = part(rec, z, self.conditions)?;
        let mut x = self.place.noise(rec, &self.parameters, z, weights)?;
        let time = |k: usize| k as f64 / self.steps as f64;
        for k in 0..self.steps {
            let input = join(rec, x, given)?;
            let u = self.network.at(rec, &self.parameters, input, [time(k), time(k + 1)], weights)?;
            x = rec.blend(x, u, 1.0, (time(k + 1) - time(k)) as f32)?;
        }
        self.place.place(rec, &self.parameters, x, given, weights)
    }
}

/// What a map between times is trained by.
pub trait MapLoss: Send + Sync {
    fn core(&self) -> &FewStep;

    /// Of a batch that it draws itself, 1 × 1; reports what it wishes.
    fn loss(&self, rec: &mut Recorder, data: &Dataset) -> Result<Var>;
}

/// A map between times as a method.
pub struct Maps<L>(pub L);

impl<L: MapLoss> Learner for Maps<L> {
    fn parameters(&self) -> &Parameters {
        &self.0.core().parameters
    }

    fn latent(&self) -> usize {
        self.0.core().columns
    }

    fn push(&self, rec: &mut Recorder, z: Var, weights: Weights) -> Result<Var> {
        self.0.core().push(rec, z, weights)
    }

    fn is_one_step(&self) -> bool {
        self.0.core().steps == 1
    }

    fn plan(&self, gpu: &Gpu, seed: u64, data: &Dataset) -> Result<Plan> {
        let core = self.0.core();
        Plan::record(gpu, seed, |rec| {
            let loss = self.0.loss(rec, data)?;
            descend(rec, loss, &core.parameters, &core.adam)
        })
    }
}
