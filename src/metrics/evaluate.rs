//! All scores of one set of samples against one reference, as `pushforward evaluate` prints them.

use super::columns;
use super::evaluation::{DistanceRatio, Evaluation, Memorization, WorstColumn};
use super::options::Options;
use super::sets::{Set, Sets};
use super::watch::{Stage, Watch};
use super::{
    Backend, Points, Score, c2st, comparable, kolmogorov, manifold, memorization, pairs, permutation, scale, sinkhorn, sliced,
    stein, wasserstein,
};
use crate::Result;

/// Scores `samples` against `reference`, and against the `train` rows they were learned from where those are given.
///
/// No score depends on the order of the rows. Rows that share conditions, repeat or have weights are first made independent rows of equal weight, and
/// [`Evaluation::notes`] says how.
///
/// # Errors
/// When the columns differ in number, or a set has fewer rows than neighbors are asked for.
pub fn evaluate_points(reference: Points, samples: Points, train: Option<Points>, options: &Options) -> Result<Evaluation> {
    comparable(reference, samples, options.neighbors + 1)?;
    let sets = Sets::new(reference, samples, &options.names, options.seed)?;
    let d = reference.columns();
    let unweighted = [sets.reference.unweighted(d)?, sets.samples.unweighted(d)?];
    comparable(unweighted[0], unweighted[1], options.neighbors + 1)?;
    let unit = if options.squash || options.target.is_some() { 1.0 } else { unit(sets.reference.all(d)?) };
    let each = |v: f32| match options.squash {
        true => scale::squashed(f64::from(v)) as f32,
        false if unit == 1.0 => v,
        false => (f64::from(v) / unit) as f32,
    };
    let scaled = [sets.reference.map(each), sets.samples.map(each)];
    let train: Option<Vec<f32>> = train.map(|train| train.values().iter().map(|&v| each(v)).collect());
    let options = Options { bandwidth: options.bandwidth.map(|bandwidth| bandwidth / unit), ..options.clone() };
    let train = match &train {
        Some(train) => Some(Points::new(train, train.len() / d, d)?),
        None => None,
    };
    let mut found = in_units(&scaled, unweighted[1], train, &options)?;
    found.rescale(unit);
    found.notes = [sets.notes, found.absent(&options, unweighted[0].rows().min(unweighted[1].rows()))].concat();
    found.verdict = found.verdict();
    Ok(found)
}

/// What distances are divided by: 1, but for columns whose squares would be lost in f32 or exceed it.
fn unit(reference: Points) -> f64 {
    let of = |j: usize| scale::of_column(reference.column(j).iter().map(|&v| f64::from(v)).collect());
    let moments: Vec<_> = (0..reference.columns()).map(of).collect();
    let widest = moments.iter().map(|column| column.1).filter(|&scale| scale != 1.0).fold(0.0, f64::max);
    if widest == 0.0 || (1e-9..1e9).contains(&widest) { 1.0 } else { widest.log2().round().exp2() }
}

/// Reports the stages in turn.
struct Stages<'a> {
    watch: &'a Watch,
    done: usize,
    of: usize,
}

impl Stages<'_> {
    fn next(&mut self, name: &str, rows: usize) {
        self.watch.tell(&Stage { name, rows, done: self.done, of: self.of });
        self.done += 1;
    }
}

/// All scores of rows in units in which distances are of order one; `plain` are the samples as the target's score has them.
fn in_units(sets: &[Set; 2], plain: Points, train: Option<Points>, options: &Options) -> Result<Evaluation> {
    let (gpu, seed, d) = (options.gpu.as_ref(), options.seed, plain.columns());
    // Scores that follow weights take all rows, the others those of equal weight.
    let all_rows = [sets[0].all(d)?, sets[1].all(d)?];
    let [reference, samples] = [sets[0].unweighted(d)?, sets[1].unweighted(d)?];
    let on = &gpu.map_or(Backend::Host, Backend::best);
    let on_sums = &gpu.map_or(Backend::Host, |gpu| Backend::for_sums(gpu, d));
    let (all, of_all) = (reference.rows().max(samples.rows()), all_rows[0].rows().max(all_rows[1].rows()));
    let classify = options.classifier && reference.rows().min(samples.rows()) >= c2st::LEAST_ROWS;
    let optional = [options.target.is_some(), gpu.is_some(), classify, train.is_some()];
    let of = 6 + optional.into_iter().filter(|&is_there| is_there).count();
    let mut stages = Stages { watch: &options.watch, done: 0, of };

    stages.next("Kolmogorov–Smirnov", of_all);
    let (ks, column, worst) = kolmogorov::worst(all_rows[0], all_rows[1])?;
    let by_column = match options.names.is_empty() {
        true => Vec::new(),
        false => columns::differences(all_rows, [reference, samples], &ks, &options.names),
    };
    let classified = match classify {
        true => {
            let most = c2st::most_rows(d);
            stages.next("C2ST accuracy", most.min(all));
            Some(c2st::classify(gpu, reference, samples, most, seed)?)
        }
        false => None,
    };

    let most = options.pair_rows.unwrap_or_else(|| on.pair_rows(d)).max(options.neighbors + 1);
    let kept = [reference.subsample(most, seed), samples.subsample(most, seed.wrapping_add(1))];
    let real = Points::new(&kept[0], kept[0].len() / d, d)?;
    let fake = Points::new(&kept[1], kept[1].len() / d, d)?;
    let bandwidth = match options.bandwidth {
        Some(bandwidth) => bandwidth,
        None => pairs::median_distance(reference, samples, seed)?,
    };
    let used = (most < all).then_some(most);
    let on_pairs = |score: Score| Score { rows_used: used, ..score };
    // Of rows with weights as many as the host works through, whose sums they are.
    let most_weighted = options.pair_rows.unwrap_or_else(|| Backend::Host.pair_rows(d)).max(options.neighbors + 1);
    let is_weighted = all_rows.iter().any(|points| points.weights().is_some());
    let some = match is_weighted {
        true => Some([some_of(all_rows[0], most_weighted, seed), some_of(all_rows[1], most_weighted, seed.wrapping_add(1))]),
        false => None,
    };
    let [first, second] = match &some {
        Some([first, second]) => [first.all(d)?, second.all(d)?],
        None => [real, fake],
    };
    let taken = if is_weighted { most_weighted } else { most };
    let on_sums_of = |score: Score| Score { rows_used: (taken < of_all).then_some(taken), ..score };
    stages.next("Energy distance", taken.min(of_all));
    let energy = match gpu {
        Some(gpu) => pairs::energy_on(gpu, first, second)?,
        None => pairs::energy(first, second)?,
    };
    stages.next("MMD²", taken.min(of_all));
    let mmd2 = match gpu {
        Some(gpu) => pairs::mmd2_on(gpu, first, second, bandwidth)?,
        None => pairs::mmd2(first, second, bandwidth)?,
    };
    let p_value = permutation::mmd2(on_sums, real, fake, bandwidth, options.permutations, options.bins, seed)?;
    let ksd2 = match &options.target {
        Some(target) => {
            let most = options.pair_rows.unwrap_or(stein::MOST_ROWS).min(stein::MOST_ROWS);
            stages.next("KSD²", most.min(all));
            Some(stein::to_target(plain, target, options.permutations, most, seed)?)
        }
        None => None,
    };
    stages.next("Sliced W₂", all.min(sliced::ROWS));
    let sliced_w2 = sliced::wasserstein(on, reference, samples, options.projections, seed)?;
    stages.next("W₂", all.min(options.w2_rows));
    let w2 = wasserstein::exact(reference, samples, options.w2_rows, seed)?;
    let sinkhorn = match gpu {
        Some(gpu) => {
            stages.next("Sinkhorn divergence", of_all.min(sinkhorn::most_rows(gpu)));
            Some(sinkhorn::divergence(gpu, all_rows[0], all_rows[1], sinkhorn::BLUR * bandwidth, seed)?)
        }
        None => None,
    };
    stages.next("Precision, recall, density and coverage", most.min(all));
    let manifold = manifold::scores(on, real, fake, options.neighbors)?;
    let memorization = match train {
        Some(train) => {
            stages.next("Memorization", train.rows().min(memorization::TRAINING_ROWS));
            Some(Memorization::of(on, train, reference, samples, seed)?)
        }
        None => None,
    };
    Ok(Evaluation {
        reference_rows: all_rows[0].rows(),
        sample_rows: all_rows[1].rows(),
        columns: d,
        mmd2: on_sums_of(mmd2).with_p_value(p_value),
        bandwidth,
        energy: on_sums_of(energy),
        ksd2,
        sliced_w2,
        sinkhorn,
        w2,
        c2st: classified.as_ref().map(|found| found.score.clone()),
        classifiers: classified.map(|found| found.accuracies),
        precision: on_pairs(manifold.precision),
        recall: on_pairs(manifold.recall),
        density: on_pairs(manifold.density),
        coverage: on_pairs(manifold.coverage),
        ks: WorstColumn { worst, column, columns: ks },
        memorization,
        by_column,
        scorecard: None,
        efficacy: None,
        closest: None,
        verdict: String::new(),
        notes: Vec::new(),
    })
}

/// At most so many rows of a set, with their weights.
fn some_of(points: Points, most: usize, seed: u64) -> Set {
    let chosen = points.chosen(most, seed);
    let weights = points.weights().map(|weights| chosen.iter().map(|&i| weights[i]).collect());
    Set { values: points.select(&chosen), weights, kept: None }
}

impl Memorization {
    /// On as many training rows as are looked through, and on as many of the others as leave the time for it.
    fn of(on: &Backend, train: Points, reference: Points, samples: Points, seed: u64) -> Result<Self> {
        let d = train.columns();
        let kept = train.subsample(memorization::TRAINING_ROWS, seed);
        let train = Points::new(&kept, kept.len() / d, d)?;
        let most = on.memorization_rows(d, train.rows()).max(memorization::LEAST_ROWS);
        let kept = [reference.subsample(most, seed), samples.subsample(most, seed.wrapping_add(1))];
        let (reference, samples) = (Points::new(&kept[0], kept[0].len() / d, d)?, Points::new(&kept[1], kept[1].len() / d, d)?);
        let (copied, test) = memorization::all(on, train, reference, samples)?;
        let absent = copied.ratio.is_none().then(|| "training rows repeat".to_string());
        Ok(Self { ratio: DistanceRatio { score: copied.ratio, absent }, authenticity: copied.authenticity, test })
    }
}
