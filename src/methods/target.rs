//! [`Target`]: a law whose score ∇ log p is known, in the units that training sees.

use crate::Result;
use crate::data::toy::Toy;
use crate::data::{Origin, Source, Standardisation};
use crate::gpu::{Recorder, Var};
use crate::reference::mixture::Mixture;

/// A law with a known score. Standardising is affine, z = (x − mean)/scale, so s_z(z) = scale ⊙ s_x(x).
#[derive(Clone, Debug)]
pub enum Target {
    Mixture(Mixture),
    /// x = y²/4 + N₂, y = 2 N₁ ([`Toy::Banana`]), seen in these units.
    Banana(Standardisation),
}

impl Target {
    /// The law of a source's rows after standardising, where its score is known: both columns of a toy target, in their order.
    pub fn of(source: &Source, units: &Standardisation) -> Option<Self> {
        let Origin::Toy(toy, _) = source.origin else { return None };
        let whole = source.columns.as_ref().is_none_or(|chosen| *chosen == ["x", "y"] || *chosen == ["0", "1"]);
        match toy {
            _ if !whole => None,
            Toy::Banana => Some(Self::Banana(units.clone())),
            _ => toy.mixture().map(|law| Self::Mixture(law.standardised(&units.mean, &units.scale))),
        }
    }

    /// The score at each row of `z`, n × d, with its gradient in z.
    pub fn score(&self, rec: &mut Recorder, z: Var) -> Result<Var> {
        let units = match self {
            Self::Mixture(law) => return rec.mixture_score(law, z),
            Self::Banana(units) => units,
        };
        // log p = −b²/2 − y²/8 with the bend b = x − y²/4: s = (−b, (b y − y/2)/2).
        let column = |rec: &mut Recorder, c: usize| {
            let z = rec.columns(z, c, 1)?;
            rec.affine(z, units.scale[c] as f32, units.mean[c] as f32)
        };
        let (x, y) = (column(rec, 0)?, column(rec, 1)?);
        let square = rec.square(y)?;
        let bend = rec.blend(x, square, 1.0, -0.25)?;
        let turned = rec.mul(bend, y)?;
        let across = rec.scale(bend, -units.scale[0] as f32)?;
        let along = rec.blend(turned, y, 0.5 * units.scale[1] as f32, -0.25 * units.scale[1] as f32)?;
        rec.concat(&[across, along])
    }
}
