//! Columns of a file with their types.

use pushforward::Result;
use pushforward::data::{ColumnType, LoadOptions, Source, Table, TypeOptions, as_numbers};

use super::sentence;

fn load(name: &str, content: impl AsRef<[u8]>, types: &TypeOptions) -> Result<Table> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string().parse::<Source>()?.load_typed(0, &LoadOptions::default(), types)
}

fn usual(content: &str) -> Table {
    load("a.csv", content, &TypeOptions::default()).unwrap()
}

fn types(table: &Table) -> Vec<ColumnType> {
    (0..table.cols()).map(|j| table.column_type(j)).collect()
}

const PASSENGERS: &str = "\u{feff}id,name,sex,age,fare,embarked,alive,born,deck,ship
1,\"Braund, Owen\",male,22,7.25,S,no,1890-01-01,,Titanic
2,\"Cumings, \"\"Florence\"\"\",female,38,71.2833,C,yes,1874-05-30,C85,Titanic
3,\"Heikkinen
Laina\",female,,7.925,S,yes,1886-11-11,NA,Titanic
4,Allen,male,35,8.05,Q,no,1877-02-28,C85,Titanic
";

#[test]
fn every_column_has_the_type_that_its_cells_show() {
    use ColumnType::*;
    let table = usual(PASSENGERS);
    assert_eq!(types(&table), [Integer, Category, Category, Integer, Number, Category, Boolean, Date, Category, Constant]);
    assert_eq!(table.levels(5).unwrap(), ["C", "Q", "S"]);
    assert_eq!(table.column(5).collect::<Vec<_>>(), [2.0, 0.0, 2.0, 1.0]);
    assert_eq!(table.missing(3).unwrap(), [false, false, true, false]);
    assert_eq!(table.missing(8).unwrap(), [true, false, true, false]);
    assert_eq!(table.number_form(4).unwrap().decimals, Some(4));
    // From twenty rows on, texts that are all distinct and numbers that count up are identifiers.
    let long: String = (0..30).map(|i| format!("{},name {i},{}\n", i + 7, i % 3)).collect();
    assert_eq!(types(&usual(&format!("id,name,class\n{long}"))), [Identifier, Identifier, Integer]);
}

#[test]
fn what_was_read_is_written_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.csv");
    usual(PASSENGERS).write(&path).unwrap();
    let missing_as_empty = PASSENGERS.trim_start_matches('\u{feff}').replace(",NA,", ",,");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), missing_as_empty);
}

#[test]
fn decimal_commas_are_read_where_fields_are_parted_by_semicolons() {
    let table = usual("a;b\n1,5;x\n-2,25;y\n3;x\n");
    assert_eq!((types(&table), table.row(1)[0]), (vec![ColumnType::Number, ColumnType::Category], -2.25));
    assert_eq!(table.number_form(0).unwrap().decimals, Some(2));
    let folder = tempfile::tempdir().unwrap();
    table.write(folder.path().join("c.csv")).unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("c.csv")).unwrap(), "a;b\n1,5;x\n-2,25;y\n3;x\n");
}

#[test]
fn an_encoding_keeps_how_a_file_is_written() {
    use pushforward::data::Encoding;
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("a.csv", "a;b\n1,5;0,25\n-2,25;1\n3;7,5\n"), ("a.txt", "a\tb\n1.5\tx\n-2.25\ty\n3\tx\n")] {
        let table = load(name, content, &TypeOptions::default()).unwrap();
        assert!(!Encoding::is_needless(&table), "no plain numbers have decimal commas");
        let encoding = Encoding::fit(&table).unwrap();
        let back = encoding.decode(&encoding.encode(&table, 0).unwrap(), 0).unwrap();
        let written = |name: &str| {
            let path = folder.path().join(name);
            back.write(&path).unwrap();
            std::fs::read_to_string(path).unwrap()
        };
        assert_eq!(written("b.csv"), content);
        // An ending that says what parts its fields is taken at its word.
        assert_eq!(written("b.tsv"), content.replace(';', "\t"));
    }
}

#[test]
fn quotes_and_the_word_for_a_missing_cell_are_kept() {
    use pushforward::data::Encoding;
    let folder = tempfile::tempdir().unwrap();
    for content in [
        // As R writes it, with a text that needs its quotes, and one that has some.
        "\"name\",\"x\",\"day\"\n\"a\",1.5,\"2012-01-01\"\n\"b, c\",NA,\"2012-01-02\"\n\"say \"\"b\"\"\",2.5,NA\n",
        // As pandas does with QUOTE_ALL.
        "\"name\",\"x\"\n\"a\",\"1\"\n\"b\",\"\"\n\"a\",\"3\"\n",
        // Decimal commas need quotes where commas part the fields, whatever the others have.
        "\"name\";\"x\"\n\"a;b\";1,5\n\"b\";-\n\"c\";-\n",
        "name,x\na,1\n\"b, c\",2\nc,\n",
        // A word is kept where it is the most frequent one.
        "name,x\na,null\nNA,2\nNA,4\nc,NA\n",
    ] {
        let table = usual(content);
        let encoding = Encoding::fit(&table).unwrap();
        let back = encoding.decode(&encoding.encode(&table, 0).unwrap(), 0).unwrap();
        for table in [table, back] {
            let path = folder.path().join("b.csv");
            table.write(&path).unwrap();
            assert_eq!(std::fs::read_to_string(path).unwrap(), content.replace("null", "NA"));
        }
        // The same through a model's file.
        let text = serde_json::to_string(&encoding).unwrap();
        assert_eq!(serde_json::from_str::<Encoding>(&text).unwrap(), encoding);
    }
}

#[test]
fn a_file_whose_cells_are_filled_keeps_its_quotes() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    for content in ["\"a\",\"b\"\n\"x, y\",1.50\n\"z\",2\n", "\"a\",\"b\"\n\"x\",\"1\"\n\"z\",\"2\"\n", "a,b\n\"x, y\",1\nz,2\n"]
    {
        std::fs::write(&path, content).unwrap();
        let filled = usual(content).write_filled(&path, &TypeOptions::default(), &out).unwrap();
        assert_eq!((filled, std::fs::read_to_string(&out).unwrap().as_str()), (0, content));
    }
}

#[test]
fn numbers_with_signs_are_text_with_a_remedy_until_they_are_asked_for() {
    let content = "price,share\n\"$1,200\",5%\n$15,7.5%\n$15,5%\n";
    let table = usual(content);
    assert_eq!(types(&table), [ColumnType::Category; 2]);
    assert!(table.notes().iter().any(|note| note.contains("`price`") && note.contains("such as $1,234:")), "{:?}", table.notes());
    let number = |name: &str| (name.to_string(), ColumnType::Number);
    let asked = TypeOptions { types: [number("price"), number("share")].into(), ..TypeOptions::default() };
    let table = load("a.csv", content, &asked).unwrap();
    assert_eq!(table.values(), [1200.0, 5.0, 15.0, 7.5, 15.0, 5.0]);
}

#[test]
fn signs_separators_and_slips_have_a_named_remedy() {
    let numbers = |odd: &str| format!("x\n{}{odd}\n", "5\n6\n".repeat(20));
    let refused = |odd: &str| sentence(load("a.csv", numbers(odd), &TypeOptions::default()));
    let held = |odd: &str| {
        format!("column `x` of a.csv holds `{odd}` in row 41 (of 41), line 42, which is not a number as its other cells are: ")
    };
    assert_eq!(
        refused("\"1,204\""),
        held("1,204") + "correct the cell, or ask for the type `number` (--type x=number), which reads thousands separators"
    );
    assert_eq!(
        refused("unknown"),
        held("unknown") + "correct the cell, name it as a missing value (--missing unknown), or ask for the type `category`"
    );
    assert_eq!(refused("$12"), held("$12") + "write the number without signs and separators, or ask for the type `category`");
    let dots = usual(&format!("x\n{}", "5\n6\n.\n".repeat(20)));
    assert!(
        dots.notes()[0].ends_with(
            "20 of its 60 cells hold `.` and the others numbers: name it if it stands for a missing value (--missing .)"
        )
    );
    let remedy = |cell: &str| {
        let table = usual(&format!("x,y\n\"{cell}\",1\n\"{cell}\",2\n"));
        let note = table.notes().iter().find_map(|note| note.split_once("--type x=number), which reads "));
        note.unwrap_or_else(|| panic!("{cell}: {:?}", table.notes())).1.to_string()
    };
    assert_eq!(remedy("1,204"), "thousands separators");
    assert_eq!(remedy("12.5%"), "percent signs");
    assert_eq!(remedy("-€ 12"), "signs of currency");
    assert_eq!(remedy("1 204,50 CHF"), "decimal commas and thousands separators and signs of currency");
    assert_eq!(remedy("(1,204)"), "thousands separators and negative numbers in parentheses");
    let dates = "d\n2012-01-01\n2012-01-02\n\n2012-13-01\n";
    assert!(sentence(load("a.csv", dates, &TypeOptions::default())).starts_with(
        "column `d` of a.csv holds `2012-13-01` in row 3 (of 3), line 5, which is not a date as its other cells are"
    ));
}

#[test]
fn a_column_that_is_not_what_is_asked_for_is_refused() {
    use ColumnType::*;
    let refused = |ty, cells: &[&str]| {
        let asked = TypeOptions { types: [("a".to_string(), ty)].into(), ..TypeOptions::default() };
        let text: String = cells.iter().map(|cell| format!("\"{cell}\",1\n")).collect();
        let said = sentence(load("a.csv", format!("a,b\n{text}"), &asked));
        said.strip_prefix("column `a` of a.csv holds ").unwrap_or_else(|| panic!("{said}")).to_string()
    };
    let date = "which is no date such as";
    for (ty, cells, wanted) in [
        (Date, &["u", "v"][..], format!("`u` in row 1 (of 2), line 2, {date} 1970-01-01:")),
        (Date, &["2012", "2013"], format!("`2012` in row 1 (of 2), line 2, {date} 1970-01-01:")),
        (Date, &["2012-01-01", "01.02.2012", "2012-01-03"], format!("`01.02.2012` in row 2 (of 3), line 3, {date} 1970-01-01:")),
        (Date, &["01.02.2012", "u", "v", "w", "x"], format!("`u` in row 2 (of 5), line 3, {date} 01.01.1970:")),
        (Date, &["5", "2012-01-01"], format!("`5` in row 1 (of 2), line 2, {date} 1970-01-01:")),
        (Integer, &["1", "2.5"], "`2.5` in row 2 (of 2), line 3, which is no integer".into()),
        (Integer, &["1", "12345678901234567890"], "`12345678901234567890` in row 2 (of 2), line 3, which is no integer".into()),
        (Number, &["$5", "€5"], "`€5` in row 2 (of 2), line 3, which is no number such as $1234: ".into()),
        (Number, &["5", "6", "$5"], "`$5` in row 3 (of 3), line 4, which is no number".into()),
        (Boolean, &["u", "v", "u", "w"], "`w` in row 4 (of 4), line 5, which is a third value beside `u` and `v`".into()),
        (Constant, &["u", "u", "w"], "`w` in row 3 (of 3), line 4, and `u` above it: a constant has one value; ask".into()),
    ] {
        let said = refused(ty, cells);
        assert!(said.starts_with(&wanted) && said.contains(": "), "{ty:?} {cells:?}: {said}");
    }
}

#[test]
fn whole_numbers_may_be_written_with_a_point() {
    let asked = |ty| TypeOptions { types: [("a".to_string(), ty)].into(), ..TypeOptions::default() };
    let table = load("a.csv", "a,b\n2007.0,1\n2008,2\n,3\n", &asked(ColumnType::Integer)).unwrap();
    assert_eq!((&table.integers(0).unwrap()[..2], table.missing(0)), (&[2007, 2008][..], Some(&[false, false, true][..])));
}

#[test]
fn digits_beyond_all_numbers_are_text() {
    let table = usual("a,b\n36893488147419103232,1\n36893488147419103233,2\n36893488147419103232,1\n");
    assert_eq!(table.levels(0).unwrap(), ["36893488147419103232", "36893488147419103233"]);
    assert!(table.notes().iter().any(|note| note.contains("(--type a=number) if it measures something")), "{:?}", table.notes());
}

#[test]
fn missing_words_and_types_can_be_named() {
    let content = "country,code\nNA,1\nFR,999\nNA,2\n";
    assert_eq!(usual(content).missing(0).unwrap(), [true, false, true]);
    let own = TypeOptions {
        missing: Some(vec!["999".into()]),
        types: [("code".to_string(), ColumnType::Category)].into(),
        min_count: 0,
    };
    let table = load("a.csv", content, &own).unwrap();
    assert_eq!((table.missing(0), table.missing(1).unwrap()), (None, &[false, true, false][..]));
    assert_eq!(
        (table.levels(0).unwrap(), table.levels(1).unwrap()),
        (&["FR".into(), "NA".into()][..], &["1".into(), "2".into()][..])
    );
}

#[test]
fn levels_do_not_depend_on_the_order_of_the_rows() {
    let [a, b] = [usual("a,b\nx,1\ny,2\nz,3\n"), usual("a,b\nz,3\nx,1\ny,2\n")];
    assert_eq!(a.levels(0), b.levels(0));
    assert_eq!(a.row(2), b.row(0));
}

#[test]
fn a_cell_of_another_type_is_named_with_its_row() {
    let asked = |ty| TypeOptions { types: [("a".to_string(), ty)].into(), ..TypeOptions::default() };
    let refused = |ty, content: &str| sentence(load("a.csv", content, &asked(ty)));
    assert!(refused(ColumnType::Integer, "a,b\n1,1\n2.5,1\n").contains("column `a`"));
    assert!(
        refused(ColumnType::Integer, "a,b\n1,1\n2.5,1\n").contains("holds `2.5` in row 2 (of 2), line 3, which is no integer")
    );
    assert!(refused(ColumnType::Number, "a,b\n1,1\nx,1\n").contains("holds `x` in row 2 (of 2), line 3, which is no number"));
    assert!(sentence(load("a.csv", "a,b\n1\n", &TypeOptions::default())).contains("row 1 (of 1)"));
    assert!(sentence(load("a.csv", "b\n1\n", &asked(ColumnType::Integer))).contains("no column `a`"));
    assert!(sentence(load("a.csv", "a,b\n", &TypeOptions::default())).contains("holds no rows"));
}

#[test]
fn a_file_of_numbers_read_with_types_is_the_table_that_a_reader_of_numbers_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let numbers = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let source: Source = path.display().to_string().parse().unwrap();
        let typed = source.load_typed(0, &LoadOptions::default(), &TypeOptions::default()).unwrap();
        (as_numbers(&typed), source.load(0, &LoadOptions::default()).ok())
    };
    let (own, plain) = numbers("a;b;c\n1;-2.50;3\n4;5e-3;+7\n-9;0.25;8\n");
    assert!(own.is_some() && own == plain, "{own:?} {plain:?}");
    let (own, plain) = numbers("1,2\n3,4.5\n1,2\n");
    assert!(own.is_some() && own == plain, "{own:?} {plain:?}");
    // Whole numbers that doubles do not hold have a note, missing cells and words another reader.
    for other in ["a,b\n9007199254740993,1\n2,3\n5,5\n", "a,b\n1,\n2,3\n2,4\n", "a,b\nx,1\ny,2\nx,3\n"] {
        assert_eq!(numbers(other).0, None, "{other}");
    }
}
