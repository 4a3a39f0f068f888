//! Scores of rows as a whole on tables with columns of any type.

use pushforward::data::{Column, Table};
use pushforward::metrics::scorecard::Part;
use pushforward::metrics::{Evaluation, Evaluator};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// A number that is missing where a category says so, and a second category that follows both; `apart` breaks the dependence and leaves each column as it is.
fn rows(count: usize, seed: u64, apart: bool) -> Table {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut x, mut missing, mut a, mut b) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let of = |random: &mut Xoshiro256PlusPlus| [random.random::<f64>(), random.random::<f64>(), random.random::<f64>()];
        let own = of(&mut random);
        let others = [of(&mut random), of(&mut random)];
        let [second, third] = if apart { others } else { [own, own] };
        x.push((own[0] * 20.0).floor());
        missing.push(second[1] < 0.25);
        a.push(u32::from(own[1] < 0.5));
        b.push((third[0] * 3.0) as u32);
    }
    Table::from_columns([
        Column::numbers("x", x).with_missing(missing).unwrap(),
        Column::categories("a", a, ["no", "yes"]).unwrap(),
        Column::categories("b", b, ["low", "middle", "high"]).unwrap(),
    ])
    .unwrap()
}

fn scored(samples: &Table) -> Evaluation {
    let gpu = &crate::shared::Devices::PLAIN;
    Evaluator::new(gpu)
        .pair_rows(Some(300))
        .train(&rows(300, 3, false))
        .target("b")
        .evaluate(&rows(300, 1, false), samples)
        .unwrap()
}

#[test]
fn dependence_of_mixed_columns_is_seen_by_every_score_of_whole_rows_and_equality_is_not_refused() {
    let (same, apart) = (scored(&rows(300, 2, false)), scored(&rows(300, 2, true)));
    let accuracy = |of: &Evaluation| of.c2st.as_ref().unwrap().value;
    let p = |of: &Evaluation| [of.c2st.as_ref().unwrap().p_value.unwrap(), of.mmd2.p_value.unwrap()];
    assert!(accuracy(&same) < 0.56 && p(&same).iter().all(|p| *p > 0.01), "{same}");
    assert!(accuracy(&apart) > 0.65 && p(&apart).iter().all(|p| *p < 0.05), "{apart}");
    // Each column by itself is as it was.
    let [same_card, apart_card] = [&same, &apart].map(|of| of.scorecard.as_ref().unwrap());
    assert!(apart_card.shapes.as_ref().unwrap().score.value > same_card.shapes.as_ref().unwrap().score.value - 0.05);
    let [equal, broken] = [same_card, apart_card].map(|card| card.trends.as_ref().unwrap());
    let high = |part: &Part| part.score.interval.unwrap()[1];
    assert!(high(broken) < broken.if_equal && high(equal) >= equal.if_equal, "{apart}");
    for (of, least) in [(&same, 0.85), (&apart, 0.0)] {
        let shares = [&of.precision, &of.recall, &of.coverage].map(|score| score.value);
        assert!(shares.iter().all(|share| (least..=1.0).contains(share)), "{shares:?}");
    }
    assert!(apart.recall.value < same.recall.value || apart.precision.value < same.precision.value, "{apart}");
    // A model of rows whose columns do not depend on each other predicts nothing.
    let ratio = |of: &Evaluation| of.efficacy.as_ref().unwrap().scores[2].ratio.clone().unwrap();
    assert!(ratio(&same).value > 0.9 && ratio(&apart).interval.unwrap()[1] < 0.9, "{apart}");
    let json = serde_json::to_value(&apart).unwrap();
    assert!(
        json["closest"]["membership"]["interval"][0].is_f64() && json["scorecard"]["columns"][0]["shape"]["if_equal"].is_f64()
    );
    assert_eq!(serde_json::from_value::<Evaluation>(json).unwrap(), apart);
}

/// The same rows, of whose second category some are one that the reference does not have, and the others a missing cell where it has none.
fn with_strange_cells(of: &Table, strange: usize) -> Table {
    let rows = of.rows();
    let codes = |j: usize| of.column(j).map(|code| code as u32).collect::<Vec<u32>>();
    let b = codes(2).iter().enumerate().map(|(row, code)| if row < strange { 3 } else { *code }).collect();
    Table::from_columns([
        Column::numbers("x", of.column(0).collect()).with_missing(of.missing(0).unwrap().to_vec()).unwrap(),
        Column::categories("a", codes(1), ["no", "yes"])
            .unwrap()
            .with_missing((0..rows).map(|row| row < strange).collect())
            .unwrap(),
        Column::categories("b", b, ["low", "middle", "high", "other"]).unwrap(),
    ])
    .unwrap()
}

#[test]
fn cells_that_the_reference_does_not_have_count_as_their_own_and_move_no_other_rows() {
    let gpu = &crate::shared::Devices::PLAIN;
    let (reference, samples) = (rows(300, 1, false), rows(300, 2, false));
    let scored = |samples: &Table| Evaluator::new(gpu).pair_rows(Some(300)).evaluate(&reference, samples).unwrap();
    let (plain, strange) = (scored(&samples), scored(&with_strange_cells(&samples, 60)));
    // A level that no cell has changes nothing: the encoding is the reference's.
    let empty = scored(&with_strange_cells(&samples, 0));
    assert_eq!((&empty.energy, &empty.w2, &empty.mmd2), (&plain.energy, &plain.w2, &plain.mmd2));
    assert_eq!((&empty.precision, &empty.c2st), (&plain.precision, &plain.c2st));
    assert!(!empty.notes.iter().any(|note| note.contains("does not have")), "{empty}");
    // A fifth of the rows is told by one look: 0.1 above chance at least, and they lie farther off.
    let told = |of: &Evaluation| of.c2st.as_ref().unwrap().value;
    assert!(told(&strange) > told(&plain) + 0.05 && strange.energy.value > plain.energy.value, "{strange}");
    assert!(
        strange.notes.iter().any(|note| note.starts_with("120 cells of the samples") && note.ends_with("in `a` and `b`")),
        "{strange}"
    );
    assert!(strange.precision.value < plain.precision.value, "{strange}");
    // Training rows with levels of their own do not move the scores of the samples either.
    let train = with_strange_cells(&rows(300, 3, false), 60);
    let beside = Evaluator::new(gpu).pair_rows(Some(300)).train(&train).evaluate(&reference, &samples).unwrap();
    assert_eq!((&beside.energy, &beside.c2st, &beside.by_column), (&plain.energy, &plain.c2st, &plain.by_column));
}
