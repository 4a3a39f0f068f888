//! Texts as indicators of their levels: on the way in, on the way out, and what is refused.

use pushforward::data::{LoadOptions, Source, Table};

use super::{names, sentence};

const PEOPLE: &str = "sex,age,town,height\nf,36,\"Ulm, upper\",1.65\nm,41,Bern,1.78\nf,53,Bern,1.60\n";

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), content).unwrap();
        Self(folder)
    }

    pub fn source(&self, text: &str) -> Source {
        self.0.path().join(text).display().to_string().parse().unwrap()
    }
}

fn given(source: &Source, columns: &[&str], weights: Option<&str>) -> pushforward::Result<(Table, usize)> {
    let columns: Vec<String> = columns.iter().map(|name| name.to_string()).collect();
    let (source, count) = source.with_given(&columns, weights)?;
    Ok((source.load(0, &LoadOptions { weights: weights.map(Into::into), ..LoadOptions::default() })?, count))
}

#[test]
fn given_columns_stand_behind_the_others_and_texts_are_indicators() {
    let folder = Folder::with("people.csv", PEOPLE);
    let people = folder.source("people.csv");
    let (table, count) = given(&people, &["town", "sex"], None).unwrap();
    assert_eq!(names(&table), ["age", "height", "town=Bern", "town=Ulm, upper", "sex=f", "sex=m"]);
    assert_eq!((table.row(0), count), (&[36.0, 1.65, 0.0, 1.0, 1.0, 0.0][..], 4));
    // Numbers stay numbers unless their levels are asked for; columns have numbers, too; weights are neither.
    let (table, count) = given(&people, &["age", "0", "2"], None).unwrap();
    assert_eq!((names(&table)[1], count), ("age", 5));
    let (table, _) = given(&people, &["age:levels", "sex", "town"], None).unwrap();
    assert_eq!(names(&table)[..4], ["height", "age=36", "age=41", "age=53"]);
    let (table, _) = given(&people, &["sex", "town"], Some("age")).unwrap();
    assert_eq!((names(&table)[0], table.weights().unwrap()), ("height", &[36.0, 41.0, 53.0][..]));
    // Chosen columns alone are generated, and what is given need not be among them.
    let (table, _) = given(&folder.source("people.csv#height"), &["sex"], None).unwrap();
    assert_eq!(names(&table), ["height", "sex=f", "sex=m"]);

    let (table, count) = given(&"toy:moons:50".parse().unwrap(), &["x"], None).unwrap();
    assert_eq!((names(&table), count), (vec!["y", "x"], 1));
    let bare = Folder::with("bare.csv", "1,2,3\n4,5,6\n");
    assert_eq!(names(&given(&bare.source("bare.csv"), &["1"], None).unwrap().0), ["x0", "x2", "x1"]);
}

#[test]
fn what_cannot_be_given_is_said() {
    let folder = Folder::with("people.csv", PEOPLE);
    let people = folder.source("people.csv");
    let said = |columns: &[&str]| sentence(given(&people, columns, None));
    assert!(said(&["hight"]).contains("no column `hight` (did you mean `height`?)"));
    assert!(said(&["sex", "0"]).contains("names `sex` twice"));
    assert!(said(&["sex", "town", "age", "height"]).contains("leave one to generate"));
    assert!(said(&["town"]).contains("column `sex` of people.csv holds `f`"));
    let many = Folder::with("many.csv", (0..70).fold("name,size\n".into(), |text: String, i| format!("{text}n{i},{i}\n")));
    assert!(sentence(given(&many.source("many.csv"), &["name"], None)).contains("more than 64 categories"));
    let equals = Folder::with("equals.csv", "a=b,size\nu,1\nv,2\n");
    assert!(sentence(given(&equals.source("equals.csv"), &["a=b"], None)).contains("rename it"));
    assert!(sentence(given(&"toy:moons:50".parse().unwrap(), &["x:levels"], None)).contains("CSV files only"));
    let gap = Folder::with("gap.csv", "sex,size\nf,1\n,2\nm,3\n");
    assert!(sentence(given(&gap.source("gap.csv"), &["sex"], None)).contains("column `sex` of gap.csv has no value in row 2"));
}

#[test]
fn indicators_are_written_as_texts_and_read_back() {
    let folder = Folder::with("people.csv", PEOPLE);
    let (table, count) = given(&folder.source("people.csv"), &["town", "sex"], None).unwrap();
    let path = folder.0.path().join("out.csv");
    table.write_texts(&path, count).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "age,height,town,sex\n36,1.65,\"Ulm, upper\",f\n41,1.78,Bern,m\n53,1.6,Bern,f\n");
    let read = folder.source("out.csv").with_levels().unwrap().load(0, &LoadOptions::default()).unwrap();
    assert_eq!((read.columns(), read.values()), (table.columns(), table.values()));
    // Without texts a source stays as it was.
    let numbers = folder.source("people.csv#height,age");
    assert_eq!(numbers.with_levels().unwrap(), numbers);
    // Only what stands behind is a text, and another file's texts must be known ones.
    table.write_texts(&path, 0).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("age,height,town=Bern,\"town=Ulm, upper\",sex=f,sex=m\n"));
    let known = Source { columns: Some(table.columns().to_vec()), ..folder.source("people.csv") };
    known.check_levels().unwrap();
    std::fs::write(folder.0.path().join("people.csv"), PEOPLE.replace("Bern", "Berne")).unwrap();
    let said = sentence(known.check_levels());
    assert!(said.contains("column `town` of people.csv holds `Berne` in row 2 (did you mean `Bern`?)"), "{said}");
}

#[test]
fn rows_with_missing_values_are_left_out_and_told() {
    // Of a text, of a number that is NaN, of both; and of a column that is not read.
    let text = "sex,age,town\nf,36,\nNA,41,Bern\n,nan,Ulm\nm,NaN,Bern\nm,52,Bern\nf,53,Ulm\n";
    let folder = Folder::with("people.csv", text);
    let (source, _) = folder.source("people.csv#age").with_given(&["sex".to_string()], None).unwrap();
    let skip = LoadOptions { skip_missing: true, ..LoadOptions::default() };
    let table = source.load(0, &skip).unwrap();
    assert_eq!(
        (names(&table), table.values()),
        (vec!["age", "sex=f", "sex=m"], &[36.0, 1.0, 0.0, 52.0, 0.0, 1.0, 53.0, 1.0, 0.0][..])
    );
    let [note] = table.notes() else { panic!("{:?}", table.notes()) };
    let file = folder.source("people.csv").origin.to_string();
    assert_eq!(
        note.replace(&file, "people.csv"),
        "3 of 6 rows of people.csv have missing values (`age` 2, `sex` 2) and are left out"
    );
    assert_eq!((0..3).map(|row| table.row_number(row)).collect::<Vec<_>>(), [1, 5, 6], "as the file counts them");
    assert!(
        sentence(source.load(0, &LoadOptions::default())).contains("column `sex` of people.csv has no value in row 2 (of 6)")
    );
    let whole = folder.source("people.csv#age").load(0, &skip).unwrap();
    assert!(whole.notes()[0].contains("2 of 6 rows") && whole.rows() == 4, "{:?}", whole.notes());
    assert_eq!(
        sentence(super::load("none.csv", "a,b\n1,\n2,NA\n", &skip)),
        "each of the 2 rows of none.csv has missing values (`b` 2): fill them in, or choose other columns with #"
    );
}
