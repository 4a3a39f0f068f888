//! Typed columns as numbers, and back.

use proptest::prelude::*;
use pushforward::data::{Column, ColumnType, Encoding, LoadOptions, Source, Table, TypeOptions};

use super::sentence;

/// A table of every kind of column: heavy tails, zeros and a cap, small and large whole numbers, texts, missing cells, dates, a constant, identifiers.
fn mixed(rows: usize) -> Table {
    let mut text = String::from("id,income,hours,children,balance,city,member,joined,planet,note\n");
    for i in 0..rows {
        let u = (i * 7919 % rows) as f64 / rows as f64;
        let income = if i % 3 == 0 { "0".into() } else { format!("{:.2}", (3.0 * u).exp() * 1000.0) };
        let hours = if i % 4 == 0 { "40".into() } else { format!("{:.1}", 20.0 + 40.0 * (u * 13.0).fract()) };
        let balance = (u * 4e5) as i64 - 100_000;
        let city = ["Bern", "Aarau", "Chur", "NA", "Basel"][i % 5];
        let member = if i % 2 == 0 { "yes" } else { "no" };
        let note = if i % 10 == 0 { format!("text {}", i % 70) } else { String::new() };
        text += &format!(
            "{i},{income},{hours},{},{balance},{city},{member},20{:02}-0{}-1{},Earth,{note}\n",
            i * i % 4,
            i % 20,
            i % 9 + 1,
            i % 10
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixed.csv");
    std::fs::write(&path, text).unwrap();
    let source: Source = path.display().to_string().parse().unwrap();
    source.load_typed(0, &LoadOptions::default(), &TypeOptions::default()).unwrap()
}

fn cells(table: &Table) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    table.write(&path).unwrap();
    std::fs::read_to_string(&path).unwrap().lines().map(str::to_string).collect()
}

#[test]
fn every_kind_of_column_comes_back_as_it_was() {
    use ColumnType::*;
    let table = mixed(400);
    let types: Vec<ColumnType> = (0..table.cols()).map(|j| table.column_type(j)).collect();
    assert_eq!(types, [Identifier, Number, Number, Integer, Integer, Category, Boolean, Date, Constant, Category]);
    let encoding = Encoding::fit(&table).unwrap();
    assert_eq!(
        encoding.widths(),
        [
            ("id", 0),
            ("income", 2),
            ("hours", 2),
            ("children", 1),
            ("balance", 1),
            ("city", 3),
            ("member", 1),
            ("joined", 1),
            ("planet", 0),
            ("note", 3)
        ]
    );
    let numbers = encoding.encode(&table, 1).unwrap();
    assert!(numbers.values().iter().all(|value| value.is_finite()));
    let back = encoding.decode(&numbers, 2).unwrap();
    // All but the identifiers, which are fresh: they go on where the data's end.
    let others = |line: &String| line.split_once(',').unwrap().1.to_string();
    assert_eq!(cells(&back).iter().map(others).collect::<Vec<_>>(), cells(&table).iter().map(others).collect::<Vec<_>>());
    assert_eq!((back.integers(0).unwrap()[0], types), (400, (0..back.cols()).map(|j| back.column_type(j)).collect()));
    // The same through its text, as a model file keeps it.
    let text = serde_json::to_string(&encoding).unwrap();
    assert_eq!(serde_json::from_str::<Encoding>(&text).unwrap(), encoding);
}

#[test]
fn noise_of_the_spacing_is_rounded_away() {
    let table = mixed(400);
    let encoding = Encoding::fit(&table).unwrap();
    let numbers = encoding.encode(&table, 1).unwrap();
    let spacings = encoding.spacings();
    let noised = numbers.values().iter().enumerate().map(|(at, value)| {
        let noise = ((at * 7919) % 997) as f64 / 997.0 - 0.499;
        value + noise * spacings[at % spacings.len()]
    });
    let noised = Table::new(numbers.columns().iter().cloned(), noised.collect()).unwrap();
    assert_eq!(cells(&encoding.decode(&noised, 2).unwrap())[1..], cells(&encoding.decode(&numbers, 2).unwrap())[1..]);
}

#[test]
fn numbers_become_standard_whatever_their_tails() {
    let n = 3000;
    let skewed: Vec<f64> = (0..n).map(|i| -(1.0 - (f64::from(i) + 0.5) / f64::from(n)).ln() * 1e6).collect();
    let plain: Vec<f64> = (0..n).map(|i| f64::from(i * 7919 % n)).collect();
    let table = Table::from_columns([Column::numbers("skewed", skewed), Column::numbers("plain", plain)]).unwrap();
    let encoding = Encoding::fit(&table).unwrap();
    let numbers = encoding.encode(&table, 0).unwrap();
    for (j, fourth) in [(0, 3.0), (1, 1.8)] {
        let moment = |k| numbers.column(j).map(|z| z.powi(k)).sum::<f64>() / f64::from(n);
        // The fourth moments of the normal and of the uniform distribution.
        assert!(
            moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.05 && (moment(4) - fourth).abs() < 0.3,
            "{j}: {}",
            moment(4)
        );
    }
    // Samples beyond the data end at their bounds.
    let far = Table::new(numbers.columns().iter().cloned(), vec![-50.0, -50.0, 50.0, 50.0]).unwrap();
    let decoded = encoding.decode(&far, 0).unwrap();
    let bounds = table.kinds();
    assert_eq!(decoded.values(), [bounds[0].min, bounds[1].min, bounds[0].max, bounds[1].max]);
}

#[test]
fn other_tables_are_encoded_by_the_names_of_columns_and_levels() {
    let typed = |levels: [&str; 2], codes: [u32; 2]| {
        Table::from_columns([Column::categories("c", codes.to_vec(), levels).unwrap(), Column::numbers("x", vec![0.5, 1.5])])
    };
    let encoding = Encoding::fit(&typed(["a", "b"], [0, 1]).unwrap()).unwrap();
    let [one, other] =
        [typed(["a", "b"], [0, 1]), typed(["b", "a"], [1, 0])].map(|table| encoding.encode(&table.unwrap(), 0).unwrap());
    assert_eq!(one.values(), other.values());
    let unseen = typed(["a", "bb"], [0, 1]).unwrap();
    assert!(sentence(encoding.encode(&unseen, 0)).contains("holds `bb` in row 2 (did you mean `b`?)"));
    let missing = Table::from_columns([
        Column::categories("c", vec![0], ["a"]).unwrap(),
        Column::numbers("x", vec![0.5]).with_missing(vec![true]).unwrap(),
    ]);
    assert!(sentence(encoding.encode(&missing.unwrap(), 0)).contains("row 1 of the table has a cell of `x`"));
    assert!(
        sentence(encoding.encode(&Table::from_columns([Column::numbers("c", vec![1.0])]).unwrap(), 0)).contains("it was text")
    );
    let whole = Table::from_columns([Column::integers("n", (0..30).collect())]).unwrap();
    assert!(Encoding::is_needless(&whole) && !Encoding::is_needless(&typed(["a", "b"], [0, 1]).unwrap()));
    assert_eq!(encoding.select(&["x".into()]).names(), ["x (bit 1)"]);
}

proptest! {
    #[test]
    fn any_column_comes_back(
        numbers in proptest::collection::vec(prop_oneof![Just(0.0), Just(-1.5), -1e9f64..1e9], 2..120),
        missing in proptest::collection::vec(any::<bool>(), 120),
        codes in proptest::collection::vec(0u32..9, 120),
        whole in proptest::collection::vec(prop_oneof![Just(0i64), -1_000_000_000i64..1_000_000_000, 0i64..5], 120),
    ) {
        let n = numbers.len();
        let table = Table::from_columns([
            Column::numbers("x", numbers.clone()).with_missing(missing[..n].to_vec()).unwrap(),
            Column::integers("k", whole[..n].to_vec()),
            Column::categories("c", codes[..n].to_vec(), (0..9).map(|level| format!("level {level}"))).unwrap().with_missing(missing[..n].iter().map(|m| !m).collect()).unwrap(),
        ]).unwrap();
        let Ok(encoding) = Encoding::fit(&table) else { return Ok(()) };
        let back = encoding.decode(&encoding.encode(&table, 3).unwrap(), 4).unwrap();
        for (row, x) in numbers.iter().enumerate() {
            match missing[row] {
                true => prop_assert!(back.missing(0).unwrap()[row] && back.row(row)[2] == f64::from(codes[row])),
                false => prop_assert!((back.row(row)[0] - x).abs() <= 1e-6 * x.abs().max(1.0), "{} for {}", back.row(row)[0], x),
            }
            prop_assert_eq!(back.integers(1).unwrap()[row], whole[row]);
        }
    }
}

#[test]
fn an_encoding_of_some_rows_takes_them_all() {
    // Beside the fitted rows: a level, a missing cell, a further number, and one beyond the range.
    let rows = 200usize;
    let rare = |i: usize, usual: i64, other: i64| if i == 150 { other } else { usual };
    let table = Table::from_columns([
        Column::categories("level", (0..rows).map(|i| rare(i, (i % 2) as i64, 2) as u32).collect(), ["a", "b", "c"]).unwrap(),
        Column::integers("two", (0..rows).map(|i| rare(i, (i % 2) as i64, 7)).collect()),
        Column::integers("more", (0..rows).map(|i| rare(i, (i * 37 % 101) as i64, 5000)).collect())
            .with_missing((0..rows).map(|i| i == 151).collect())
            .unwrap(),
    ])
    .unwrap();
    let fitted: Vec<usize> = (0..150).collect();
    let encoding = Encoding::fit_rows(&table, &fitted).unwrap();
    let numbers = encoding.encode(&table, 0).unwrap();
    let back = encoding.decode(&numbers, 0).unwrap();
    assert_eq!(back.levels(0).unwrap()[back.row(150)[0] as usize], "c");
    assert!(back.missing(2).unwrap()[151]);
    // What was fitted does not depend on the other rows: samples stay within the range of those that were.
    assert_eq!((back.row(150)[1], back.row(150)[2]), (1.0, 100.0));
    let of_the_fitted = Encoding::fit(&table.select_rows(&fitted)).unwrap();
    assert!(of_the_fitted.encode(&table, 0).unwrap_err().to_string().contains("training data did not have"));
}

#[test]
fn few_numbers_with_gaps_are_a_list() {
    let cycle = |values: &[i64]| (0..600).map(|i| values[i % values.len()]).collect::<Vec<i64>>();
    let scale: Vec<i64> = (1..=9).collect();
    let prices = [2_500, 7_500, 15_000, 35_000, 75_000, 125_000, 200_000];
    // The rare value comes in fewer than ten rows.
    let mut rare = cycle(&prices);
    rare[3] = 500_000;
    let columns = [("scale", cycle(&scale)), ("price", cycle(&prices)), ("rare", rare)];
    let table = Table::from_columns(columns.map(|(name, values)| Column::integers(name, values))).unwrap();
    let encoding = Encoding::fit(&table).unwrap();
    assert_eq!(encoding.names()[..4], ["scale", "price (bit 1)", "price (bit 2)", "price (bit 3)"]);
    assert!(encoding.names()[4..].contains(&"rare".to_string()));
    // Whatever a method draws is a price of the data.
    let width = encoding.names().len();
    let anywhere = (0..200 * width).map(|at| ((at * 7919) % 997) as f64 / 300.0 - 1.2).collect();
    let drawn = encoding.decode(&Table::new(encoding.names(), anywhere).unwrap(), 0).unwrap();
    assert!(drawn.integers(1).unwrap().iter().all(|price| prices.contains(price)));
}

#[test]
fn rare_levels_are_one_state_whose_samples_are_levels_as_often_as_they_come() {
    // Of the rare ones r1 has one row, r2 two and r3 three.
    let mut text = String::from("c,x\n");
    for (level, rows) in [("a", 60), ("b", 40), ("r1", 1), ("r2", 2), ("r3", 3)] {
        (0..rows).for_each(|i| text += &format!("{level},{}.5\n", i * 7 % 23));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rare.csv");
    std::fs::write(&path, text).unwrap();
    let source: Source = path.display().to_string().parse().unwrap();
    let load = |min_count| {
        let options = TypeOptions { min_count, ..TypeOptions::default() };
        source.load_typed(0, &LoadOptions::default(), &options).unwrap()
    };
    assert_eq!(Encoding::fit(&load(0)).unwrap().pooled(), []);
    let table = load(4);
    let encoding = Encoding::fit(&table).unwrap();
    assert_eq!((encoding.pooled(), encoding.widths()[0]), (vec![("c", 3)], ("c", 2)));
    // One level alone is a state of its own.
    assert_eq!(Encoding::fit(&load(2)).unwrap().pooled(), []);
    let (n, rare) = (7500, table.rows() - 1);
    let drawn = encoding.decode(&encoding.encode(&table.select_rows(&vec![rare; n]), 0).unwrap(), 5).unwrap();
    let levels = drawn.levels(0).unwrap();
    assert_eq!(levels, table.levels(0).unwrap(), "no word is made up");
    let count = |level: &str| drawn.column(0).filter(|code| levels[*code as usize] == level).count() as f64;
    // Half a row more for each: 1.5, 2.5 and 3.5 of 7.5.
    for (level, share) in [("a", 0.0), ("b", 0.0), ("r1", 0.2), ("r2", 1.0 / 3.0), ("r3", 7.0 / 15.0)] {
        let wanted = share * n as f64;
        assert!((count(level) - wanted).abs() <= 4.0 * (wanted * (1.0 - share)).sqrt(), "{level}: {} for {wanted}", count(level));
    }
    // The other rows come back as they were.
    let back = encoding.decode(&encoding.encode(&table, 0).unwrap(), 5).unwrap();
    assert!((0..100).all(|row| back.row(row) == table.row(row)));
    let text = serde_json::to_string(&encoding).unwrap();
    assert_eq!(serde_json::from_str::<Encoding>(&text).unwrap(), encoding);
}

/// A table of a file with this content.
fn read(content: &str) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, content).unwrap();
    path.display().to_string().parse::<Source>().unwrap().load_typed(0, &LoadOptions::default(), &TypeOptions::default()).unwrap()
}

/// Rows of numbers as a sampler with heavy tails draws them: quantiles of the Cauchy distribution, each column in another order.
fn cauchy(encoding: &Encoding, rows: usize) -> Table {
    let names = encoding.names();
    let value = |row: usize, j: usize| {
        let u = ((row * (2 * j + 1) * 389 + j * 71) % rows) as f64 + 0.5;
        0.5 + 2.0 * (std::f64::consts::PI * (u / rows as f64 - 0.5)).tan()
    };
    let values = (0..rows).flat_map(|row| (0..names.len()).map(move |j| value(row, j))).collect();
    Table::new(names, values).unwrap()
}

#[test]
fn constraints_of_the_data_hold_for_samples_however_heavy_their_tails() {
    // A count, amounts that are zero or positive, a share, indicators in numbers and in words, two flags that are none, a level.
    let mut text = String::from("count,amount,share,red,green,blue,is_a,is_b,u,v,level\n");
    let rows = 400;
    for i in 0..rows {
        let amount = if i % 3 == 0 { 0.0 } else { (i * 7919 % 400) as f64 / 8.0 };
        let color = [i % 5 == 0, i % 5 == 1, i % 5 > 1].map(u8::from);
        let [a, b] = if i % 7 < 3 { ["True", "False"] } else { ["False", "True"] };
        text += &format!(
            "{},{amount:.2},{:.3},{},{},{},{a},{b},{},{},{}\n",
            i * i % 23,
            ((i * 101) % 400) as f64 / 399.0,
            color[0],
            color[1],
            color[2],
            u8::from(i % 2 == 0),
            u8::from(i % 11 < 4),
            ["x", "y", "z"][i % 3]
        );
    }
    let table = read(&text);
    let encoding = Encoding::fit(&table).unwrap();
    let drawn = encoding.decode(&cauchy(&encoding, 2000), 1).unwrap();
    assert_eq!(drawn.columns(), table.columns());
    assert!(drawn.integers(0).unwrap().iter().all(|count| (0..=22).contains(count)));
    let (low, high) = (table.kinds()[1].min, table.kinds()[1].max);
    assert!(low == 0.0 && drawn.column(1).all(|amount| (low..=high).contains(&amount)), "not below zero, not above the data");
    assert!(drawn.column(1).any(|amount| amount == 0.0) && drawn.column(2).all(|share| (0.0..=1.0).contains(&share)));
    for row in 0..drawn.rows() {
        let ones = |columns: std::ops::Range<usize>| columns.filter(|&j| drawn.row(row)[j] == 1.0).count();
        assert_eq!((ones(3..6), ones(6..8)), (1, 1), "{:?}", drawn.row(row));
    }
    // What is no group has all four pairs.
    let pairs: std::collections::BTreeSet<String> =
        (0..drawn.rows()).map(|row| format!("{:?}", &drawn.row(row)[8..10])).collect();
    assert_eq!(pairs.len(), 4);
    // Rows of the data come back as they were, with noise within the cells, too.
    let numbers = encoding.encode(&table, 0).unwrap();
    assert_eq!(cells(&encoding.decode(&numbers, 0).unwrap()), cells(&table));
    let spacings = encoding.spacings();
    let noised = numbers.values().iter().enumerate().map(|(at, value)| {
        let noise = ((at * 7919) % 997) as f64 / 997.0 - 0.499;
        value + noise * spacings[at % spacings.len()]
    });
    let noised = Table::new(numbers.columns().iter().cloned(), noised.collect()).unwrap();
    assert_eq!(cells(&encoding.decode(&noised, 0).unwrap()), cells(&table));
    let text = serde_json::to_string(&encoding).unwrap();
    assert_eq!(serde_json::from_str::<Encoding>(&text).unwrap(), encoding);
}

#[test]
fn numbers_of_a_file_that_may_lie_anywhere_alone_need_no_encoding() {
    let column = |value: &dyn Fn(usize) -> String| format!("x\n{}", (0..300).map(|i| value(i) + "\n").collect::<String>());
    let uniform = |i: usize| (i as f64 * 0.618_033_988_749_894_9).fract();
    assert!(Encoding::is_needless(&read(&column(&|i| format!("{}", uniform(i))))));
    assert!(Encoding::is_needless(&read(&column(&|i| format!("{:.3}", uniform(i))))));
    for (what, value) in [
        ("whole numbers", &(|i: usize| (i % 40).to_string()) as &dyn Fn(usize) -> String),
        ("whole numbers with a point", &|i| format!("{}.0", i % 40)),
        ("zeros", &|i| if i % 3 == 0 { "0".into() } else { format!("{}", uniform(i)) }),
        ("heavy tails", &|i| format!("{}", (9.0 * uniform(i)).exp())),
        ("two values", &|i| ["0.5", "1.5"][i % 2].into()),
    ] {
        assert!(!Encoding::is_needless(&read(&column(value))), "{what}");
    }
}

#[test]
fn whole_numbers_that_no_double_holds_are_learned_exactly() {
    let far = 1_152_921_504_606_846_976i64;
    let text: String = (0..90).map(|i| format!("{},{}\n", far + i * i % 41, i % 7)).collect();
    let table = read(&format!("far,near\n{text}"));
    assert_eq!((table.column_type(0), table.describe()[0].distinct > 15), (ColumnType::Integer, true));
    let encoding = Encoding::fit(&table).unwrap();
    let back = encoding.decode(&encoding.encode(&table, 0).unwrap(), 0).unwrap();
    assert_eq!(back.integers(0), table.integers(0));
    let drawn = encoding.decode(&cauchy(&encoding, 500), 1).unwrap().integers(0).unwrap();
    assert!(drawn.iter().all(|value| (far..far + 41).contains(value)) && drawn.iter().any(|value| value % 2 == 1));
    // A condition of one value, too.
    let row = encoding.row(&[("far", &(far + 3).to_string()), ("near", "2")]).unwrap();
    assert_eq!(encoding.decode(&encoding.encode(&row, 0).unwrap(), 0).unwrap().integers(0), Some(vec![far + 3]));
}

#[test]
fn a_category_stays_where_all_are_rare() {
    let options = TypeOptions { min_count: 1000, ..TypeOptions::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("levels.csv");
    let rows: String = (0..60).map(|i| format!("{},{}\n", ["a", "a", "b", "c"][i % 4], (i as f64 * 0.618).fract())).collect();
    std::fs::write(&path, format!("level,x\n{rows}")).unwrap();
    let source: Source = path.display().to_string().parse().unwrap();
    let table = source.load_typed(0, &LoadOptions::default(), &options).unwrap();
    let encoding = Encoding::fit(&table).unwrap();
    assert_eq!((encoding.widths()[0], encoding.pooled()), (("level", 1), vec![("level", 2)]));
    assert_eq!(cells(&encoding.decode(&encoding.encode(&table, 0).unwrap(), 3).unwrap()).len(), 61);
}
