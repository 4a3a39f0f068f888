use pushforward::data::toy::Toy;
use pushforward::data::{Column, LoadOptions, Purpose, Table, by_weight, set_aside, split, subset};

use super::{load, names, read, sentence};

fn table(columns: &[&str], values: &[f32]) -> Table {
    Table::new(columns.iter().copied(), values.to_vec()).unwrap()
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    assert_eq!(sentence(Table::new(["a", "b"], vec![1.0; 3])), "3 values do not fill whole rows of 2 columns");
    assert_eq!(sentence(Table::new(["a", "a"], vec![1.0; 4])), "two columns are called `a`: rename one of them");
    assert_eq!(sentence(Table::new::<String, f64>(Vec::new(), vec![])), "a table needs at least one column");
    assert_eq!(
        sentence(table(&["a"], &[1.0, 2.0]).with_weights(vec![1.0])),
        "the table has 2 rows and 1 weight: give one weight per row"
    );
}

#[test]
fn rows_and_columns_are_where_they_should_be() {
    let table = table(&["a", "b", "c"], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).with_weights(vec![0.5, 1.0]).unwrap();
    assert_eq!((table.rows(), table.cols(), table.row(1)), (2, 3, &[4.0, 5.0, 6.0][..]));
    assert_eq!(table.column(1).collect::<Vec<_>>(), [2.0, 5.0]);
    let turned = table.select_rows(&[1, 0, 1]);
    assert_eq!((turned.column(0).collect::<Vec<_>>(), turned.weights()), (vec![4.0, 1.0, 4.0], Some(&[1.0, 0.5, 1.0][..])));
    let chosen = table.select_columns(&[2, 0]);
    assert_eq!((names(&chosen), chosen.values(), chosen.kinds()[0].max), (vec!["c", "a"], &[3.0, 1.0, 6.0, 4.0][..], 6.0));
    assert_eq!(Table::new::<_, f64>(["a"], vec![]).unwrap().column(0).len(), 0);
}

#[test]
fn columns_align_by_name_or_by_number() {
    let wanted = ["a".to_string(), "b".to_string()];
    let named = table(&["c", "b", "a"], &[1.0, 2.0, 3.0]);
    assert_eq!(named.align(&wanted).unwrap().values(), [3.0, 2.0]);
    assert_eq!(
        sentence(table(&["b", "aa"], &[1.0, 2.0]).align(&wanted)),
        "the table has no column `a` (did you mean `aa`?); its columns are `b` and `aa`"
    );
    let unnamed = Table::unnamed(2, vec![1.0, 2.0]).unwrap().align(&wanted).unwrap();
    assert_eq!((names(&unnamed), unnamed.values()), (vec!["a", "b"], &[1.0, 2.0][..]));
    assert!(
        sentence(Table::unnamed(3, vec![0.0; 3]).unwrap().align(&wanted))
            .contains("has 3 columns, and these are needed: `a` and `b`")
    );
}

#[test]
fn what_cannot_be_learned_from_is_refused_in_a_sentence() {
    read("a.csv", "a,b\n1,2\n2,3\n").unwrap().check_trainable().unwrap();
    let refused = |text: &str| sentence(read("a.csv", text).unwrap().check_trainable());
    assert_eq!(refused("a,b\n1,2\n"), "a.csv has one row: training needs at least two");
    assert_eq!(
        refused("a,b,c\n1,3,1\n2,3,1.5\n"),
        "column `b` of a.csv is constant (3 in all 2 rows): leave it out by choosing the others (`a` and `c`)"
    );
    assert_eq!(
        refused("a,b,c\n1,3,7\n2,3,7\n"),
        "column `b` of a.csv is constant (3 in all 2 rows), and so is 1 more: leave them out by choosing the others (`a`)"
    );
    assert!(refused("a\n3\n3\n").ends_with("there is nothing to learn here"));
    assert_eq!(
        sentence(table(&["a", "b"], &[1.0, 2.0, 3.0, f32::NAN]).check_trainable()),
        "column `b` of the table holds NaN in row 2 (of 2): remove the row or put a finite number there"
    );
    for toy in Toy::ALL {
        toy.sample(10, 0).check_trainable().unwrap();
    }
}

#[test]
fn the_hash_knows_names_values_order_and_weights_but_not_the_file() {
    let base = table(&["a", "b"], &[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(base.hash(), base.clone().from_origin("elsewhere.csv").hash());
    assert_eq!(base.hash(), read("a.csv", "a;b\n1;2\n3;4\n").unwrap().hash());
    assert_eq!(base.hash().len(), 64);
    let others = [
        table(&["a", "c"], &[1.0, 2.0, 3.0, 4.0]),
        table(&["ab", ""], &[1.0, 2.0, 3.0, 4.0]),
        table(&["a", "b"], &[1.0, 2.0, 4.0, 3.0]),
        table(&["a", "b"], &[1.0, 2.0, 3.0, -4.0]),
        table(&["a", "b"], &[1.0, 2.0]),
        base.clone().with_weights(vec![1.0, 1.0]).unwrap(),
    ];
    for other in &others {
        assert_ne!(base.hash(), other.hash());
    }
}

#[test]
fn names_in_sentences_end_after_twenty() {
    let wide = Table::new((0..64).map(|j| format!("pixel{j}")), vec![0.0; 64]).unwrap();
    let text = sentence(wide.align(&["label".to_string()]));
    assert!(text.ends_with("`pixel19` and 44 more"), "{text}");
}

#[test]
fn a_split_parts_the_rows_and_keeps_their_order() {
    let rows = 1000;
    let table = Table::new(["i"], (0..rows).map(|i| i as f32).collect()).unwrap();
    let table = table.with_weights((0..rows).map(|i| i as f32).collect()).unwrap();
    let (kept, held) = split(&table, 0.25, 3).unwrap();
    assert_eq!((kept.rows(), held.rows()), (750, 250));
    assert!(kept.values().is_sorted() && held.values().is_sorted());
    assert_eq!((kept.weights(), held.weights()), (Some(kept.single()), Some(held.single())));
    let mut all = [kept.values(), held.values()].concat();
    all.sort_by(f64::total_cmp);
    assert_eq!(all, table.values());
    assert_eq!(split(&table, 0.25, 3).unwrap().1, held);
    assert_ne!(split(&table, 0.25, 4).unwrap().1, held);
}

#[test]
fn every_row_is_held_out_equally_often() {
    // 2,000 splits of 10 rows, 3 held out: each count is binomial(2000, 0.3), standard deviation 20.5; 5 standard deviations.
    let table = Table::new(["i"], (0..10).map(|i| i as f32).collect()).unwrap();
    let mut counts = [0i32; 10];
    for seed in 0..2000 {
        for &row in split(&table, 0.3, seed).unwrap().1.values() {
            counts[row as usize] += 1;
        }
    }
    assert!(counts.iter().all(|count| (count - 600).abs() < 103), "{counts:?}");
}

#[test]
fn subsets_are_random_and_rows_without_weight_are_never_set_aside() {
    let table = Table::new(["i"], (0..1000).map(|i| i as f32).collect()).unwrap();
    let some = subset(&table, 100, 1);
    assert!(some.rows() == 100 && some.values().is_sorted() && some != subset(&table, 100, 2));
    // A uniform mean of 100 of 1,000: standard deviation 27.
    let mean = some.values().iter().sum::<f64>() / 100.0;
    assert!((mean - 499.5).abs() < 135.0, "{mean}");
    assert_eq!(subset(&table, 1000, 1), table);
    // One seed gives each purpose rows of its own.
    let [test, validation] = [Purpose::Test, Purpose::Validation].map(|of| set_aside(&table, 100, 1, of).unwrap().1);
    assert_ne!(test, validation);
    let weighted = table.clone().with_weights((0..1000).map(|i| if i < 50 { 1.0 } else { 0.0 }).collect()).unwrap();
    for seed in 0..20 {
        let (kept, aside) = split(&weighted, 0.2, seed).unwrap();
        assert_eq!((kept.rows(), aside.rows()), (990, 10));
        assert!(aside.values().iter().all(|&i| i < 50.0));
    }
    let none = table.with_weights((0..1000).map(|i| if i == 3 { 1.0 } else { 0.0 }).collect()).unwrap();
    assert!(sentence(split(&none, 0.2, 0)).contains("1 row with weight"));
}

#[test]
fn rows_drawn_by_weight_are_as_many_as_leave_none_twice() {
    // Weights 3 and 1 in turn: (200·3 + 200)/3 = 266 rows, of which three quarters are even: 1 and ⅓ of each row.
    let weights = (0..400).map(|i| if i % 2 == 0 { 3.0 } else { 1.0 }).collect();
    let table = Table::new(["i"], (0..400).map(|i| i as f32).collect()).unwrap().with_weights(weights).unwrap();
    let drawn = by_weight(&table, 1000, 5);
    assert!(drawn.weights().is_none() && drawn.rows() == 266);
    let times = |i: usize| drawn.values().iter().filter(|&&v| v == i as f64).count();
    assert!((0..400).all(|i| times(i) <= 1));
    let even = drawn.values().iter().filter(|v| *v % 2.0 == 0.0).count();
    // Each even row has a due of 0.9975.
    assert!((195..=200).contains(&even), "{even}");
    // Where that would be few, rows come again: weights 9 and 99 times 1 make (9 + 99)²/(81 + 99) = 65 rows, and 12 that are distinct.
    let one = |i: usize| if i == 7 { 9.0 } else { 1.0 };
    let few = table.clone().select_rows(&(0..100).collect::<Vec<_>>()).with_weights((0..100).map(one).collect()).unwrap();
    let drawn = by_weight(&few, 1000, 5);
    let heavy = drawn.values().iter().filter(|&&v| v == 7.0).count();
    assert!(drawn.rows() == 65 && (5..=6).contains(&heavy), "{} {heavy}", drawn.rows());
    // Equal weights are none.
    let equal = table.with_weights(vec![0.5; 400]).unwrap();
    assert_eq!(by_weight(&equal, 1000, 5).values(), equal.values());
    assert_eq!(by_weight(&equal, 100, 5).rows(), 100);
}

#[test]
fn splits_keep_at_least_a_row_on_each_side() {
    let two = table(&["a"], &[1.0, 2.0]);
    for share in [0.001, 0.5, 0.999] {
        let (kept, held) = split(&two, share, 0).unwrap();
        assert_eq!((kept.rows(), held.rows()), (1, 1));
    }
    for share in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        assert!(sentence(split(&two, share, 0)).contains("give a number above 0 and below 1"));
    }
    assert!(sentence(split(&table(&["a"], &[1.0]), 0.5, 0)).contains("needs at least two"));
}

#[test]
fn weights_are_no_column_of_the_data() {
    let weighted = LoadOptions { weights: Some("wieght".into()), ..Default::default() };
    assert!(sentence(load("a.csv", "a,weight\n1,1\n", &weighted)).contains("did you mean `weight`?"));
}

#[test]
fn typed_columns_keep_whole_numbers_levels_and_missing_cells() {
    let beyond = (1_i64 << 53) + 1;
    let typed = Table::from_columns([
        Column::integers("id", vec![beyond, 2, 3, i64::MIN]),
        Column::categories("country", vec![1, 0, 1, 1], ["FR", "NA"]).unwrap(),
        Column::numbers("height", vec![1.5, 0.0, -2.5, 1e-7]).with_missing(vec![false, true, false, false]).unwrap(),
    ])
    .unwrap();
    assert_eq!(typed.integers(0).unwrap(), [beyond, 2, 3, i64::MIN]);
    assert_eq!(
        (typed.levels(1).unwrap(), typed.missing(2).unwrap()),
        (&["FR".into(), "NA".into()][..], &[false, true, false, false][..])
    );
    assert!(typed.row(1)[2].is_nan() && typed.integers(2).is_none() && typed.levels(0).is_none() && typed.missing(0).is_none());
    // Rows and columns that are chosen keep them, too.
    let chosen = typed.select(["height", "id"]).unwrap().select_rows(&[3, 0]);
    assert_eq!((chosen.integers(1).unwrap(), chosen.missing(0)), (vec![i64::MIN, beyond], None));
    assert_eq!(typed, typed.clone());
    assert_ne!(typed.hash(), typed.select(["id", "country"]).unwrap().hash());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typed.csv");
    typed.write(&path).unwrap();
    let text = "id,country,height\n9007199254740993,NA,1.5\n2,FR,\n3,NA,-2.5\n-9223372036854775808,NA,1e-7\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // Doubles hold these whole numbers: no more is kept than they.
    let small = Table::from_columns([Column::integers("n", vec![1, -5])]).unwrap();
    assert_eq!((small.integers(0).unwrap(), small.values()), (vec![1, -5], &[1.0, -5.0][..]));
    small.check_trainable().unwrap();
}

#[test]
fn typed_columns_that_are_wrong_are_refused() {
    assert!(
        sentence(Column::categories("c", vec![0, 2], ["a", "b"]))
            .contains("row 2 of column `c` has the code 2, and it has 2 levels")
    );
    assert!(sentence(Column::categories("c", vec![0], ["a", "a"])).contains("two levels of column `c` are called `a`"));
    assert!(sentence(Column::numbers("n", vec![1.0]).with_missing(vec![])).contains("give one per row"));
    let columns = || [Column::numbers("n", vec![1.0, 2.0]), Column::categories("c", vec![0, 1], ["a", "b"]).unwrap()];
    assert!(sentence(Table::from_columns([columns()[0].clone(), Column::integers("m", vec![1])])).contains("`m` has 1"));
    let mixed = Table::from_columns(columns()).unwrap();
    assert!(
        sentence(mixed.check_trainable())
            .contains("column `c` of the table has categories, and methods learn from numbers alone")
    );
    if cfg!(feature = "npy") {
        let folder = tempfile::tempdir().unwrap();
        assert!(sentence(mixed.write(folder.path().join("a.npy"))).contains("write a .csv"));
    }
    let holes = Column::numbers("n", vec![1.0, 2.0]).with_missing(vec![true, false]).unwrap();
    assert!(sentence(Table::from_columns([holes]).unwrap().check_trainable()).contains("has missing cells"));
}
