//! Moves of Langevin chains with a Metropolis correction; `shaders/metropolis.wgsl` has the formulas. [`crate::flow::chain`] makes chains of them.

use crate::gpu::kernels::metropolis::{self as kernel, Accept, Params, Propose, Refresh};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

/// Numbers that a chain's tally has: its energy, how many of its moves were accepted, and ln of its step.
pub const TALLY: usize = kernel::TALLY as usize;

/// Chains in memory that their moves change: rows of x (n × cols), of which the first `moved` numbers move, the slopes of the energy there (n × cols),
/// and tallies (n × [`TALLY`]).
#[derive(Clone, Copy, Debug)]
pub struct Walkers {
    pub x: Var,
    pub slopes: Var,
    pub tally: Var,
    pub moved: usize,
}

/// How proposals are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judging {
    /// Whether moves are accepted by Metropolis' rule, or all that are finite.
    pub corrected: bool,
    /// How fast ln of a chain's step follows its acceptance; 0 leaves it as it is.
    pub rate: f32,
    /// The share of accepted moves that adaptation asks for.
    pub wanted: f32,
}

impl Walkers {
    fn check(self, others: &[Var]) -> Result<()> {
        let Self { x, slopes, tally, moved } = self;
        let fits =
            slopes.shape() == x.shape() && tally.len() == TALLY * x.rows() && others.iter().all(|v| v.shape() == x.shape());
        if x.is_empty() || !(1..=x.cols()).contains(&moved) || !fits {
            let problem = format!("{} × {} of which {moved} move, a tally of {} numbers", x.rows(), x.cols(), tally.len());
            return Err(Error::shape("metropolis", problem));
        }
        Ok(())
    }

    fn params(self, rec: &mut Recorder) -> Params {
        Params {
            n: self.x.rows() as u32,
            cols: self.x.cols() as u32,
            moved: self.moved as u32,
            stream: rec.next_stream(),
            corrected: 0,
            rate: 0.0,
            wanted: 0.0,
            chance: 0.0,
        }
    }
}

impl Recorder {
    /// Where each chain would move: x − h·∇E(x) + √(2h)·ξ. Not taped.
    ///
    /// # Errors
    /// Shapes that do not belong together.
    pub fn langevin_proposal(&mut self, chains: Walkers) -> Result<Var> {
        chains.check(&[])?;
        let out = self.empty(chains.x.rows(), chains.x.cols())?;
        let (params, state) = (chains.params(self), self.state());
        let groups = self.groups(chains.x.rows(), Propose::WIDTH);
        let Walkers { x, slopes, tally, .. } = chains;
        self.dispatch(Propose { params, state, from_x: x, from_g: slopes, from_tally: tally, out }, groups)?;
        Ok(out)
    }

    /// Accepts or refuses the proposal of each chain, given the energy there (n × 1) and its slopes; changes the chains' memory.
    ///
    /// # Errors
    /// Shapes that do not belong together.
    pub fn metropolis(&mut self, chains: Walkers, proposal: Var, slope: Var, energy: Var, judging: Judging) -> Result<()> {
        chains.check(&[proposal, slope])?;
        if energy.len() != proposal.rows() {
            return Err(Error::shape("metropolis", format!("{} energies of {} chains", energy.len(), proposal.rows())));
        }
        let Judging { corrected, rate, wanted } = judging;
        let params = Params { corrected: corrected.into(), rate, wanted, ..chains.params(self) };
        let state = self.state();
        let groups = self.groups(proposal.rows(), Accept::WIDTH);
        let Walkers { x, slopes, tally, .. } = chains;
        self.dispatch(Accept { params, state, x, g: slopes, tally, proposal, slope, energy }, groups)
    }

    /// Replaces each row of x, in its memory, by that of `fresh` with a chance.
    ///
    /// # Errors
    /// Another shape, or no chance.
    pub fn refresh_rows(&mut self, x: Var, fresh: Var, chance: f32) -> Result<()> {
        if x.is_empty() || x.shape() != fresh.shape() || !(0.0..=1.0).contains(&chance) {
            let problem = format!("{} × {} by {} × {}, chance {chance}", x.rows(), x.cols(), fresh.rows(), fresh.cols());
            return Err(Error::shape("refresh_rows", problem));
        }
        let chains = Walkers { x, slopes: x, tally: x, moved: x.cols() };
        let params = Params { chance, ..chains.params(self) };
        let state = self.state();
        let groups = self.groups(x.rows(), Refresh::WIDTH);
        self.dispatch(Refresh { params, state, x, fresh }, groups)
    }
}
