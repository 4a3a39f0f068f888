//! Sentences about a study of annealing, assembled from its verdicts.

use crate::anneal::{Arm, Change, Effect, Kind, STANDS, Study, Verdict};
use pushforward::report::number;
use pushforward::words;

/// With three digits and its sign.
pub fn signed(value: f64) -> String {
    let text = number(value, 3);
    if value > 0.0 { format!("+{text}") } else { text }
}

pub fn between(interval: Option<[f64; 2]>, digits: usize) -> String {
    interval.map_or_else(|| "–".into(), |[low, high]| format!("[{}, {}]", number(low, digits), number(high, digits)))
}

/// The verdict, and whether it outlives correction.
pub fn verdict(change: &Change) -> String {
    let open = change.verdict != Verdict::Open && !change.stands();
    format!("{}{}", change.verdict.words(), if open { " (not after correction)" } else { "" })
}

/// Comparisons that help, hurt and are open, by their intervals; and those that help and hurt after correction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    pub all: usize,
    pub helps: usize,
    pub hurts: usize,
    pub helps_still: usize,
    pub hurts_still: usize,
}

impl Count {
    pub fn of<'a>(changes: impl Iterator<Item = &'a Change>) -> Self {
        changes.fold(Self::default(), |mut count, change| {
            let still = usize::from(change.stands());
            count.all += 1;
            match change.verdict {
                Verdict::Helps => (count.helps, count.helps_still) = (count.helps + 1, count.helps_still + still),
                Verdict::Hurts => (count.hurts, count.hurts_still) = (count.hurts + 1, count.hurts_still + still),
                Verdict::Open => {}
            }
            count
        })
    }

    /// "helps in 4 of 9 (3 after correction), hurts in 1 (0)".
    fn said(self) -> String {
        let Self { all, helps, hurts, helps_still, hurts_still } = self;
        format!("helps in {helps} of {all} ({helps_still} after correction) and hurts in {hurts} ({hurts_still})")
    }
}

/// Comparisons of root energy distances.
fn nearer(study: &Study) -> Count {
    Count::of(study.effects.iter().filter_map(|effect| effect.root_energy.as_ref()))
}

/// The study's result in a sentence.
pub fn headline(study: &Study) -> String {
    let count = nearer(study);
    let early = if study.interrupted.is_some() { " The study was interrupted: what is missing is not counted." } else { "" };
    if count.all == 0 {
        return format!("There is no pair of an annealed and a direct run to compare yet.{early}");
    }
    if study.pairs_at_most() < 2 {
        return format!(
            "{} of one seed: without a second seed nothing can be said of them.{early}",
            words::count(count.all, "pair")
        );
    }
    let Count { all, helps, hurts, helps_still, hurts_still } = count;
    format!(
        "Trained for as many steps, annealed maps come nearer to the data than direct ones in {helps} of {all} comparisons, stay farther away in {hurts}, and show no significant difference with {} seeds in {}; corrected for the number of comparisons on a target, {helps_still} and {hurts_still} of these remain.{early}",
        study.pairs_at_most(),
        all - helps - hurts,
    )
}

/// When it helps, by how much, and at what cost: in paragraphs.
pub fn findings(study: &Study) -> Vec<String> {
    if study.pairs_at_most() < 2 {
        return Vec::new();
    }
    let shares = Count::of(study.effects.iter().filter_map(|effect| effect.share_error.as_ref()));
    let shares = match shares.all {
        0 => String::new(),
        _ => format!("For the modes' shares of the rows, annealing {}.", shares.said()),
    };
    let paragraphs = [vec![kinds(study), extremes(study)], vec![objectives(study), shares, cost(study)]];
    let joined = paragraphs.map(|parts| parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "));
    joined.into_iter().filter(|paragraph| !paragraph.is_empty()).collect()
}

/// What equally many steps take.
fn cost(study: &Study) -> String {
    let part = |arm: &Arm| Some(format!("{} ({})", number(study.cost(*arm)?, 3), arm.name()));
    let parts: Vec<String> = study.arms.iter().filter(|arm| **arm != Arm::Direct).filter_map(part).collect();
    if parts.is_empty() {
        return String::new();
    }
    format!(
        "Steps were held equal, not seconds: an annealed step takes {} times as long as a direct one, in the median.",
        parts.join(", ")
    )
}

/// How it is with each objective.
fn objectives(study: &Study) -> String {
    if study.objectives.len() < 2 {
        return String::new();
    }
    let part = |objective: &String| {
        let of = study.effects.iter().filter(|effect| effect.objective == *objective);
        let Count { all, helps, hurts, .. } = Count::of(of.filter_map(|effect| effect.root_energy.as_ref()));
        format!("{objective} is helped in {helps} of {all} and hurt in {hurts}")
    };
    let parts: Vec<String> = study.objectives.iter().map(part).collect();
    format!("By objective: {}.", parts.join(", "))
}

/// How it is with far modes and without.
fn kinds(study: &Study) -> String {
    let count = |kind: Kind| {
        let of = |effect: &&Effect| study.targets.iter().any(|target| target.name == effect.target && target.kind() == kind);
        Count::of(study.effects.iter().filter(of).filter_map(|effect| effect.root_energy.as_ref()))
    };
    let named = [
        ("With far modes in the plane", Kind::FarInPlane),
        ("With far modes in many dimensions", Kind::FarInMany),
        ("Without far modes", Kind::Control),
    ];
    let counts: Vec<(&str, Count)> =
        named.into_iter().map(|(name, kind)| (name, count(kind))).filter(|(_, count)| count.all > 0).collect();
    // A study of one kind has said it all.
    if counts.len() < 2 {
        return String::new();
    }
    let parts = counts.into_iter().map(|(name, count)| format!("{name} annealing {}.", count.said()));
    parts.collect::<Vec<_>>().join(" ")
}

/// The largest gain and the largest loss that remain after correction.
fn extremes(study: &Study) -> String {
    let ratio = |effect: &&Effect| effect.ratio.as_ref().map_or(1.0, |ratio| ratio.value);
    let standing = |verdict: Verdict| {
        let of = move |effect: &&Effect| effect.root_energy.as_ref().is_some_and(|c| c.stands() && c.verdict == verdict);
        study.effects.iter().filter(of)
    };
    let said = |effect: &Effect| {
        format!(
            "{} on {} ({} schedule), whose root energy distance is {} times that of direct training",
            effect.objective,
            effect.target,
            effect.arm.name(),
            number(ratio(&effect), 3)
        )
    };
    let gain = standing(Verdict::Helps).min_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let loss = standing(Verdict::Hurts).max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let gain = gain.map(|effect| format!("The largest gain that remains is {}.", said(effect)));
    let loss = loss.map(|effect| format!("The largest loss that remains is {}.", said(effect)));
    gain.into_iter().chain(loss).collect::<Vec<_>>().join(" ")
}

/// Whether differences of so many pairs can remain among so many comparisons; if not, why.
pub fn reach(study: &Study) -> String {
    let each = study.objectives.len() * (study.arms.len() - 1);
    let pairs = study.pairs_at_most();
    let least = 0.5f64.powi(pairs as i32 - 1).min(1.0);
    let text = format!(
        "With {pairs} pairs the least p-value is {}; Holm's correction is for the {each} comparisons on a target",
        number(least, 2)
    );
    // Beyond sixteen pairs signings are drawn, and the least is theirs.
    if pairs <= 16 && least * each as f64 >= STANDS {
        format!("{text}: with so many comparisons none can remain significant.")
    } else {
        text + "."
    }
}
