//! `impute`: a table with its missing cells filled, once or several times.

use std::path::{Path, PathBuf};

use pushforward::Error;
use pushforward::data::{FileFormat, Origin, Source, Table, TypeOptions};
use pushforward::model::Model;
use pushforward::words::{count, grouped};

use super::arguments::Impute;
use super::console::Console;
use super::trained::{load, not_the_data, typed_rows, with_integration};
use super::typed::words;

pub fn impute(args: &Impute, adapter: &str, console: Console) -> anyhow::Result<()> {
    let source: Source = args.data.parse()?;
    let Origin::File(file) = &source.origin else {
        return Err(Error::usage(format!("--data {}: a toy distribution has no missing cells; name a file", args.data)).into());
    };
    if source.columns.is_some() {
        return Err(
            Error::usage(format!("--data {}: the whole file is filled in; leave out the columns behind #", args.data)).into()
        );
    }
    let outs: Vec<PathBuf> = match args.draws {
        None => vec![args.out.clone()],
        Some(draws) => (1..=draws).map(|draw| numbered(&args.out, draw)).collect(),
    };
    for out in &outs {
        FileFormat::of(out)?;
        not_the_data(&args.run, out)?;
        if out.exists() && out.canonicalize().ok() == file.canonicalize().ok() {
            return Err(Error::usage(format!("--out {} is the file to fill in: choose another name", out.display())).into());
        }
    }
    let model = with_integration(load(&args.run, adapter, console)?, &args.integration)?;
    let Some(encoding) = model.condition_encoding().filter(|_| model.description().training.impute) else {
        return Err(Error::usage(format!(
            "the model of {} was not trained to impute cells: train one with --set impute=true",
            args.run.display()
        ))
        .into());
    };
    let missing = words(args.missing.as_ref()).or(encoding.missing_words().map(<[String]>::to_vec));
    let options = TypeOptions { missing, ..TypeOptions::default() };
    let rows = typed_rows(&source, &encoding, true, options.missing.as_deref())?;
    console.notes([&rows]);
    let known = encoding.types();
    let other: Vec<&str> =
        rows.columns().iter().map(String::as_str).filter(|name| !known.iter().any(|(known, _)| known == name)).collect();
    if !other.is_empty() {
        console.message(&format!("warning: the model does not know {}: left as they are", other.join(", ")));
    }
    for (out, seed) in outs.iter().zip(args.seed..) {
        let filled = model.impute(&rows, seed)?;
        let cells = write(&filled, &rows, (file, out), &options)?;
        console.message(&format!("filled {} of {} in {}", count(cells, "cell"), count(rows.rows(), "row"), out.display()));
        for said in left(&model, &filled) {
            console.message(&format!("warning: {said}"));
        }
    }
    Ok(())
}

/// The file of one of several draws: the number stands before the endings, of which a packed file has two.
fn numbered(out: &Path, draw: usize) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let packed = [".gz", ".zst"].into_iter().find(|ending| name.to_ascii_lowercase().ends_with(ending)).map_or(0, str::len);
    let (name, packing) = name.split_at(name.len() - packed);
    let (stem, ending) = name.rfind('.').map_or((name, ""), |at| name.split_at(at));
    out.with_file_name(format!("{stem}-{draw}{ending}{packing}"))
}

/// Writes the rows, as the file has them where both are CSV files. Returns how many cells were filled.
fn write(filled: &Table, rows: &Table, (file, out): (&Path, &Path), options: &TypeOptions) -> Result<usize, Error> {
    if [file, out].iter().all(|path| FileFormat::of(path).is_ok_and(|format| format == FileFormat::Csv)) {
        return filled.write_filled(file, options, out);
    }
    filled.write(out)?;
    Ok(missing(rows).iter().sum::<usize>() - missing(filled).iter().sum::<usize>())
}

/// How many cells of each column are missing.
fn missing(table: &Table) -> Vec<usize> {
    let of = |j| table.missing(j).map_or(0, |missing| missing.iter().filter(|missing| **missing).count());
    (0..table.cols()).map(of).collect()
}

/// Which cells stayed empty, and why.
fn left(model: &Model, filled: &Table) -> Vec<String> {
    let types = model.condition_encoding().map(|encoding| {
        encoding.types().into_iter().map(|(name, ty)| (name.to_string(), ty)).collect::<std::collections::HashMap<_, _>>()
    });
    let types = types.unwrap_or_default();
    let told = |(count, name): (usize, &String)| {
        let ty = types.get(name).filter(|_| count > 0)?;
        let why = match ty.is_learned() {
            true => "rows like these hardly ever have it",
            false => "it is not learned",
        };
        Some(format!(
            "{} of column `{name}` stayed empty: {why}",
            match count {
                1 => "1 cell".to_string(),
                more => format!("{} cells", grouped(more)),
            }
        ))
    };
    missing(filled).into_iter().zip(filled.columns()).filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_numbered_before_the_endings() {
        for (out, wanted) in [
            ("a/filled.csv", "a/filled-2.csv"),
            ("filled.csv.gz", "filled-2.csv.gz"),
            ("b.c.csv.zst", "b.c-2.csv.zst"),
            ("filled.parquet", "filled-2.parquet"),
        ] {
            assert_eq!(numbered(Path::new(out), 2), Path::new(wanted));
        }
    }
}
