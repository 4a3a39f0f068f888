//! `impute`, and samples of which any columns are given.

use super::{Desk, TINY};

/// People: a code with leading zeros, a category, a number with its own decimals, a whole number, dates; some cells are missing by several words.
fn people(rows: usize) -> String {
    let mut text = String::from("code;city;height;age;joined;note\n");
    for i in 0..rows {
        let city = if i % 6 == 5 { "NA" } else { ["Bern", "Chur", "\"Biel; Bienne\""][i % 3] };
        let height = if i % 7 == 3 { String::new() } else { format!("{:.2}", 150.0 + (i * 37 % 50) as f64 / 1.7) };
        let age = if i % 5 == 0 { "-".into() } else { format!("{}", 20 + i * 13 % 41) };
        text += &format!("A{i:03};{city};{height};{age};20{:02}-0{}-1{};x\n", i % 20, i % 9 + 1, i % 10);
    }
    text
}

fn cells(text: &str) -> Vec<Vec<String>> {
    let fields = |line: &str| line.replace("\"Biel; Bienne\"", "Biel").split(';').map(String::from).collect();
    text.lines().map(fields).collect()
}

#[test]
fn missing_cells_are_filled_and_the_others_keep_their_characters() {
    let desk = Desk::new();
    desk.file("people.csv", people(120));
    desk.works(&format!("train energy --data people.csv --out run --steps 20 {TINY} --set impute=true"));
    let ended = desk.run("impute run --data people.csv --out filled.csv");
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(ended.err.contains("of 120 rows in filled.csv"), "{}", ended.err);
    let (own, filled) = (cells(&people(120)), cells(&desk.text("filled.csv")));
    assert_eq!(own.len(), filled.len());
    for (own, filled) in own.iter().zip(&filled) {
        for (j, (own, filled)) in own.iter().zip(filled).enumerate() {
            let fits = match (own.as_str(), j) {
                ("NA", 1) => ["Bern", "Chur", "Biel"].contains(&filled.as_str()),
                ("", 2) => {
                    let decimals = filled.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                    filled.parse().is_ok_and(|height: f64| (150.0..=179.0).contains(&height)) && decimals <= 2
                }
                ("-", 3) => filled.parse().is_ok_and(|age: i64| (20..=60).contains(&age)),
                _ => own == filled,
            };
            assert!(fits, "{own} became {filled}");
        }
    }
    // Draws differ, the first is that of the seed, and one without missing cells is the file itself.
    desk.works("impute run --data people.csv --out draw.csv --draws 2");
    assert_eq!(desk.text("draw-1.csv"), desk.text("filled.csv"));
    assert_ne!(desk.text("draw-2.csv"), desk.text("filled.csv"));
    desk.works("impute run --data people.csv --out second.csv --seed 1");
    assert_eq!(desk.text("draw-2.csv"), desk.text("second.csv"));
    let ended = desk.run("impute run --data filled.csv --out again.csv");
    assert!(ended.err.contains("filled 0 cells"), "{}", ended.err);
    assert_eq!(desk.text("again.csv"), desk.text("filled.csv"));
    // A few rows in an order of columns of their own, one of them empty but for a column that the model does not know.
    desk.file("few.csv", "age,extra,joined,height,city,code\n31, y ,2011-02-13,,Chur,7\n,z,,,,8\n");
    let ended = desk.run("impute run --data few.csv --out out.csv");
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(ended.err.contains("the model does not know extra"), "{}", ended.err);
    let out = desk.text("out.csv");
    assert!(out.starts_with("age,extra,joined,height,city,code\n31, y ,2011-02-13,1"), "{out}");
    assert!(out.lines().count() == 3 && !out.contains(",,"), "{out}");

    // As pandas writes whole numbers beside missing ones.
    desk.file("floats.csv", "age,joined,height,city\n31.0,2011-02-13,150,Chur\n,2011-02-13,150,Chur\n");
    desk.works("impute run --data floats.csv --out out.csv");
    let out = desk.text("out.csv");
    let age = out.lines().nth(2).and_then(|line| line.split(',').next()).unwrap();
    assert!(age.ends_with(".0") && age.parse().is_ok_and(|age: f64| (20.0..=60.0).contains(&age)), "{out}");

    desk.file("lacking.csv", "age,height,city\n31,,Chur\n");
    desk.fails("impute run --data lacking.csv --out o.csv", 1, &["has no column `joined`", "with empty cells"]);
    desk.file("unseen.csv", "age,height,city,joined\n31,,Churr,2011-02-13\n");
    desk.fails("impute run --data unseen.csv --out o.csv", 1, &["holds `Churr` in row 1", "did you mean `Chur`?"]);
    desk.fails("impute run --data people.csv --out people.csv", 2, &["people.csv"]);
    desk.fails("impute run --data few.csv --out few.csv", 2, &["is the file to fill in"]);
    desk.fails("impute run --data few.csv#age --out o.csv", 2, &["leave out the columns"]);
    desk.fails("impute run --data toy:moons --out o.csv", 2, &["no missing cells"]);
    desk.works(&format!("train energy --data people.csv --out plain --steps 5 {TINY}"));
    desk.fails("impute plain --data people.csv --out o.csv", 2, &["--set impute=true"]);
    desk.fails("sample plain --given age=3 --out o.csv", 2, &["--set impute=true"]);
}

#[test]
fn any_columns_are_given_at_sampling() {
    let desk = Desk::new();
    desk.file("people.csv", people(120));
    desk.works(&format!("train flow-matching --data people.csv --out run --steps 20 {TINY} --set impute=true"));
    let column = |file: &str, name: &str| {
        let rows = cells(&desk.text(file));
        let at = rows[0].iter().position(|column| *column == name).unwrap();
        rows[1..].iter().map(|row| row[at].clone()).collect::<Vec<_>>()
    };
    desk.works("sample run --given city=Chur -n 10 --out a.csv");
    assert_eq!(column("a.csv", "city"), ["Chur"; 10]);
    assert_eq!(desk.text("a.csv").lines().next(), Some("code;city;height;age;joined;note"));
    desk.works("sample run --given age=44 --given city= -n 3 --out b.csv");
    // As the file writes a missing cell.
    assert_eq!((column("b.csv", "age"), column("b.csv", "city")), (vec!["44".to_string(); 3], vec!["-".to_string(); 3]));
    desk.file("rows.csv", "joined,height\n2011-02-13,151.5\n2004-05-14,170.25\n");
    desk.works("sample run --given rows.csv -n 2 --out c.csv");
    assert_eq!(column("c.csv", "height"), ["151.5", "151.5", "170.25", "170.25"]);
    desk.works("sample run -n 7 --out d.csv");
    assert_eq!(column("d.csv", "city").len(), 7);
    desk.fails("sample run --given cty=Chur -n 1 --out e.csv", 2, &["no column `cty` (did you mean `city`?)"]);
    desk.fails("sample run --given city=Zug -n 1 --out e.csv", 2, &["is not a category of `city`"]);
    desk.file("other.csv", "weight\n1\n2\n");
    desk.fails("sample run --given other.csv -n 1 --out e.csv", 2, &["has a column `weight`"]);
    desk.fails("sample run --given note=x -n 1 --out e.csv", 2, &["nothing is learned given `note`"]);
}

#[test]
fn numbers_alone_are_imputed_as_they_are_written() {
    let desk = Desk::new();
    let rows: String = (0..90).map(|i| format!("{},{:.1}\n", i * 7 % 23, (i * 13 % 31) as f64 / 2.0)).collect();
    desk.file("a.csv", format!("n,x\n{rows}"));
    desk.works(&format!("train energy --data a.csv --out run --steps 20 {TINY} --set impute=true"));
    desk.file("holes.csv", "n,x\n3,\n,2.5\nnan,?\n");
    desk.works("impute run --data holes.csv --out filled.csv");
    let filled = desk.text("filled.csv");
    let rows: Vec<Vec<&str>> = filled.lines().map(|line| line.split(',').collect()).collect();
    assert!(rows[1][0] == "3" && rows[2][1] == "2.5");
    assert!([rows[2][0], rows[3][0]].iter().all(|cell| cell.parse::<i64>().is_ok_and(|n| (0..23).contains(&n))), "{filled}");
    assert!([rows[1][1], rows[3][1]].iter().all(|cell| cell.parse::<f64>().is_ok_and(|x| (x * 2.0).fract() == 0.0)), "{filled}");
    // A toy distribution, too, and a run goes on.
    desk.works(&format!("train energy --data toy:moons:200 --out moons --steps 10 {TINY} --set impute=true"));
    desk.works("sample moons --given x=1 -n 5 --out m.csv");
    desk.works(&format!("train energy --data toy:moons:200 --out moons --steps 20 {TINY} --resume"));
    desk.fails(
        &format!("train energy --data a.csv --out c --condition n {TINY} --set impute=true"),
        2,
        &["leave out the conditioning columns"],
    );
    desk.fails("tour --data a.csv --set impute=true --out tour", 2, &["leave out `impute`"]);
}
