//! Given columns: `--condition`, `--given`, and texts on their way through a model and back.

use super::{Desk, TINY};

/// Two species and two sexes; the lengths differ by species, the order of the columns is not the model's.
fn birds(rows: usize) -> String {
    let mut text = "species,length,age,sex\n".to_string();
    for i in 0..rows {
        let (gentoo, male) = (i % 3 == 0, i % 2 == 0);
        let wave = |k: usize| ((i * k) as f64 * 0.7).sin();
        let length = if gentoo { 48.0 } else { 38.0 } + wave(13) + f64::from(u8::from(male));
        let (species, sex) = (if gentoo { "Gentoo" } else { "Adelie, long-billed" }, if male { "m" } else { "f" });
        text += &format!("\"{species}\",{length:.3},{:.2},{sex}\n", 5.0 + 2.0 * wave(7));
    }
    text
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.file("birds.csv", birds(240));
    desk.works(&format!("train energy --data birds.csv --condition species,sex --out run --steps 20 {TINY}"));
    desk
}

#[test]
fn texts_are_given_come_back_and_are_evaluated() {
    let desk = desk();
    let config = desk.text("run/config.toml");
    assert!(config.contains(r#"given = ["species=Adelie, long-billed", "species=Gentoo", "sex=f", "sex=m"]"#), "{config}");
    assert!(desk.text("run/report.html").contains("length, age given species (Adelie, long-billed, Gentoo), sex (f, m)"));

    // One value a column, so many rows.
    desk.works("sample run --given species=Gentoo --given sex=m -n 50 --out new.csv");
    let drawn = desk.text("new.csv");
    let lines: Vec<&str> = drawn.lines().collect();
    assert_eq!((lines[0], lines.len()), ("length,age,species,sex", 51));
    assert!(lines[1..].iter().all(|line| line.ends_with(",Gentoo,m")), "{drawn}");
    // The regression on the indicators, where training starts, already tells the species apart.
    let mean = lines[1..].iter().map(|line| line.split(',').next().unwrap().parse::<f64>().unwrap()).sum::<f64>() / 50.0;
    assert!((mean - 49.0).abs() < 1.0, "{mean}");

    let quiet = desk.run("sample run --given species=Gentoo --given sex=m -n 2 --out few.csv");
    assert!(!quiet.err.contains("warning"), "{}", quiet.err);
    // No file of the run's own rows is written over, under whatever name.
    desk.fails(
        "sample run --given species=Gentoo --given sex=m -n 2 --out birds.csv",
        2,
        &["birds.csv", "was trained or scored on"],
    );
    desk.fails("sample run --given species=Gentoo --given sex=m -n 2 --out run/../birds.csv", 2, &["was trained or scored on"]);
    desk.file("copy.csv", birds(240));
    desk.fails("push run --input z.csv --out copy.csv", 2, &["copy.csv", "was trained or scored on"]);
    assert_eq!(desk.text("birds.csv"), birds(240));

    // Two rows for each row of a file, whose texts come back in its order.
    desk.works("sample run --given birds.csv -n 2 --out twice.csv");
    let (twice, real) = (desk.text("twice.csv"), birds(240));
    let species = |line: &str| line.contains("Gentoo");
    assert_eq!(twice.lines().count(), 481);
    assert!(twice.lines().skip(1).zip(real.lines().skip(1).flat_map(|line| [line, line])).all(|(a, b)| species(a) == species(b)));

    // The sample stands beside the file as it is; without names, and as numbers, it is told what is where.
    let scores = desk.works("evaluate --reference birds.csv --samples twice.csv --json");
    // Two numbers, and a bit for the two levels of each text; a level that the reference lacks adds its mark to that space, in which other rows are 0.
    assert!(scores.contains("\"columns\":4"), "{scores}");
    desk.file("unknown.csv", twice.replacen("Gentoo", "Chinstrap", 1));
    let scores = desk.works("evaluate --reference birds.csv --samples unknown.csv --json");
    assert!(scores.contains("\"columns\":5") && scores.contains("1 cell of the samples"), "{scores}");
    let ended = desk.run("sample run --given birds.csv --out new.npy");
    assert!(ended.status == Some(0) && ended.err.contains("length, age, species=Adelie"), "{}", ended.err);
    desk.works("sample run --given new.npy#2,3,4,5 --out again.csv");
    assert_eq!(desk.text("again.csv").lines().count(), 241);

    // Points are pushed with what stands behind them, or with what is said.
    desk.file("z.csv", "z1,z2,species,sex\n0,0,Gentoo,m\n1,1,Gentoo,m\n").file("bare.csv", "z1,z2\n0,0\n1,1\n");
    desk.works("push run --input z.csv --out one.csv");
    desk.works("push run --input bare.csv --given species=Gentoo --given sex=m --out other.csv");
    assert_eq!(desk.text("one.csv"), desk.text("other.csv"));
    assert!(desk.text("one.csv").lines().nth(1).unwrap().ends_with(",Gentoo,m"));
}

#[test]
fn mistakes_with_given_columns_are_told() {
    let desk = desk();
    let train = |rest: &str| format!("train energy --data birds.csv {rest} --out other --steps 20 {TINY}");
    desk.fails(&train("--condition specis,sex"), 2, &["no column `specis`", "did you mean `species`?"]);
    desk.fails(&train("--condition species,sex,species"), 2, &["names `species` twice"]);
    desk.fails(&train("--condition species,sex,age,length"), 2, &["every column is a conditioning column"]);
    desk.fails(&train("--condition length:levels,species,sex"), 1, &["`length`", "more than 64 categories"]);
    desk.fails("train stein --data birds.csv --condition species,sex", 2, &["`stein`", "leave out the conditioning columns"]);

    desk.fails("sample run -n 5 --out x.csv", 2, &["conditioning columns (species (Adelie", "give their values"]);
    desk.fails("sample run --out x.csv", 2, &["--given rows.csv"]);
    desk.fails("sample run --given species=Gento --given sex=m --out x.csv", 2, &["`Gento`", "did you mean `Gentoo`?"]);
    desk.fails(
        "sample run --given specie=Gentoo --given sex=m --out x.csv",
        2,
        &["no conditioning column `specie`", "did you mean `species`?"],
    );
    desk.fails("sample run --given species=Gentoo --out x.csv", 2, &["`sex` is missing"]);
    desk.fails("sample run --given sex=m --given sex=f --out x.csv", 2, &["`sex` twice"]);
    desk.fails("sample run --given birds --out x.csv", 2, &["COLUMN=VALUE"]);
    desk.file("owls.csv", "species,sex\nGentoo,m\nOwl,f\n")
        .file("sexless.csv", "species\nGentoo\n")
        .file("gap.csv", "species,sex\nGentoo,\n");
    desk.fails(
        "sample run --given owls.csv --out x.csv",
        1,
        &["`species` of owls.csv holds `Owl` in row 2", "its categories are"],
    );
    desk.fails("sample run --given sexless.csv --out x.csv", 2, &["no column `sex`"]);
    desk.fails("sample run --given gap.csv --out x.csv", 1, &["the only row of gap.csv has missing values (`sex` 1)"]);
    desk.fails("sample run --given birds.csv --out x.csv --trajectories w.csv", 2, &["--trajectories", "without --condition"]);
    desk.file("z.csv", "z1,z2,species,sex\n0,0,Owl,m\n");
    desk.fails("push run --input z.csv --out x.csv", 1, &["`Owl`"]);
    assert!(!desk.path("x.csv").exists());

    // Nothing to learn from in a column that is always the same.
    desk.file("same.csv", birds(60).replace("\"Adelie, long-billed\"", "Gentoo"));
    let same = format!("train energy --data same.csv --condition species,sex --steps 20 {TINY}");
    desk.fails(&same, 1, &["`species=Gentoo`", "is constant"]);

    // A model of whole rows has nothing to be given.
    desk.works(&format!("train energy --data birds.csv#length,age --out whole --steps 20 {TINY}"));
    desk.fails("sample whole --given age=5 --out x.csv", 2, &["trained without --condition"]);
}

#[test]
fn numbers_are_given_too_and_likelihoods_are_of_the_rest() {
    let desk = Desk::new();
    desk.file("birds.csv", birds(240));
    let condition = "--data birds.csv#length,age,sex --condition age,sex";
    desk.works(&format!("train realnvp {condition} --out run --steps 20 {TINY}"));
    desk.works("sample run --given age=5.25 --given sex=f -n 3 --out new.csv");
    let drawn = desk.text("new.csv");
    assert!(drawn.starts_with("length,age,sex\n") && drawn.lines().skip(1).all(|line| line.ends_with(",5.25,f")), "{drawn}");
    desk.fails("sample run --given age=old --given sex=f --out x.csv", 2, &["`age` is numeric, and `old` is not a number"]);
    desk.fails("sample run --given age=NaN --given sex=f --out x.csv", 2, &["`age` is numeric"]);

    let nats = |words: &str| desk.works(words).split_whitespace().next().map(str::to_string);
    assert!(nats("log-density run --data birds.csv").is_some());
    desk.works("push run --inverse --input birds.csv --out z.csv");
    assert_eq!(desk.text("z.csv").lines().next(), Some("z1"));
    desk.file("sexless.csv", "length,age\n40,5\n");
    desk.fails("log-density run --data sexless.csv", 2, &["no column `sex`"]);

    // A run goes on with its own given columns, and ends as one that was not stopped.
    let words = format!("train energy {condition} --out part --steps 20 {TINY} --set validation_fraction=0");
    desk.works(&words);
    desk.works("train energy --data birds.csv#length,age,sex --out part --resume");
}

#[test]
fn missing_cells_are_learned_given_and_scored_on_the_whole_way() {
    let desk = Desk::new();
    // As in the penguins table: a bird of which nothing was measured, and one whose sex is not known.
    let holes = birds(240).replacen("\n\"Gentoo\",48", "\n\"Gentoo\",,,NA\n\"Gentoo\",48", 1).replacen(",m\n", ",\n", 1);
    desk.file("birds.csv", holes);
    let ended = desk.run(&format!("train energy --data birds.csv --condition species,sex --out run --steps 20 {TINY}"));
    let told = "training energy on birds.csv: 241 rows, 2 columns given species, sex, up to 20 steps";
    assert!(ended.status == Some(0) && ended.err.contains(told), "{}", ended.err);
    desk.works("sample run --given birds.csv --out like.csv");
    assert_eq!(desk.text("like.csv").lines().count(), 242);
    // What was given comes back: the sex of two birds is not known.
    assert_eq!(desk.text("like.csv").lines().filter(|line| line.ends_with(',')).count(), 2);
    let ended = desk.run("evaluate --reference birds.csv --samples like.csv --json");
    assert!(ended.status == Some(0) && ended.out.contains("\"reference_rows\":241"), "{}{}", ended.err, ended.out);
    desk.fails("log-density run --data birds.csv", 2, &["a model of method `energy` has no density"]);
}

#[test]
fn seconds_and_identifiers_are_learned_and_come_back_exactly() {
    let desk = Desk::new();
    // Seconds since 1970 within a minute, and an identifier beyond 2²⁴ that is given: odd ones come earlier.
    let mut text = "id,at\n".to_string();
    for i in 0..300 {
        let late = if i % 2 == 0 { 40.0 } else { 0.0 };
        text += &format!("{},{}\n", 20_000_001 + i, 1_700_000_000.0 + late + 8.0 * ((i * 7) as f64 * 0.7).sin());
    }
    desk.file("log.csv", text);
    desk.works(&format!("train energy --data log.csv#at --out run --steps 20 {TINY}"));
    desk.works("sample run -n 500 --out new.csv");
    let read = |name: &str, column: usize| -> Vec<f64> {
        let number = |line: &str| line.split(',').nth(column).unwrap().parse().unwrap();
        desk.text(name).lines().skip(1).map(number).collect()
    };
    let at = read("new.csv", 0);
    let mean = at.iter().sum::<f64>() / 500.0;
    let deviation = (at.iter().map(|at| (at - mean).powi(2)).sum::<f64>() / 500.0).sqrt();
    // Of the table: 1,700,000,020, and √(20² + 8²/2) = 20.8; the map starts at the Gaussian of both.
    assert!((mean - 1_700_000_020.0).abs() < 5.0 && (15.0..27.0).contains(&deviation), "{mean}, {deviation}");
    let distinct: std::collections::BTreeSet<u64> = at.iter().map(|at| at.to_bits()).collect();
    assert!(distinct.len() > 490, "{} of 500 samples are distinct", distinct.len());
    desk.works(&format!("train energy --data log.csv --condition id --out given --steps 20 {TINY}"));
    desk.works("sample given --given id=20000101 -n 2 --out one.csv");
    assert_eq!(read("one.csv", 1), [20_000_101.0; 2]);
    desk.works("sample given --given log.csv --out all.csv");
    assert_eq!(read("all.csv", 1), read("log.csv", 0));
    // Neither centered nor scaled, the seconds fall together.
    desk.fails(
        "train energy --data log.csv#at --set standardize=false",
        1,
        &["column `at`", "digits beyond the 7 of single precision"],
    );
}

#[test]
fn conditions_that_training_has_not_seen_are_told() {
    let desk = desk();
    desk.works(&format!("train flow-matching --data birds.csv#length,age --condition age --out aged --steps 5 {TINY}"));
    // Ages are 5 + 2 sin(…): within 3 to 7.
    let ended = desk.run("sample aged --given age=100 -n 3 --out old.csv");
    assert!(
        ended.status == Some(0)
            && ended.err.contains("warning: `age` lies outside of its training range, 3 to 7 (farthest: 100)"),
        "{}",
        ended.err
    );
    desk.file("ages.csv", "length,age\n40,5\n41,-2\n42,6.5\n43,9\n");
    for words in [
        "log-density aged --data ages.csv",
        "push aged --input ages.csv --inverse --out z.csv",
        "sample aged --given ages.csv --out new.csv",
    ] {
        let ended = desk.run(words);
        assert!(
            ended.err.contains("`age` lies outside of its training range, 3 to 7 in 2 of 4 rows (farthest: −2)"),
            "{words}: {}",
            ended.err
        );
    }
    assert!(!desk.run("sample aged --given age=5 -n 3 --out new.csv").err.contains("warning"));
    // A column that a condition fixes is told before training.
    let rows: String = (0..60).map(|i| format!("{0},{0}\n", (i * 37 % 61) as f64 / 7.0)).collect();
    desk.file("line.csv", format!("c,y\n{rows}"));
    let ended = desk.run(&format!("train spline --data line.csv --condition c --out line --steps 2 {TINY}"));
    assert!(ended.err.contains("warning: `y` is a linear function of the conditions"), "{}", ended.err);
}

#[test]
fn evaluations_see_differences_at_any_offset_and_of_any_order() {
    let desk = Desk::new();
    // Both uniform, twenty apart, of a width of ten: 2·20 − 2·10/3 in their own units, whatever these are.
    for (offset, unit) in [(1.7e9, 1.0), (-3e12, 1.0), (0.0, 1e-25), (0.0, 1e25)] {
        for (name, apart) in [("a.csv", 0.0), ("b.csv", 20.0)] {
            let row = |i: usize| format!("{}\n", offset + unit * (apart + 10.0 * (i as f64 * 0.618_033_988_749_894_9).fract()));
            desk.file(name, "at\n".to_string() + &(0..200).map(row).collect::<String>());
        }
        let scores = desk.works("--quiet evaluate --reference a.csv --samples b.csv --json --standardize=false");
        let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
        let energy = scores["energy"]["value"].as_f64().unwrap() / unit;
        assert!((energy - (40.0 - 20.0 / 3.0)).abs() < 0.1, "{offset}, {unit}: {energy}");
        assert!(scores["mmd2"]["p_value"].as_f64().unwrap() < 0.01 && scores["ks"]["value"].as_f64() == Some(1.0), "{scores}");
    }
}
