//! No damaged model file panics, hangs or takes memory that it does not have numbers for: it is refused with a sentence, or it works. `PROPTEST_CASES` says how many
//! files are tried.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use pushforward::data::{Column, DateForm, Table};
use pushforward::model::Model;
use pushforward::train::{self, Encoded, Job};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::{GPU, Silent, job};

/// A column of each type, one with missing cells, one by ranks.
fn table() -> Table {
    let noise = pushforward::data::toy::Toy::Gaussian.sample(200, 5);
    let x: Vec<f64> = noise.column(0).collect();
    let date = DateForm { pattern: "%Y-%m-%d".into(), offset: None };
    Table::from_columns([
        Column::numbers("x", x.clone()).with_missing((0..200).map(|i| i % 10 == 3).collect()).unwrap(),
        Column::numbers("tail", x.iter().map(|x| (2.0 * x).exp()).collect()),
        Column::integers("n", x.iter().map(|x| (40.0 * x) as i64).collect()),
        Column::dates("day", (0..200).map(|i| i * i % 150 * 86_400_000_000).collect(), date),
        Column::categories("level", (0..200).map(|i| i % 3).collect(), ["a", "b", "c"]).unwrap(),
        Column::integers("is_even", (0..200).map(|i| (i + 1) % 2).collect()),
        Column::integers("is_odd", (0..200).map(|i| i % 2).collect()),
    ])
    .unwrap()
}

/// Model files: of a density in one step, of an equation, of a sampler alone, and of one that any columns can be given to.
static MODELS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let learn = |(method, extra): (&str, &str)| {
        let out = tempfile::tempdir().unwrap();
        let settings = format!("hidden_width = 8\nhidden_layers = 2\nsteps = 2\nbatch_size = 32\n{extra}");
        let own = job(table(), "a test", method, &settings, out.path());
        let encoded = Encoded::of(own.table, 0, (own.method.as_ref(), &own.training), [false; 2], 0).unwrap();
        let Encoded { table, encoding, conditions, split } = encoded;
        let own = Job { table, encoding, conditions, split, ..own };
        train::train(&GPU, own, &mut Silent, &AtomicBool::new(false)).unwrap();
        std::fs::read(out.path().join("model.safetensors")).unwrap()
    };
    [("realnvp", ""), ("flow-matching", "impute = true"), ("energy", ""), ("vae", "")].map(learn).into()
});

/// The places of a value's parts, from the outermost in.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_string());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| places(item, &format!("{at}/{i}"), found)),
        Value::Object(items) => items.iter().for_each(|(key, item)| places(item, &format!("{at}/{key}"), found)),
        _ => {}
    }
}

/// Puts another value in one place of a description, or takes it out.
fn changed(said: &mut Value, random: &mut Xoshiro256PlusPlus) {
    let mut all = Vec::new();
    places(said, "", &mut all);
    let place = all.swap_remove(random.random_range(1..all.len()));
    let Some(own) = said.pointer_mut(&place) else { return };
    let numbers = [0.0, -1.0, 1.0, 0.5, 7.0, 63.0, 1e9, 4_294_967_295.0, -1e300, 1e300, 1e-300];
    *own = match (random.random_range(0..6), own.clone()) {
        (0, _) => Value::Null,
        (1, Value::Array(mut items)) if !items.is_empty() => {
            items.remove(random.random_range(0..items.len()));
            Value::Array(items)
        }
        (2, Value::Array(mut items)) if !items.is_empty() => {
            let again = items[random.random_range(0..items.len())].clone();
            items.insert(random.random_range(0..=items.len()), again);
            Value::Array(items)
        }
        (3, Value::String(text)) => Value::String(text.chars().rev().collect::<String>() + "%"),
        (0..=3, Value::Bool(is)) => Value::Bool(!is),
        (4, Value::Number(number)) if number.is_i64() || number.is_u64() => Value::from(random.random_range(-3..1i64 << 40)),
        (_, Value::Number(number)) if number.is_i64() || number.is_u64() => {
            Value::from(numbers[random.random_range(0..numbers.len())] as i64)
        }
        (_, Value::Number(_)) => Value::from(numbers[random.random_range(0..numbers.len())]),
        (_, other) => other,
    };
}

/// A model file with changes in its description, in its weights or anywhere.
fn damaged(file: &[u8], random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let (mut head, mut body) = (file[8..8 + header].to_vec(), file[8 + header..].to_vec());
    match random.random_range(0..10) {
        0..7 => {
            let mut all: Value = serde_json::from_slice(&head).unwrap();
            let text = all["__metadata__"]["pushforward"].as_str().unwrap().to_string();
            let mut said: Value = serde_json::from_str(&text).unwrap();
            (0..random.random_range(1..3)).for_each(|_| changed(&mut said, random));
            all["__metadata__"]["pushforward"] = Value::String(said.to_string());
            head = serde_json::to_vec(&all).unwrap();
        }
        7 => {
            for _ in 0..random.random_range(1..20) {
                let at = random.random_range(0..body.len() / 4) * 4;
                let value = [f32::NAN, f32::INFINITY, -1e30, 1e30, 0.0][random.random_range(0..5)];
                body[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
        }
        8 => {
            let at = random.random_range(0..head.len());
            head[at] = random.random();
        }
        _ => body.truncate(random.random_range(0..body.len())),
    }
    let mut all = (head.len() as u64).to_le_bytes().to_vec();
    all.extend(head);
    all.extend(body);
    if random.random_range(0..20) == 0 {
        all[random.random_range(0..8)] = random.random();
    }
    all
}

/// Loads a file and does with it what people do.
fn survives(content: &[u8], path: &Path) -> Result<(), TestCaseError> {
    std::fs::write(path, content).unwrap();
    let model = match Model::load(&GPU, path) {
        Ok(model) => model,
        Err(error) => {
            prop_assert!(!error.to_string().is_empty());
            return Ok(());
        }
    };
    if let Ok(rows) = model.sample(5, 1) {
        prop_assert_eq!(rows.rows(), 5);
        rows.write(path.with_extension("csv")).unwrap();
    }
    let _ = model.log_density(&table().select_rows(&[0, 3, 7]));
    Ok(())
}

/// How many files are tried: many in a long run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..Default::default() })]

    #[test]
    fn model_files_are_refused_or_work(seed: u64, which in 0..4usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        survives(&damaged(&MODELS[which], &mut random), &folder.path().join("model.safetensors"))?;
    }
}

/// Singular values of such a matrix were looked for without end.
#[test]
fn weights_that_are_not_finite_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for value in [f32::NAN, f32::INFINITY] {
        let mut file = MODELS[1].clone();
        let end = file.len();
        file[end - 4..].copy_from_slice(&value.to_le_bytes());
        std::fs::write(&path, file).unwrap();
        let said = Model::load(&GPU, &path).err().expect("this should have been refused").to_string();
        assert!(said.contains("is damaged: `") && said.ends_with("has weights that are not finite"), "{said}");
    }
}

#[test]
fn model_files_as_they_were_written_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for file in MODELS.iter() {
        std::fs::write(&path, file).unwrap();
        let rows = Model::load(&GPU, &path).unwrap().sample(5, 1).unwrap();
        assert_eq!(rows.columns(), table().columns());
    }
}
