//! Columns of a Parquet file with their types.

use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, Int32Type, Int64Type, Int96, Int96Type,
};
use pushforward::Result;
use pushforward::data::{Column, ColumnType, DateForm, LoadOptions, Source, Table, TypeOptions};

use super::parquet::written;
use super::sentence;

pub fn load_as(content: impl AsRef<[u8]>, types: &TypeOptions) -> Result<Table> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    std::fs::write(&path, content).unwrap();
    path.display().to_string().parse::<Source>()?.load_typed(0, &LoadOptions::default(), types)
}

/// A column `c` of these values, with nulls where a level is 0.
fn column<T: DataType>(of: &str, values: &[T::T], levels: Option<&[i16]>) -> Result<Table> {
    let nulls = if levels.is_some() { "OPTIONAL" } else { "REQUIRED" };
    let field = of.split_once(' ').map_or(format!("{nulls} {of} c;"), |(of, as_)| format!("{nulls} {of} c {as_};"));
    load_as(written::<T>(&field, Compression::SNAPPY, values, levels), &TypeOptions::default())
}

fn values(table: &Table) -> Vec<f64> {
    table.column(0).collect()
}

#[test]
fn texts_are_categories_and_nulls_are_missing_cells() {
    let texts = ["b", "a", "b"].map(ByteArray::from);
    let table = column::<ByteArrayType>("BYTE_ARRAY (STRING)", &texts, Some(&[1, 0, 1, 1])).unwrap();
    assert_eq!((table.column_type(0), table.levels(0).unwrap()), (ColumnType::Category, &["a".into(), "b".into()][..]));
    assert_eq!(table.missing(0).unwrap(), [false, true, false, false]);
    assert_eq!([0, 2, 3].map(|row| table.row(row)[0]), [1.0, 0.0, 1.0]);
    // A file says what its texts are: NA is one, unless it is named.
    let texts = ["NA", "x", "NA"].map(ByteArray::from);
    let file = written::<ByteArrayType>("REQUIRED BYTE_ARRAY c (STRING);", Compression::SNAPPY, &texts, None);
    assert_eq!(load_as(&file, &TypeOptions::default()).unwrap().missing(0), None);
    let named = TypeOptions { missing: Some(vec!["NA".into()]), ..TypeOptions::default() };
    assert_eq!(load_as(&file, &named).unwrap().missing(0).unwrap(), [true, false, true]);
    let distinct: Vec<ByteArray> = (0..30).map(|i| ByteArray::from(format!("name {i}").as_str())).collect();
    assert_eq!(column::<ByteArrayType>("BYTE_ARRAY (STRING)", &distinct, None).unwrap().column_type(0), ColumnType::Identifier);
    let bytes = [ByteArray::from(vec![0xff, 0xfe])];
    let refused = sentence(column::<ByteArrayType>("BYTE_ARRAY", &bytes, None));
    assert!(refused.starts_with("column `c` of a.parquet holds bytes that are not UTF-8 text"), "{refused}");
}

#[test]
fn whole_numbers_are_exact_or_refused() {
    let table = column::<Int64Type>("INT64", &[9_007_199_254_740_993, i64::MIN, 5], None).unwrap();
    assert_eq!(table.integers(0).unwrap(), [9_007_199_254_740_993, i64::MIN, 5]);
    let table = column::<Int32Type>("INT32 (INTEGER(32,false))", &[-1, 7, 7], None).unwrap();
    assert_eq!(table.integers(0).unwrap(), [4_294_967_295, 7, 7]);
    let table = column::<Int64Type>("INT64 (INTEGER(64,false))", &[i64::MAX, 7, 7], None).unwrap();
    assert_eq!(table.integers(0).unwrap(), [i64::MAX, 7, 7]);
    let beyond = sentence(column::<Int64Type>("INT64 (INTEGER(64,false))", &[1, -1], None));
    assert!(beyond.starts_with("column `c` of a.parquet holds 18446744073709551615, which is beyond 2⁶³"), "{beyond}");
    assert!(beyond.contains("in row 2 (of 2)"), "{beyond}");
    let counts: Vec<i64> = (7..40).collect();
    assert_eq!(column::<Int64Type>("INT64", &counts, None).unwrap().column_type(0), ColumnType::Identifier);
}

#[test]
fn floats_decimals_and_booleans() {
    // NaN is missing, as a null is.
    let table = column::<DoubleType>("DOUBLE", &[1.5, f64::NAN, 2.0], Some(&[1, 1, 0, 1])).unwrap();
    assert_eq!(table.missing(0).unwrap(), [false, true, true, false]);
    assert_eq!(table.number_form(0).unwrap().decimals, Some(1));
    let thirds = column::<DoubleType>("DOUBLE", &[1.0 / 3.0, 1.0], None).unwrap();
    assert!(thirds.number_form(0).is_none_or(|form| form.decimals.is_none()));
    assert!(sentence(column::<DoubleType>("DOUBLE", &[1.0, f64::INFINITY], None)).contains("holds inf: remove the row"));
    let table = column::<Int64Type>("INT64 (DECIMAL(12,2))", &[120, -5], None).unwrap();
    assert_eq!((values(&table), table.number_form(0).unwrap().write(1.2)), (vec![1.2, -0.05], "1.20".into()));
    let long = |value: i128| ByteArray::from(value.to_be_bytes().to_vec()).into();
    let table = column::<FixedLenByteArrayType>("FIXED_LEN_BYTE_ARRAY(16) (DECIMAL(38,3))", &[long(-1_500), long(250)], None);
    assert_eq!(values(&table.unwrap()), [-1.5, 0.25]);
    let table = column::<BoolType>("BOOLEAN", &[true, false], Some(&[1, 0, 1])).unwrap();
    assert_eq!((table.column_type(0), table.levels(0).unwrap()), (ColumnType::Boolean, &["False".into(), "True".into()][..]));
    let table = column::<BoolType>("BOOLEAN", &[true, true], None).unwrap();
    assert_eq!((table.column_type(0), table.levels(0).unwrap()), (ColumnType::Constant, &["True".into()][..]));
}

#[test]
fn dates_and_times_of_every_unit() {
    // The second day of 1970, and a half second before its first.
    let micros = [86_400_000_000, -500_000];
    for (of, unit) in [("MILLIS", 1_000), ("MICROS", 1), ("NANOS", 0)] {
        let stored = micros.map(|micros| if unit == 0 { micros * 1_000 } else { micros / unit });
        for (utc, end) in [(false, ""), (true, "+00:00")] {
            let table = column::<Int64Type>(&format!("INT64 (TIMESTAMP({of},{utc}))"), &stored, None).unwrap();
            assert_eq!((table.column_type(0), values(&table)), (ColumnType::Date, vec![86_400.0, -0.5]), "{of} {utc}");
            let form = table.date_form(0).unwrap();
            assert_eq!(form.write(micros[1]), format!("1969-12-31 23:59:59.500{end}"));
            assert_eq!(form.read(&form.write(micros[1])), Some(micros[1]));
        }
    }
    let table = column::<Int64Type>("INT64 (TIMESTAMP(NANOS,false))", &[1_001, 5_000], None).unwrap();
    assert!(table.notes()[0].contains("`c` were rounded to microseconds") && table.row(0)[0] == 1e-6, "{:?}", table.notes());
    let table = column::<Int32Type>("INT32 (DATE)", &[1, -1], None).unwrap();
    assert_eq!((values(&table), table.date_form(0).unwrap().write(0)), (vec![86_400.0, -86_400.0], "1970-01-01".into()));
    let table = column::<Int64Type>("INT64 (TIME(MICROS,false))", &[3_600_000_000, 1], None).unwrap();
    assert_eq!((values(&table), table.date_form(0).unwrap().write(1)), (vec![3_600.0, 1e-6], "00:00:00.000001".into()));
    let mut old = Int96::new();
    old.set_data(0, 0, 2_440_589); // the Julian day number of 1970-01-02
    let table = column::<Int96Type>("INT96", &[old, old], None).unwrap();
    assert_eq!((values(&table), table.date_form(0).unwrap().write(0)), (vec![86_400.0; 2], "1970-01-01 00:00:00".into()));
}

#[test]
fn types_can_be_asked_for() {
    let asked = |ty| TypeOptions { types: [("c".to_string(), ty)].into(), ..TypeOptions::default() };
    let zips = written::<Int64Type>("REQUIRED INT64 c;", Compression::SNAPPY, &[8001, 3000, 8001], None);
    assert_eq!(load_as(&zips, &asked(ColumnType::Category)).unwrap().levels(0).unwrap(), ["3000", "8001"]);
    let prices = ["$1,200", "$15"].map(ByteArray::from);
    let prices = written::<ByteArrayType>("REQUIRED BYTE_ARRAY c (STRING);", Compression::SNAPPY, &prices, None);
    assert_eq!(values(&load_as(&prices, &asked(ColumnType::Number)).unwrap()), [1200.0, 15.0]);
    let refused = sentence(load_as(&prices, &asked(ColumnType::Integer)));
    assert!(refused.contains("column `c` of a.parquet holds `$1,200` in row 1 (of 2), which is no integer"), "{refused}");
}

#[test]
fn lists_are_named() {
    let field = "REQUIRED GROUP c (LIST) { REPEATED GROUP list { REQUIRED DOUBLE element; } }";
    use parquet::file::writer::SerializedFileWriter;
    let schema = parquet::schema::parser::parse_message_type(&format!("message schema {{ {field} }}")).unwrap().into();
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut lists = group.next_column().unwrap().unwrap();
    lists.typed::<DoubleType>().write_batch(&[1.0, 2.0], Some(&[1, 1]), Some(&[0, 1])).unwrap();
    lists.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let refused = sentence(load_as(out, &TypeOptions::default()));
    assert!(refused.starts_with("column `c.list.element` of a.parquet holds lists, which cannot be learned"), "{refused}");
}

#[test]
fn what_is_written_has_the_types_of_the_columns() {
    let gaps = || vec![false, true, false];
    let date = |pattern: &str, offset| DateForm { pattern: pattern.into(), offset };
    let table = Table::from_columns([
        Column::categories("text", vec![1, 0, 0], ["x", "y"]).unwrap().with_missing(gaps()).unwrap(),
        Column::integers("whole", vec![9_007_199_254_740_993, 0, 5]).with_missing(gaps()).unwrap(),
        Column::numbers("number", vec![0.5, f64::NAN, 1.25]).with_missing(gaps()).unwrap(),
        Column::dates("day", vec![0, 86_400_000_000, 0], date("%Y-%m-%d", None)),
        Column::dates("instant", vec![1, 0, 5], date("%Y-%m-%d %H:%M:%S%.6f", None)).with_missing(gaps()).unwrap(),
        Column::dates("zoned", vec![1, 0, 5], date("%Y-%m-%d %H:%M:%S%.6f%:z", Some(0))),
        Column::categories("flag", vec![1, 0, 0], ["False", "True"]).unwrap().with_missing(gaps()).unwrap(),
        Column::categories("empty", vec![0, 0, 0], [""]).unwrap().with_missing(vec![true; 3]).unwrap(),
    ])
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.parquet");
    table.write(&path).unwrap();
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let stored: Vec<String> = schema
        .columns()
        .iter()
        .map(|column| format!("{} {:?}", column.physical_type(), column.logical_type_ref()).to_lowercase())
        .collect();
    for (j, of) in [
        "byte_array some(string)",
        "int64 none",
        "double none",
        "int32 some(date)",
        "is_adjusted_to_u_t_c: false",
        "is_adjusted_to_u_t_c: true",
        "boolean none",
        "byte_array some(string)",
    ]
    .iter()
    .enumerate()
    {
        assert!(stored[j].contains(of), "{}: {of}", stored[j]);
    }
    let back = Table::read(&path.display().to_string()).unwrap();
    assert_eq!(back.columns(), table.columns());
    for j in 0..7 {
        assert_eq!((back.missing(j), back.levels(j), back.integers(j)), (table.missing(j), table.levels(j), table.integers(j)));
        assert_eq!(back.date_form(j), table.date_form(j));
        let [a, b] = [&back, &table].map(|table| table.column(j).filter(|value| !value.is_nan()).collect::<Vec<_>>());
        assert_eq!(a, b, "column {j}");
    }
    assert_eq!((back.missing(7).unwrap(), back.column_type(7)), (&[true; 3][..], ColumnType::Constant));
    let refused = table.write(folder.path().join("b.npy")).unwrap_err().to_string();
    assert!(refused.contains("column `text` has categories, which an array such as"), "{refused}");
}
