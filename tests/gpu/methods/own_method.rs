//! A whole new method in one file: its settings, what is said of it, and its loss. The one line that makes it known is [`methods::register`].

use crate::methods::GPU;
use pushforward::data::Table;
use pushforward::gpu::{Recorder, Var};
use pushforward::methods::one_step::OneStep;
use pushforward::methods::{self, Dataset, Entry, Learner, Method, Objective, Setup, Training};
use pushforward::model::Model;
use pushforward::settings::{Settings as _, Values};
use pushforward::train::Trainer;
use pushforward::{Result, settings};

settings! {
    /// Settings of `moments`.
    pub struct Moments {
        /// Weight of the second moments (auto: 1 over the number of columns).
        second: Option<f32> = None, or auto, in above(0.0).up_to(10.0),
        /// Moments: means, both.
        moments: Which = Which::Both,
    }
}

/// Which moments are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    Means,
    Both,
}

static ENTRY: Entry = Entry {
    name: "moments",
    summary: "means and second moments",
    training: || Training { steps: 300, hidden_layers: 2, test_fraction: Some(0.0), ..Training::default() },
    ..Entry::UNDOCUMENTED
};

impl Method for Moments {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(Learned { core: OneStep::new(setup)?, settings: self.clone() }))
    }
}

struct Learned {
    core: OneStep,
    settings: Moments,
}

impl Objective for Learned {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, _: &Dataset) -> Result<Var> {
        let distance = |rec: &mut Recorder, y: Var, x: Var| {
            let (y_sum, x_sum) = (rec.sum_rows(y)?, rec.sum_rows(x)?);
            let difference = rec.blend(y_sum, x_sum, 1.0 / y.rows() as f32, -1.0 / x.rows() as f32)?;
            rec.mean_square(difference)
        };
        let first = distance(rec, y, x)?;
        if self.settings.moments == Which::Means {
            return Ok(first);
        }
        let (y2, x2) = (rec.square(y)?, rec.square(x)?);
        let second = distance(rec, y2, x2)?;
        rec.blend(first, second, 1.0, self.settings.second.unwrap_or(1.0 / y.cols() as f32))
    }
}

/// Independent columns of mean 3 and −1 and standard deviation 0.5 and 2, by stratified uniform numbers.
fn table() -> Table {
    let rows = 1024;
    let uniform = |i: usize, step: usize| ((i * step % rows) as f64 + 0.5) / rows as f64 - 0.5;
    let row = |i: usize| [3.0 + 0.5 * 12f64.sqrt() * uniform(i, 1), -1.0 + 2.0 * 12f64.sqrt() * uniform(i, 389)];
    Table::new(["a", "b"], (0..rows).flat_map(row).collect()).unwrap()
}

#[test]
fn a_new_method_is_one_file_and_one_line() {
    methods::register(&Moments::default()).unwrap();

    // By name, with its own defaults, help and choices.
    let (method, training) = methods::configured("moments", &Values::parse("second = 0.5\nbatch_size = 512").unwrap()).unwrap();
    let same: Box<dyn Method> = Box::new(Moments { second: Some(0.5), ..Moments::default() });
    assert!(*method == *same);
    assert_eq!((training.steps, training.batch_size), (300, 512));
    let help: Vec<(String, String)> = Moments::default().keys().into_iter().map(|key| (key.help, key.default)).collect();
    assert_eq!(
        help[0],
        (
            "Weight of the second moments (auto: 1 over the number of columns); above 0 and at most 10, or auto.".into(),
            "auto".into()
        )
    );
    assert_eq!(same.describe().schema["properties"]["moments"]["enum"], serde_json::json!(["means", "both"]));

    // A value out of range, a wrong choice and an unknown key are refused by name.
    for (text, said) in [
        ("second = 11", "`second` is 11: it must be above 0 and at most 10, or auto"),
        ("moments = 'third'", "`moments` cannot be \"third\""),
        ("momemts = 'both'", "did you mean `moments`?"),
    ] {
        let told = methods::configured("moments", &Values::parse(text).unwrap()).unwrap_err().to_string();
        assert!(told.contains(said), "{text}: {told}");
    }
    let told = Trainer::new(Moments { second: Some(0.0), ..Moments::default() }).fit(&GPU, &table());
    assert!(told.is_err_and(|e| e.to_string().contains("`second` is 0")));

    // Trained, saved, loaded and sampled.
    let run = Trainer::new(method).batch_size(512).seed(3).fit(&GPU, &table()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    run.model.save(&file).unwrap();
    let loaded = Model::load(&GPU, &file).unwrap();
    assert!(*loaded.description().method == *same);
    let sample = loaded.sampler().seed(1).draw(4000).unwrap();
    assert_eq!(sample.values(), run.model.sampler().seed(1).draw(4000).unwrap().values());
    for (j, (mean, deviation)) in [(3.0, 0.5), (-1.0, 2.0)].into_iter().enumerate() {
        let found = sample.column(j).sum::<f64>() / 4000.0;
        let spread = (sample.column(j).map(|v| (v - found).powi(2)).sum::<f64>() / 4000.0).sqrt();
        // Means of 4,000 rows are off by a sixtieth of a standard deviation; what was learned may be by as much as a tenth.
        assert!((found - mean).abs() < 0.1 * deviation, "column {j}: mean {found}");
        assert!((spread / deviation - 1.0).abs() < 0.1, "column {j}: standard deviation {spread}");
    }

    // No other method can take its name.
    assert!(methods::register(&Impostor::default()).unwrap_err().to_string().contains("there is already a method `moments`"));
}

settings! {
    /// Another method of the same name.
    pub struct Impostor {
        /// A number.
        number: u32 = 1,
    }
}

static IMPOSTOR: Entry = Entry { name: "moments", summary: "something else", ..Entry::UNDOCUMENTED };

impl Method for Impostor {
    fn entry(&self) -> &'static Entry {
        &IMPOSTOR
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Moments::default().build(setup)
    }
}
