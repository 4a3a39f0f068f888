//! The score of a [`Target`], recorded.

use crate::Result;
use crate::data::{Form, Target};
use crate::gpu::{Recorder, Var};

impl Target {
    /// The score at each row of `z`, n × d, with its gradient in z.
    pub fn record(&self, rec: &mut Recorder, z: Var) -> Result<Var> {
        let (mean, scale) = (&self.units().mean, &self.units().scale);
        let formulas = match self.form() {
            Form::Mixture(mixture) => return rec.mixture_score(&mixture.standardized(mean, scale), z),
            Form::Formulas(formulas) => formulas,
        };
        let column = |rec: &mut Recorder, j: usize| {
            let z = rec.columns(z, j, 1)?;
            rec.affine(z, scale[j] as f32, mean[j] as f32)
        };
        let columns = (0..z.cols()).map(|j| column(rec, j)).collect::<Result<Vec<_>>>()?;
        let score = rec.formulas(formulas, &columns)?;
        let score = score.into_iter().zip(scale).map(|(s, &scale)| rec.scale(s, scale as f32)).collect::<Result<Vec<_>>>()?;
        rec.concat(&score)
    }
}
