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
