use npyz::{NpyWriter, WriterBuilder};
use pushforward::data::{LoadOptions, Table};

use super::{load, load_path, names, read, sentence};

/// An array file as NumPy writes it, with the header given.
pub fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    let mut header = header.to_owned();
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

fn header(descr: &str, fortran: bool, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {}, 'shape': {shape}, }}", if fortran { "True" } else { "False" })
}

#[test]
fn every_kind_of_number_in_both_byte_orders() {
    // 1, 2, 3 and the extremes that sign extension and byte order would spoil
    macro_rules! check {
        ($number:ty, $code:literal, $values:expr) => {
            let values: [$number; 6] = $values;
            let expected: Vec<f64> = values.iter().map(|&v| v as f64).collect();
            for mark in ["<", ">", "|", "="] {
                let bytes: Vec<u8> =
                    values.iter().flat_map(|v| if mark == ">" { v.to_be_bytes() } else { v.to_le_bytes() }).collect();
                let table = read("x.npy", file(&header(&format!("{mark}{}", $code), false, "(2, 3)"), &bytes)).unwrap();
                assert_eq!((table.rows(), table.values()), (2, &expected[..]), "{mark}{}", $code);
            }
        };
    }
    check!(f32, "f4", [1.0, 2.0, 3.0, -0.1, f32::MAX, f32::MIN_POSITIVE]);
    check!(f64, "f8", [1.0, 2.0, 3.0, -0.1, 1e-300, 1e38]);
    check!(i8, "i1", [1, 2, 3, -1, i8::MIN, i8::MAX]);
    check!(i16, "i2", [1, 2, 3, -1, i16::MIN, i16::MAX]);
    check!(i32, "i4", [1, 2, 3, -1, i32::MIN, i32::MAX]);
    check!(i64, "i8", [1, 2, 3, -1, i64::MIN, i64::MAX]);
    check!(u8, "u1", [1, 2, 3, 0, 128, u8::MAX]);
    check!(u16, "u2", [1, 2, 3, 0, 1 << 15, u16::MAX]);
    check!(u32, "u4", [1, 2, 3, 0, 1 << 31, u32::MAX]);
    check!(u64, "u8", [1, 2, 3, 0, 1 << 63, u64::MAX]);
    assert_eq!(read("x.npy", file(&header("|b1", false, "(3,)"), &[0, 1, 1])).unwrap().values(), [0.0, 1.0, 1.0]);
}

#[test]
fn whole_numbers_that_double_precision_rounds_are_told() {
    for (descr, far) in [("<i8", -(1i64 << 60) - 1), ("<u8", (1i64 << 60) + 1)] {
        let bytes: Vec<u8> = [1 << 60, far].iter().flat_map(|v: &i64| v.to_le_bytes()).collect();
        let table = read("x.npy", file(&header(descr, false, "(2, 1)"), &bytes)).unwrap();
        let [note] = table.notes() else { panic!("{:?}", table.notes()) };
        assert!(note.contains("column `x0`") && note.contains(&format!("{far} in row 2")), "{note}");
    }
}

#[test]
fn both_orders_and_one_dimension() {
    let bytes: Vec<u8> = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let c = read("x.npy", file(&header("<f4", false, "(3, 2)"), &bytes)).unwrap();
    assert_eq!((c.values(), names(&c), c.has_header()), (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..], vec!["x0", "x1"], false));
    let fortran = read("x.npy", file(&header("<f4", true, "(3, 2)"), &bytes)).unwrap();
    assert_eq!(fortran.values(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let column = read("x.npy", file(&header("<f4", false, "(6,)"), &bytes)).unwrap();
    assert_eq!((column.rows(), column.cols()), (6, 1));
    assert_eq!(read("x.npy#1", file(&header("<f4", true, "(3, 2)"), &bytes)).unwrap().values(), [4.0, 5.0, 6.0]);
}

#[test]
fn long_columns_in_fortran_order_come_whole() {
    // longer than what is read at a time
    let (rows, cols) = (20_001, 3);
    let bytes: Vec<u8> = (0..rows * cols).flat_map(|i| (i as f64).to_le_bytes()).collect();
    let table = read("x.npy", file(&header("<f8", true, "(20001, 3)"), &bytes)).unwrap();
    for row in [0, 8191, 8192, 20_000] {
        assert_eq!(table.row(row), [row as f64, (row + rows) as f64, (row + 2 * rows) as f64]);
    }
}

#[test]
fn headers_of_other_writers_are_read() {
    let bytes: Vec<u8> = [1f32, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    for header in [
        "{\"shape\":(2,1),\"fortran_order\":False,\"descr\":\"<f4\"}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 1L), }",
        "  { 'shape' : ( 2 , 1 ) , 'descr' : '<f4' , 'fortran_order' : False }  ",
    ] {
        assert_eq!(read("x.npy", file(header, &bytes)).unwrap().values(), [1.0, 2.0], "{header}");
    }
    // Versions 2 and 3 have a four-byte length.
    for version in [2, 3] {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
        let mut content = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
        content.extend((text.len() as u32).to_le_bytes());
        content.extend(text.as_bytes());
        content.extend(&bytes);
        assert_eq!(read("x.npy", content).unwrap().values(), [1.0, 2.0]);
    }
}

#[test]
fn an_independent_writer_agrees() {
    let mut content = Vec::new();
    let options = npyz::WriteOptions::new().dtype(npyz::DType::Plain(">f8".parse().unwrap())).shape(&[2, 3]);
    let mut array: NpyWriter<f64, _> = options.order(npyz::Order::Fortran).writer(&mut content).begin_nd().unwrap();
    array.extend([1.0, 4.0, 2.0, 5.0, 3.0, 6.0]).unwrap();
    array.finish().unwrap();
    assert_eq!(read("x.npy", content).unwrap().values(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn what_is_written_reads_back_the_same_and_is_what_numpy_writes() {
    let table = Table::new(["a", "b"], vec![1.0f32, -0.1, 1e-38, 3.4e38]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.npy");
    table.write(&path).unwrap();
    assert_eq!(load_path(&path, None, &LoadOptions::default()).unwrap().values(), table.values());
    let content = std::fs::read(&path).unwrap();
    let back = npyz::NpyFile::new(&content[..]).unwrap();
    assert_eq!((back.shape(), back.order(), back.dtype().descr().as_str()), (&[2, 2][..], npyz::Order::C, "'<f4'"));
    assert_eq!(back.into_vec::<f32>().unwrap(), table.single());
    // One column of more digits, and the array has them.
    let table = Table::new(["a", "b"], vec![1.7e9 + 0.25, -0.1, 1e-300, 1e300]).unwrap();
    table.write(&path).unwrap();
    assert_eq!(load_path(&path, None, &LoadOptions::default()).unwrap().values(), table.values());
    let content = std::fs::read(&path).unwrap();
    assert_eq!(npyz::NpyFile::new(&content[..]).unwrap().dtype().descr().as_str(), "'<f8'");
}

#[test]
fn shapes_that_are_no_tables_are_refused() {
    let refused = |shape: &str| sentence(read("x.npy", file(&header("<f4", false, shape), &[0; 4096])));
    assert_eq!(
        refused("(2, 28, 28)"),
        "x.npy: it holds an array of 3 dimensions (2 × 28 × 28): reshape it to rows × columns, as by x.reshape(len(x), -1)"
    );
    assert!(refused("()").contains("a single number"));
    assert_eq!(refused("(0, 3)"), "x.npy: it holds no values (its shape is 0 × 3)");
    assert_eq!(refused("(3, 0)"), "x.npy: it holds no values (its shape is 3 × 0)");
}

#[test]
fn kinds_that_are_no_numbers_are_refused() {
    for (descr, words) in
        [("<c8", "complex"), ("<U5", "text"), ("|O", "Python objects"), ("<M8[ns]", "dates"), ("<f2", "float32")]
    {
        let text = sentence(read("x.npy", file(&header(descr, false, "(2, 2)"), &[0; 64])));
        assert!(text.contains(words) && text.contains(descr), "{text}");
    }
    let record = "{'descr': [('a', '<f4'), ('b', '<f4')], 'fortran_order': False, 'shape': (2,), }";
    assert!(sentence(read("x.npy", file(record, &[0; 16]))).contains("records"));
}

#[test]
fn files_that_are_cut_short_are_refused_whatever_size_they_claim() {
    let whole = file(&header("<f4", false, "(3, 2)"), &[0; 24]);
    for length in 0..whole.len() {
        let text = sentence(read("x.npy", &whole[..length]));
        assert!(text.contains("cut short"), "{length}: {text}");
    }
    assert_eq!(
        sentence(read("x.npy", file(&header("<f8", false, "(1000000, 4)"), &[0; 24]))),
        "x.npy: it is cut short: 1,000,000 × 4 values of 8 bytes do not fit into the 24 bytes after its header; copy or write it again"
    );
    for shape in ["(18446744073709551615, 2)", "(4294967296, 4294967296)", "(9223372036854775807,)", "(99999999999999999999,)"] {
        read("x.npy", file(&header("<f8", false, shape), &[0; 24])).unwrap_err();
    }
    // Brackets nested deeper than a stack: what brings down parsers that recurse.
    let deep = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {}", "(".repeat(60_000));
    assert!(sentence(read("x.npy", file(&deep, &[]))).contains("header"));
}

#[test]
fn values_that_are_not_finite_are_named() {
    let bytes = |values: [f32; 4]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let nan = file(&header("<f4", false, "(2, 2)"), &bytes([1.0, 2.0, 3.0, f32::NAN]));
    assert_eq!(sentence(read("x.npy", &nan)), "column `x1` of x.npy holds NaN in row 2 (of 2): remove the row or fill it in");
    assert_eq!(read("x.npy#0", &nan).unwrap().values(), [1.0, 3.0]);
    let infinite = file(&header("<f4", true, "(2, 2)"), &bytes([1.0, f32::INFINITY, 3.0, 4.0]));
    assert!(sentence(read("x.npy", infinite)).starts_with("column `x0` of x.npy holds inf in row 2 (of 2)"));
}

#[test]
fn weights_are_a_column_by_number() {
    let bytes: Vec<u8> = [1f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let weighted = LoadOptions { weights: Some("1".into()), ..Default::default() };
    let table = load("x.npy", file(&header("<f4", false, "(2, 2)"), &bytes), &weighted).unwrap();
    assert_eq!((table.values(), table.weights()), (&[1.0, 3.0][..], Some(&[2.0, 4.0][..])));
}
