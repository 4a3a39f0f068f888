use std::io::Write;
use std::path::Path;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{DataType, DoubleType, Int64Type};
use pushforward::data::{LoadOptions, Table, TypeOptions};

use super::{load_path, names, read, sentence};

/// Seven rows in groups of four and three, a column of every kind, written by pyarrow 26 (`fixtures/README.md` says how).
fn fixture(columns: Option<&str>) -> pushforward::Result<Table> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/data/fixtures/pyarrow.parquet");
    load_path(&path, columns, &LoadOptions::default())
}

fn message(columns: Option<&str>) -> String {
    let text = fixture(columns).unwrap_err().to_string();
    text.replace(&format!("{}/tests/host/data/fixtures/", env!("CARGO_MANIFEST_DIR")), "")
}

#[test]
fn every_kind_of_number_that_pyarrow_writes() {
    let column = |name: &str| fixture(Some(name)).unwrap().into_values();
    let counted = |f: fn(f64) -> f64| (0..7).map(|i| f(f64::from(i))).collect::<Vec<_>>();
    assert_eq!(column("f32"), counted(|i| i * 0.5));
    assert_eq!(column("f64"), counted(|i| i * 0.1));
    assert_eq!(column("i8"), counted(|i| i - 3.0));
    assert_eq!(column("i64"), counted(|i| i * 1e9));
    assert_eq!(column("u32"), counted(|i| i + 4_294_967_288.0));
    assert_eq!(column("u64"), counted(|_| 9_223_372_036_854_775_808.0));
    assert!(fixture(Some("i64,u64")).unwrap().notes().is_empty());
    assert_eq!(column("bool"), [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    assert_eq!(column("decimal"), counted(|i| i / 4.0));
    assert_eq!(column("nested.x"), counted(|i| i));
}

#[test]
fn whole_numbers_that_double_precision_rounds_are_told() {
    let values = [9_007_199_254_740_993, i64::MAX];
    let content = written::<Int64Type>("REQUIRED INT64 id;", Compression::SNAPPY, &values, None);
    let table = read("a.parquet", content).unwrap();
    let [note] = table.notes() else { panic!("{:?}", table.notes()) };
    assert!(note.contains("column `id`") && note.contains("9007199254740993 in row 1"), "{note}");
}

#[test]
fn columns_come_in_the_order_asked() {
    let table = fixture(Some("i8,f32")).unwrap();
    assert_eq!((names(&table), table.rows(), table.row(5)), (vec!["i8", "f32"], 7, &[2.0, 2.5][..]));
    assert_eq!(fixture(Some("2,0")).unwrap(), table);
}

#[test]
fn columns_that_are_not_numbers_are_named() {
    assert_eq!(
        message(None),
        "column `date` of pyarrow.parquet holds dates or times, which cannot be read as numbers: choose other columns with #; its columns of numbers are \
         `f32`, `f64`, `i8`, `i64`, `u32`, `u64`, `bool`, `decimal`, `holes`, `nested.x` and `nested.y`"
    );
    for (column, what) in [("time", "dates or times"), ("text", "text"), ("list.list.element", "lists")] {
        assert!(
            message(Some(column))
                .starts_with(&format!("column `{column}` of pyarrow.parquet holds {what}, which cannot be read as numbers"))
        );
    }
    assert!(
        message(Some("f16")).contains("has no column `f16` (did you mean `f32`?)") || message(Some("f16")).contains("no column")
    );
}

#[test]
fn nulls_are_named_by_row_and_column() {
    assert_eq!(
        message(Some("f32,holes")),
        "column `holes` of pyarrow.parquet has no value in row 3 (of 7): remove the row or fill it in"
    );
    assert_eq!(
        message(Some("nested.y")),
        "column `nested.y` of pyarrow.parquet has no value in row 4 (of 7): remove the row or fill it in"
    );
}

#[test]
fn rows_with_nulls_can_be_left_out() {
    let skip = LoadOptions { skip_missing: true, ..LoadOptions::default() };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/data/fixtures/pyarrow.parquet");
    // `holes` has none in rows 3 and 5 and `nested.y` none in row 4, the last of the first group.
    let table = load_path(&path, Some("f32,holes,nested.y"), &skip).unwrap();
    let whole = fixture(Some("f32")).unwrap();
    let kept: Vec<f64> = [0, 1, 5, 6].map(|row| whole.values()[row]).to_vec();
    assert_eq!(table.column(0).collect::<Vec<_>>(), kept);
    assert!(
        table.notes()[0].contains("3 of 7 rows") && table.notes()[0].contains("(`holes` 2, `nested.y` 1)"),
        "{:?}",
        table.notes()
    );
}

#[test]
fn what_is_written_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.parquet");
    let single = Table::new(["a", "b, c"], vec![1.0f32, -0.1, 1e-38, 3.4e38, 0.0, -0.0]).unwrap();
    let double = Table::new(["a", "b, c"], vec![20_000_001.0, -0.1, 1e-300, 1e300, 0.0, -0.0]).unwrap();
    for table in [single, double] {
        table.write(&path).unwrap();
        let back = load_path(&path, None, &LoadOptions::default()).unwrap();
        assert_eq!((back.columns(), back.values(), back.kinds()), (table.columns(), table.values(), table.kinds()));
    }
}

#[test]
fn more_rows_than_a_group_and_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.parquet");
    let rows = (1 << 20) + 10_000;
    let table = Table::new(["a", "b"], (0..2 * rows).map(|i| (i % 65_521) as f32).collect()).unwrap();
    table.write(&path).unwrap();
    assert!(load_path(&path, None, &LoadOptions::default()).unwrap().values() == table.values());
}

#[test]
fn values_that_are_not_finite_are_named_by_their_row_in_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let mut values = vec![1.0; 20_000];
    values[2 * 9_000 + 1] = f32::NAN;
    Table::new(["a", "b"], values).unwrap().write(&path).unwrap();
    let outcome = load_path(&path, None, &LoadOptions::default());
    assert_eq!(sentence(outcome), "column `b` of a.parquet holds NaN in row 9,001 (of 10,000): remove the row or fill it in");
    assert_eq!(load_path(&path, Some("a"), &LoadOptions::default()).unwrap().rows(), 10_000);
}

#[test]
fn tables_without_rows_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    Table::new::<_, f64>(["a"], vec![]).unwrap().write(&path).unwrap();
    assert_eq!(sentence(load_path(&path, None, &LoadOptions::default())), "a.parquet holds no rows");
}

#[test]
fn the_index_that_pandas_stores_is_no_data_unless_asked_for() {
    let content = small(&["a", "__index_level_0__"], Compression::SNAPPY);
    assert_eq!(names(&read("a.parquet", &content).unwrap()), ["a"]);
    assert_eq!(names(&read("a.parquet#__index_level_0__", &content).unwrap()), ["__index_level_0__"]);
}

#[test]
fn compressions_are_read() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        assert_eq!(read("a.parquet", small(&["a"], compression)).unwrap().values(), [1.5, 2.5, 3.5]);
    }
}

#[test]
fn other_files_and_damaged_ones_are_refused() {
    for content in [&b""[..], b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"a,b\n1,2\n"] {
        let text = sentence(read("a.parquet", content));
        assert!(text.contains("damaged, or not a Parquet file"), "{text}");
    }
    let whole = small(&["a", "b"], Compression::SNAPPY);
    for length in 0..whole.len() {
        read("a.parquet", &whole[..length]).unwrap_err();
    }
}

/// Three rows of 1.5, 2.5, 3.5 in each column, by the parquet crate's own writer.
pub fn small(columns: &[&str], compression: Compression) -> Vec<u8> {
    let fields: String = columns.iter().map(|name| format!("OPTIONAL DOUBLE {name};")).collect();
    written::<DoubleType>(&fields, compression, &[1.5, 2.5, 3.5], Some(&[1, 1, 1]))
}

/// The same values in every column.
pub fn written<T: DataType>(fields: &str, compression: Compression, values: &[T::T], levels: Option<&[i16]>) -> Vec<u8> {
    use parquet::file::{properties::WriterProperties, writer::SerializedFileWriter};
    use parquet::schema::parser::parse_message_type;
    let schema = parse_message_type(&format!("message schema {{ {fields} }}")).unwrap().into();
    let properties = WriterProperties::builder().set_compression(compression).build().into();
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        column.typed::<T>().write_batch(values, levels, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    out
}

#[test]
fn more_rows_than_a_file_of_that_length_can_hold_are_refused_before_there_is_room_for_them() {
    use parquet::file::metadata::{ParquetMetaDataBuilder, ParquetMetaDataWriter};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let honest = written::<DoubleType>("OPTIONAL DOUBLE x;", Compression::SNAPPY, &[1.0], Some(&[1, 0]));
    let mut opened = tempfile::tempfile().unwrap();
    opened.write_all(&honest).unwrap();
    let reader = SerializedFileReader::new(opened).unwrap();
    let metadata = reader.metadata();
    let group = metadata.row_group(0).clone().into_builder().set_num_rows(4_000_000_000).build().unwrap();
    let claims = ParquetMetaDataBuilder::new(metadata.file_metadata().clone()).set_row_groups(vec![group]).build();
    let mut file = honest[..honest.len() - 8 - footer_length(&honest)].to_vec();
    ParquetMetaDataWriter::new(&mut file, &claims).finish().unwrap();
    let length = pushforward::words::grouped(file.len());
    let wanted = format!("a.parquet: it is damaged: it says that it has 4,000,000,000 rows of 1 column, in {length} bytes");
    assert_eq!(sentence(read("a.parquet", &file)), wanted);
    assert_eq!(sentence(super::parquet_typed::load_as(&file, &TypeOptions::default())), wanted);
    assert_eq!(sentence(super::load("a.parquet", &file, &LoadOptions { skip_missing: true, ..LoadOptions::default() })), wanted);
}

/// The length of the metadata at the end of a file.
fn footer_length(file: &[u8]) -> usize {
    let end = file.len();
    u32::from_le_bytes(file[end - 8..end - 4].try_into().unwrap()) as usize
}
