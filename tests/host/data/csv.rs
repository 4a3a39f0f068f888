use pushforward::data::{LoadOptions, Table};

use super::{load, names, read, sentence};

#[test]
fn a_header_is_found_or_its_absence() {
    let table = read("a.csv", "age,height\n36,1.65\n41,1.5\n").unwrap();
    assert_eq!((names(&table), table.rows(), table.has_header()), (vec!["age", "height"], 2, true));
    assert_eq!(table.values(), [36.0, 1.65, 41.0, 1.5]);
    assert!(table.kinds()[0].integer && !table.kinds()[1].integer);
    assert_eq!((table.kinds()[0].min, table.kinds()[0].max), (36.0, 41.0));

    let table = read("a.csv", "36,1.65\n41,1.5").unwrap();
    assert_eq!((names(&table), table.rows(), table.has_header()), (vec!["x0", "x1"], 2, false));
}

#[test]
fn a_header_of_years_can_be_forced() {
    let text = "2019,2020\n1,2\n3,4\n";
    let forced = LoadOptions { header: Some(true), ..Default::default() };
    let table = load("a.csv", text, &forced).unwrap();
    assert_eq!((names(&table), table.rows()), (vec!["2019", "2020"], 2));
    assert_eq!(read("a.csv", text).unwrap().rows(), 3);
    let never = LoadOptions { header: Some(false), ..Default::default() };
    assert!(
        sentence(load("a.csv", "a,b\n1,2\n", &never))
            .starts_with("column `x0` of a.csv holds `a`, which is not a number, in row 1 (of 2), line 1:")
    );
}

#[test]
fn quotes_carriage_returns_byte_order_mark_and_blanks() {
    let table = read("a.csv", "\u{feff}\"height, in m\" ,\"say \"\"age\"\"\"\r\n\" 1.5\",36\r\n\r\n 1.25 , +4e1\r\n").unwrap();
    assert_eq!(names(&table), ["height, in m", "say \"age\""]);
    assert_eq!(table.values(), [1.5, 36.0, 1.25, 40.0]);
}

#[test]
fn old_line_ends_and_no_line_end() {
    assert_eq!(read("a.csv", "a,b\r1,2\r3,4").unwrap().values(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn the_delimiter_is_found() {
    for text in ["a;b\n1;2\n3;4\n", "a\tb\n1\t2\n3\t4\n", "\"a;,\t\";b\n1;2\n3;4\n"] {
        assert_eq!(read("a.csv", text).unwrap().values(), [1.0, 2.0, 3.0, 4.0], "{text:?}");
    }
    // As Excel says it where commas are decimal marks, and bars, unless commas part the fields as well.
    assert_eq!(read("a.csv", "sep=;\r\na;b\r\n1;2\r\n3;4\r\n").unwrap().values(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(read("a.csv", "a|b\n1|2\n3|4\n").unwrap().values(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(names(&read("a.csv#b", "a|c,b\nx|y,2\nu|v,4\n").unwrap()), ["b"]);
    // A semicolon in one name does not make it the delimiter.
    assert_eq!(names(&read("a.csv", "price (USD; EUR),b\n1,2\n3,4\n").unwrap()), ["price (USD; EUR)", "b"]);
    // A single column has none.
    assert_eq!(read("a.csv", "a\n1\n2\n").unwrap().cols(), 1);
}

#[test]
fn columns_are_chosen_by_name_or_number_in_the_order_asked() {
    let text = "name,age,height\nAda,36,1.65\nAlan,41,1.5\n";
    assert_eq!(read("a.csv#height,age", text).unwrap().row(0), [1.65, 36.0]);
    assert_eq!(names(&read("a.csv#2", text).unwrap()), ["height"]);
    assert_eq!(read("a.csv#1,0", "1,2\n3,4\n").unwrap().values(), [2.0, 1.0, 4.0, 3.0]);
    assert_eq!(read("a.csv#x1", "1,2\n3,4\n").unwrap().values(), [2.0, 4.0]);
    assert_eq!(read("a.csv#\"a,b\"", "\"a,b\",c\n1,2\n").unwrap().values(), [1.0]);
}

#[test]
fn an_unknown_column_is_answered_with_those_there_are() {
    assert_eq!(
        sentence(read("people.csv#agee", "age,height\n36,1.65\n")),
        "people.csv has no column `agee` (did you mean `age`?); its columns are `age` and `height`"
    );
    assert_eq!(
        sentence(read("x.csv#2", "1,2\n3,4\n")),
        "x.csv has no column `2`; its columns have no names: choose by number, 0 to 1"
    );
    assert!(sentence(read("x.csv#a,0", "a,b\n1,2\n")).contains("chosen twice"));
}

#[test]
fn bad_cells_are_named_by_file_column_and_row() {
    for (cell, problem) in [
        ("", "has no value in row 2 (of 3), line 3: remove the row or fill it in"),
        ("NA", "has no value in row 2 (of 3), line 3: remove the row or fill it in"),
        ("NaN", "holds NaN in row 2 (of 3), line 3: remove the row or fill it in"),
        ("-inf", "holds -inf in row 2 (of 3), line 3: remove the row or put a finite number there"),
        ("1e309", "holds inf in row 2 (of 3), line 3: remove the row or put a finite number there"),
        ("forty", "holds `forty`, which is not a number, in row 2 (of 3), line 3: correct the cell or remove the row"),
        ("\"1,5\"", "holds `1,5`, which is not a number, in row 2 (of 3), line 3: write decimals with a point"),
    ] {
        let text = format!("age,height\n36,1.65\n{cell},1.5\n53,1.6\n");
        assert_eq!(sentence(read("people.csv", text)), format!("column `age` of people.csv {problem}"));
    }
}

#[test]
fn bad_cells_in_columns_not_chosen_do_not_matter() {
    assert_eq!(read("a.csv#b", "a,b\nx,1\n,2\n").unwrap().values(), [1.0, 2.0]);
}

#[test]
fn a_column_of_words_is_answered_with_the_columns_of_numbers() {
    assert_eq!(
        sentence(read("iris.csv", "species,length,width\nsetosa,1,2\nsetosa,2,3\n")),
        "column `species` of iris.csv holds `setosa`, which is not a number, in row 1 (of 2), line 2: \
         correct it, make it a conditioning column, or choose the columns of numbers, iris.csv#length,width"
    );
}

#[test]
fn ragged_rows_are_named() {
    let mut text = "a,b,c\n".to_string();
    text.extend((0..5000).map(|i| if i == 1233 { "1,2\n" } else { "1,2,3\n" }));
    assert_eq!(
        sentence(read("a.csv", text)),
        "row 1,234 (of 5,000), line 1,235 of a.csv has 2 fields where the header has 3: correct the row or remove it"
    );
    assert!(
        sentence(read("a.csv", "1,2\n3,4,5\n")).contains("row 2 (of 2), line 2 of a.csv has 3 fields where the first row has 2")
    );
}

#[test]
fn lines_are_those_of_the_file_whatever_ends_them() {
    let said = |text: &str, line: usize| {
        let found = sentence(read("a.csv", text));
        assert!(found.contains(&format!("row 2 (of 2), line {line}:")), "{text:?}: {found}");
    };
    said("a,b\n1,2\n1,x\n", 3);
    said("a,b\r\n1,2\r\n1,x\r\n", 3);
    said("a,b\r1,2\r1,x\r", 3);
    said("\u{feff}a,b\n\n1,2\n\n\n1,x", 6);
    said("\"a\nb\",b\n1,2\n1,x\n", 4);
    said("sep=;\na;b\n1;2\n1;x\n", 4);
}

#[test]
fn a_quote_that_is_never_closed_is_no_cell_of_all_rows_behind_it() {
    let said = "cannot read a.csv: a quote in the row of line 3 is never closed: close it, or write a quote within a cell twice";
    for text in ["a,b\n1,2\n\"3,4\n5,6\n", "a,b\n1,2\n3,\"4\n5,6", "a,b\r\n1,2\r\n3,\"4\r\n5,6\r\n"] {
        assert_eq!(sentence(read("a.csv", text)), said, "{text:?}");
    }
    // Quotes that stand within a text, and a line end in the last cell, are no such thing.
    for text in ["a,b\n1,5\"\n2,6\"\n", "a,b\n1,\"x\ny\"\n", "a,b\n1,\"x\n\"", "a,b\n1,\"\"\"\"\n"] {
        assert_eq!(read("a.csv#a", text).unwrap().row(0), [1.0], "{text:?}");
    }
}

#[test]
fn files_without_rows_are_refused() {
    assert_eq!(sentence(read("a.csv", "")), "a.csv is empty");
    assert_eq!(sentence(read("a.csv", "a,b\n")), "a.csv holds no rows");
    assert!(sentence(read("a.csv", b"\xff\xfe1\0,\0")).contains("this is UTF-16 text: save it as UTF-8"));
    assert!(sentence(read("a.csv", b"a,b\n1\0,\0")).contains("line 2 has a zero byte"));
    assert!(
        sentence(read("a.csv", b"PK\x03\x04\0\0")).contains("this is an Excel workbook or a zip archive: save the sheet as CSV")
    );
}

#[test]
fn latin_1_is_decoded_and_said() {
    let latin = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
    let table = read("a.csv", latin("größe,y\n1.5,2\n")).unwrap();
    assert_eq!((names(&table), table.values()), (vec!["größe", "y"], &[1.5, 2.0][..]));
    let [note] = table.notes() else { panic!("{:?}", table.notes()) };
    assert!(note.contains("was read as Windows-1252 (Latin-1), for byte 0xF6 in line 1 is not UTF-8"), "{note}");
    // Texts, far down, and the letters that Windows has where Latin-1 has none: € is 0x80.
    let mut text = b"x,name\n".to_vec();
    text.extend(b"1,plain\n".repeat(20_000));
    text.extend(b"2,5 \x80\n");
    let folder = super::levels::Folder::with("a.csv", text);
    let source = folder.source("a.csv").with_levels().unwrap();
    let table = source.load(0, &LoadOptions::default()).unwrap();
    assert_eq!(names(&table), ["x", "name=5 €", "name=plain"]);
    assert_eq!((table.row(0), table.row(20_000)), (&[1.0, 0.0, 1.0][..], &[2.0, 1.0, 0.0][..]));
    assert!(table.notes()[0].contains("byte 0x80 in line 20,002"), "{:?}", table.notes());
    // UTF-8 that is cut in the middle of a chunk's last letter is UTF-8 all the same, and has nothing to tell.
    for shift in 0..4 {
        let name = "ö€𝄞".repeat(30_000);
        let table = read("a.csv", format!("{}{name},y\n1,2\n", "x".repeat(shift))).unwrap();
        assert!(table.columns()[0].ends_with(&name) && table.notes().is_empty());
    }
    assert_eq!(
        sentence(read("a.csv", [("größe,y\n").as_bytes(), b"1,2\n\xf6,3\n"].concat())),
        "a.csv: byte 0xF6 in line 3 is not UTF-8, though letters before it are: correct it, or save the file as UTF-8"
    );
    assert!(sentence(read("a.csv", &"1,2\n3,ö\n".as_bytes()[..7])).contains("`Ã`"));
}

#[test]
fn whole_numbers_that_double_precision_rounds_are_told() {
    let table = read("a.csv", "id,y\n9007199254740992,1\n9007199254740993,2\n").unwrap();
    let [note] = table.notes() else { panic!("{:?}", table.notes()) };
    assert!(note.contains("column `id`") && note.contains("9007199254740993 in row 2"), "{note}");
    assert!(read("a.csv#y", "id,y\n1,1\n9007199254740993,2\n").unwrap().notes().is_empty());
    assert!(read("a.csv", "id,y\n1e300,1\n9007199254740994,2\n").unwrap().notes().is_empty());
}

#[test]
fn truth_values_are_one_and_zero() {
    assert_eq!(read("a.csv", "a,b\nTrue,1\nfalse,2\n").unwrap().values(), [1.0, 1.0, 0.0, 2.0]);
}

#[test]
fn blank_and_repeated_names_are_told_apart() {
    assert_eq!(names(&read("a.csv", ",a,a,a.1\n1,2,3,4\n").unwrap()), ["x0", "a", "a.1", "a.1.1"]);
}

#[test]
fn weights_come_from_a_column_of_their_own() {
    let weighted = LoadOptions { weights: Some("w".into()), ..Default::default() };
    let table = load("a.csv", "a,w,b\n1,0.5,2\n3,2,4\n", &weighted).unwrap();
    assert_eq!(
        (names(&table), table.values(), table.weights()),
        (vec!["a", "b"], &[1.0, 2.0, 3.0, 4.0][..], Some(&[0.5, 2.0][..]))
    );
    let table = load("a.csv#b", "a,w,b\n1,0.5,2\n3,2,4\n", &weighted).unwrap();
    assert_eq!((names(&table), table.weights()), (vec!["b"], Some(&[0.5, 2.0][..])));
    assert_eq!(
        sentence(load("a.csv", "a,w\n1,1\n3,-2\n", &weighted)),
        "the weight of row 2 (of 2) of a.csv is -2: weights must be finite and at least 0"
    );
    assert!(sentence(load("a.csv", "a,w\n1,0\n3,0\n", &weighted)).contains("all weights of a.csv are zero"));
    assert!(sentence(load("a.csv#w,a", "a,w\n1,1\n", &weighted)).contains("both as data and as the weights"));
    assert!(sentence(load("a.csv", "w\n1\n", &weighted)).contains("no columns to read besides the weights"));
}

#[test]
fn what_is_written_reads_back_the_same() {
    let values = vec![1.0f32, -0.1, 1e-38, 3.4e38, 16777216.0, f32::MIN_POSITIVE, 1.0 / 3.0, -0.0];
    let table = Table::new(["plain", "a \"b\", c"], values).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["out.csv", "out.tsv", "OUT.CSV"] {
        let path = folder.path().join(name);
        table.write(&path).unwrap();
        let back = super::load_path(&path, None, &LoadOptions::default()).unwrap();
        assert_eq!((back.columns(), back.single()), (table.columns(), table.single()));
    }
    assert!(
        std::fs::read_to_string(folder.path().join("out.csv")).unwrap().starts_with("plain,\"a \"\"b\"\", c\"\n1,-0.1\n1e-38,")
    );
}

#[test]
fn numbers_keep_all_their_digits() {
    // 2²⁴ + 1, 2⁵³ − 1, seconds with a fraction, and what single precision has no place for.
    let text = "id,at,far\n16777217,1700000000.125,1e200\n9007199254740991,1700000000.25,-2.5e-200\n";
    let table = read("a.csv", text).unwrap();
    assert_eq!(table.values(), [16_777_217.0, 1_700_000_000.125, 1e200, 9_007_199_254_740_991.0, 1_700_000_000.25, -2.5e-200]);
    assert_eq!(table.kinds().iter().map(|kind| kind.integer).collect::<Vec<_>>(), [true, false, false]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    table.write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // A column in single precision: the shortest digits, but every one of a whole number (here 10⁹ + 64, which is one of single precision's).
    Table::new(["a"], vec![0.1f32, 1_000_000_064.0]).unwrap().write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n0.1\n1000000064\n");
}

#[test]
fn columns_without_names_still_write_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.csv");
    Table::unnamed(2, vec![1.0, 2.0, 3.0, 4.0]).unwrap().write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "x0,x1\n1,2\n3,4\n");
}
