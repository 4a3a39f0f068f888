use proptest::prelude::*;
use pushforward::data::toy::Toy;
use pushforward::data::{FileFormat, LoadOptions, Origin, Source, Table};

use super::sentence;

fn parsed(text: &str) -> Source {
    text.parse().unwrap()
}

#[test]
fn the_written_forms() {
    assert_eq!(parsed("a/b.csv"), Source { origin: Origin::File("a/b.csv".into()), columns: None });
    assert_eq!(parsed("b.npy#0,3").columns, Some(vec!["0".into(), "3".into()]));
    assert_eq!(parsed("b.parquet#\"a,b\", c d").columns, Some(vec!["a,b".into(), "c d".into()]));
    assert_eq!(parsed("toy:moons").origin, Origin::Toy(Toy::Moons, 10_000));
    assert_eq!(
        parsed("toy:8gaussians:2_000#y"),
        Source { origin: Origin::Toy(Toy::EightGaussians, 2000), columns: Some(vec!["y".into()]) }
    );
    // A # in a folder's name, and an ending in a column's.
    assert_eq!(parsed("c#/x.csv#y").origin, Origin::File("c#/x.csv".into()));
    assert_eq!(parsed("x.csv#y.csv"), Source { origin: Origin::File("x.csv".into()), columns: Some(vec!["y.csv".into()]) });
}

#[test]
fn what_is_no_source_is_refused_with_the_forms() {
    let refused = |text: &str| sentence(text.parse::<Source>());
    assert!(refused("moons").ends_with("or toy:NAME[:ROWS]; for the toy distribution write toy:moons"));
    assert!(refused("data.xlsx").contains("`data.xlsx` is not a source of data"));
    assert!(refused("").contains("is not a source"));
    assert!(refused("a.csv#").contains("empty name"));
    assert!(refused("a.csv#b,,c").contains("empty name"));
    assert!(
        refused("toy:mons")
            .starts_with("there is no toy distribution `mons` (did you mean `moons`?); there are 8gaussians, moons, ")
    );
    for rows in ["", "0", "-5", "many", "1e6", "99999999999"] {
        assert!(refused(&format!("toy:moons:{rows}")).contains("give an integer from 1"), "{rows}");
    }
}

#[test]
fn toys_load_with_columns_and_seeds() {
    let source = parsed("toy:rings:300#y");
    let table = source.load(7, &LoadOptions::default()).unwrap();
    assert_eq!((table.rows(), table.columns()), (300, &["y".to_string()][..]));
    assert_eq!(table.origin(), "toy:rings:300");
    assert_ne!(table.values(), source.load(8, &LoadOptions::default()).unwrap().values());
    assert!(sentence(parsed("toy:rings:300#z").load(0, &LoadOptions::default())).contains("no column `z`"));
    assert_eq!(source.file_hash().unwrap(), None);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let text = sentence(parsed("no/such/file.csv").load(0, &LoadOptions::default()));
    assert!(text.starts_with("cannot open no/such/file.csv: No such file"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folder.npy");
    std::fs::create_dir(&path).unwrap();
    for ending in ["folder.npy", "folder.csv", "folder.parquet"] {
        let path = folder.path().join(ending);
        let _ = std::fs::create_dir(&path);
        super::load_path(&path, None, &LoadOptions::default()).unwrap_err();
    }
}

#[test]
fn formats_go_by_the_ending() {
    assert_eq!(FileFormat::of("x.CSV").unwrap(), FileFormat::Csv);
    let others = [
        ("a.b/x.npy", FileFormat::Npy, "npy", cfg!(feature = "npy")),
        ("x.parquet", FileFormat::Parquet, "parquet", cfg!(feature = "parquet")),
    ];
    for (name, format, feature, built) in others {
        match built {
            true => assert_eq!(FileFormat::of(name).unwrap(), format),
            false => {
                let expected = format!("without the feature `{feature}`: enable it");
                assert!(sentence(FileFormat::of(name)).contains(&expected), "{name}");
                let read = Source { origin: Origin::File(name.into()), columns: None }.load(0, &LoadOptions::default());
                assert!(sentence(read).contains(&expected), "{name}");
                let written = Table::unnamed(1, vec![1.0]).unwrap().write(name);
                assert!(sentence(written).contains(&expected), "{name}");
            }
        }
    }
    for packed in ["x.csv.gz", "x.TSV.ZST", "-"] {
        assert_eq!(FileFormat::of(packed).unwrap(), FileFormat::Csv);
    }
    for bad in ["x", "x.", ".csv", "x.gz", "x.npy.gz", "x.parquet.zst", ""] {
        assert!(sentence(FileFormat::of(bad)).contains("use a name that ends in .npy, .csv or .parquet"), "{bad}");
    }
}

#[test]
fn sources_go_through_configuration_files() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Config {
        data: Source,
    }
    let config = Config { data: parsed("people.csv#age,\"a,b\"") };
    let text = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
    assert!(toml::from_str::<Config>("data = \"people.xml\"").unwrap_err().to_string().contains("not a source of data"));
}

proptest! {
    #[test]
    fn display_writes_what_from_str_reads(path in "[a-z/ é]{0,8}[a-zé]", columns in proptest::option::of(proptest::collection::vec("[^\\s\\x00](.{0,6}[^\\s\\x00])?", 1..4))) {
        let source = Source { origin: Origin::File(format!("{path}.csv").into()), columns };
        prop_assert_eq!(source.to_string().parse::<Source>().unwrap(), source);
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = text.parse::<Source>();
        let _ = format!("a.csv#{text}").parse::<Source>();
        let _ = format!("toy:{text}").parse::<Source>();
    }
}
