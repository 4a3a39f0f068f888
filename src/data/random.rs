//! The host's random numbers: for toy targets and splits, which must be the same on every machine and in every later version.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// One stream of random numbers a purpose, so that a split never reuses the numbers that made the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stream {
    /// Rows of toy targets.
    Toy = 1,
    /// The choice of rows: validation and test sets, subsets.
    Split = 2,
    /// Source rows and choices of data rows for matched pairs.
    Pairs = 3,
    /// The rows over which a solver's error is estimated.
    Estimate = 8,
}

/// ChaCha with 8 rounds (Bernstein 2008), keyed by `seed` through `SeedableRng::seed_from_u64`, at the stream of the given
/// purpose. The algorithm is fixed by name, so its numbers do not change with the version of the `rand` crate.
pub fn generator(seed: u64, stream: Stream) -> ChaCha8Rng {
    generator_at(seed, stream, 0)
}

/// The same, with numbers of its own for each place (below 2⁵⁶), such as an iteration: what is drawn there does not depend on what was
/// drawn before.
pub fn generator_at(seed: u64, stream: Stream, place: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream as u64 | place << 8);
    generator
}
