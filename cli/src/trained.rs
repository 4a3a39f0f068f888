//! `sample`, `push` and `log-density`: what a trained map can do.

use std::path::Path;

use pushforward::Error;
use pushforward::data::{
    ColumnType, Encoding, FileFormat, LoadOptions, Origin, Source, Standardization, Table, TypeOptions, file_hash, groups,
    in_words, nearest,
};
use pushforward::methods::Meaning;
use pushforward::metrics::{Backend, LogLikelihood, Points, diversity};
use pushforward::model::{Description, Left, LogDensity, Mixing, Model, SMALL, Solved};
use pushforward::report::run::with_error;
use pushforward::settings::Values;
use pushforward::words::{count, number};
use serde_json::json;

use super::arguments::{self, Integration, Push, Sample};
use super::console::{Console, print, print_object};
use super::progress::Share;
use super::typed::words;

/// Bandwidth of the Vendi score, in standard deviations of a column.
const BANDWIDTH: f64 = 0.1;
/// Values that one call may draw: 8 GiB of them.
const MOST_VALUES: usize = 1 << 30;

pub fn sample(args: &Sample, adapter: &str, console: Console) -> anyhow::Result<()> {
    FileFormat::of(&args.out)?;
    not_the_data(&args.run, &args.out)?;
    if let Some(file) = &args.trajectories {
        FileFormat::of(file)?;
        not_the_data(&args.run, file)?;
    }
    let opened = || -> Result<Model, Error> {
        let model = with_integration(load(&args.run, adapter, console)?, &args.integration)?;
        match args.temperature {
            Some(temperature) => model.with_temperature(temperature),
            None => Ok(model),
        }
    };
    let model = opened()?;
    if args.trajectories.is_some() && model.description().conditions > 0 {
        return Err(Error::usage("--trajectories is for models that were trained without --condition").into());
    }
    if args.trajectories.is_some() {
        model.of_numbers()?;
    }
    let cols = model.description().columns.len();
    let is_number = |(_, ty): (&str, ColumnType)| matches!(ty, ColumnType::Number | ColumnType::Integer);
    let in_words = model.description().encoding.as_ref().is_some_and(|encoding| !encoding.types().into_iter().all(is_number));
    if in_words && FileFormat::of(&args.out)? == FileFormat::Npy {
        return Err(Error::usage(
            "this model learned categories or dates, which an array cannot hold: name a .csv or .parquet file",
        )
        .into());
    }
    let missing = words(args.missing.as_ref());
    let given = if args.given.is_empty() { None } else { Some(given(&model, &args.given, missing.as_deref())?) };
    console.notes(&given);
    if let Some(given) = &given {
        warn_of_conditions(&model, given, console)?;
    }
    let n = match (args.n, &given) {
        (Some(n), _) => n,
        (None, Some(_)) => 1,
        (None, None) => return Err(Error::usage(format!("the number of samples is missing: add {}", asked(&model, 1000))).into()),
    };
    let values = n.saturating_mul(given.as_ref().map_or(1, Table::rows)).saturating_mul(cols);
    if values > MOST_VALUES {
        return Err(Error::usage(format!(
            "-n {n} asks for {values} values at once, and {MOST_VALUES} is the most: draw fewer rows per file, with another --seed for each"
        ))
        .into());
    }
    let draw = |model: &Model| match &given {
        Some(given) => model.sample_given(given, n, args.seed),
        None => model.sample(n, args.seed),
    };
    let rows = draw(&model)?;
    write(&model, &rows, &args.out, console)?;
    if let Some(mixing) = model.mixing(args.seed)? {
        console.message(&said_of(&mixing));
    }
    // How diverse rows are is said of numbers.
    if model.repels() && model.of_numbers().is_ok() {
        let alone = opened()?.with_sampling(|sampling| sampling.repulsion = 0.0)?;
        console.message(&diversity_of(&draw(&alone)?, &rows, adapter, console)?);
    }
    if let Some(file) = &args.trajectories {
        let trajectories = model.trajectories(n, args.seed)?;
        trajectories.write(file)?;
        console.message(&format!(
            "wrote the trajectories of {}, {}, to {}",
            count(n, "row"),
            count(trajectories.rows(), "point"),
            file.display()
        ));
    }
    Ok(())
}

/// How the chains behind a sample mix, in one line.
fn said_of(mixing: &Mixing) -> String {
    let Mixing { acceptance, autocorrelation_time, moves, traced } = *mixing;
    // A sum over lags wants many times its length to be seen (Sokal 1997).
    let short = match autocorrelation_time > traced as f64 / 10.0 {
        true => "; the time may be longer: there are too few moves to measure it (sample_steps)",
        false => "",
    };
    format!(
        "its chains accepted {} % of their moves; autocorrelation time {} moves (the slowest column): the {moves} moves of a chain are worth {} independent draws{short}",
        number(100.0 * acceptance, 3),
        number(autocorrelation_time, 3),
        number(mixing.effective_sample_size(), 3)
    )
}

/// The arguments that `sample` needs for `n` rows of this model.
pub fn asked(model: &Model, n: usize) -> String {
    match model.description().conditions {
        0 => format!("-n {n}"),
        _ => "--given rows.csv".into(),
    }
}

/// Which step the model of a run that has not finished is of.
pub fn step_left(description: &Description) -> Option<String> {
    let why = match description.unfinished? {
        Left::Best => "the best so far",
        Left::Last => "the last checkpoint",
    };
    let [step, steps] = [description.steps, description.training.steps.into()].map(|steps| number(steps as f64, 12));
    Some(format!("step {step} of {steps}, {why}"))
}

/// Writes rows of a model's columns: to a CSV file given texts as texts.
fn write(model: &Model, rows: &Table, out: &Path, console: Console) -> Result<(), Error> {
    if model.description().encoding.is_some() {
        rows.write(out)?;
        console.message(&format!("wrote {} of {} to {}", count(rows.rows(), "row"), count(rows.cols(), "column"), out.display()));
        return Ok(());
    }
    let conditions = model.description().conditions;
    rows.write_texts(out, conditions)?;
    let format = FileFormat::of(out)?;
    let columns = if format == FileFormat::Csv { groups(rows.columns()).len() } else { rows.cols() };
    console.message(&format!("wrote {} of {} to {}", count(rows.rows(), "row"), count(columns, "column"), out.display()));
    if conditions > 0 && format == FileFormat::Npy {
        console.message(&format!("its columns, which have no names there, are {}", rows.columns().join(", ")));
    }
    Ok(())
}

/// The rows that a model generates from: those of a file, or one of values said one by one.
fn given(model: &Model, said: &[String], missing: Option<&[String]>) -> Result<Table, Error> {
    let names = model.description().parted().1;
    let any = model.description().training.impute;
    if names.is_empty() && !any {
        return Err(Error::usage(
            "--given: this model was trained without --condition; leave out --given, or train one with --set impute=true, which any columns can be given to",
        ));
    }
    if let Some(encoding) = model.condition_encoding() {
        return typed_given(&encoding, said, any, missing);
    }
    if let [one] = said
        && let Ok(source) = one.parse::<Source>()
        && (!one.contains('=') || matches!(&source.origin, Origin::File(path) if path.exists()))
    {
        // A file whose columns have no names is read as it stands.
        let options = LoadOptions { skip_missing: true, ..LoadOptions::default() };
        let plain = source.load(0, &options).ok().filter(|table| !table.has_header());
        return plain.map_or_else(|| chosen(source.origin, names, &options), Ok);
    }
    let known = || format!("the conditioning columns are {}", in_words(names));
    let groups = groups(names);
    let mut values = vec![None; names.len()];
    for text in said {
        let (column, value) = text
            .split_once('=')
            .ok_or_else(|| Error::usage(format!("--given {text}: write COLUMN=VALUE, or name one file; {}", known())))?;
        let Some(group) = groups.iter().find(|group| group.column == column) else {
            let near = nearest(column, groups.iter().map(|group| group.column));
            let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            return Err(Error::usage(format!("--given {text}: there is no conditioning column `{column}`{hint}; {}", known())));
        };
        if values[group.first].is_some() {
            return Err(Error::usage(format!(
                "--given names `{column}` twice: give one value per column, or many rows in a file"
            )));
        }
        if group.levels.is_empty() {
            let number = value.parse().ok().filter(|v: &f64| v.is_finite());
            let number = number
                .ok_or_else(|| Error::usage(format!("--given {text}: `{column}` is numeric, and `{value}` is not a number")))?;
            values[group.first] = Some(number);
            continue;
        }
        let Some(level) = group.levels.iter().position(|level| *level == value) else {
            let near = nearest(value, group.levels.iter().copied());
            let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            let levels = group.levels.join(", ");
            return Err(Error::usage(format!(
                "--given {text}: `{value}` is not a category of `{column}` in the training data{hint}; its categories are {levels}"
            )));
        };
        for (k, indicator) in values[group.first..][..group.width()].iter_mut().enumerate() {
            *indicator = Some(f64::from(u8::from(k == level)));
        }
    }
    if let Some(missing) = groups.iter().find(|group| values[group.first].is_none()) {
        return Err(Error::usage(format!("--given: `{}` is missing; {}", missing.column, known())));
    }
    Table::new(names.iter().cloned(), values.into_iter().flatten().collect())
}

/// The same where the conditions have types; `any` of them, where the model allows it.
fn typed_given(encoding: &Encoding, said: &[String], any: bool, missing: Option<&[String]>) -> Result<Table, Error> {
    if let [one] = said
        && let Ok(source) = one.parse::<Source>()
        && (!one.contains('=') || matches!(&source.origin, Origin::File(path) if path.exists()))
    {
        return typed_rows(&source, encoding, any, missing);
    }
    let cells: Vec<(&str, &str)> = said
        .iter()
        .map(|text| {
            text.split_once('=').ok_or_else(|| Error::usage(format!("--given {text}: write COLUMN=VALUE, or name one file")))
        })
        .collect::<Result<_, _>>()?;
    let known = |name: &str| encoding.types().iter().any(|(column, _)| *column == name);
    let names: Vec<String> = cells.iter().map(|(name, _)| name.to_string()).collect();
    // One that is not there is told among all.
    let encoding = if any && names.iter().all(|name| known(name)) { &encoding.select(&names) } else { encoding };
    encoding.row(&cells).map_err(|e| Error::usage(format!("--given: {e}")))
}

/// Rows of a source with the types of the columns that are learned: few rows may not show what a column is. Where any columns will do it may lack some. Words for missing cells are
/// those of the training rows, unless others are named.
pub fn typed_rows(source: &Source, encoding: &Encoding, any: bool, missing: Option<&[String]>) -> Result<Table, Error> {
    let there = if any { source.column_names()? } else { Vec::new() };
    // With missing cells whole numbers are written as 2007.0 by some programs, and as the file has them they are filled in.
    let asked = |ty: ColumnType| if any && ty == ColumnType::Integer { ColumnType::Number } else { ty };
    let types = encoding.types().into_iter().filter(|(_, ty)| ty.is_learned()).map(|(name, ty)| (name.to_string(), asked(ty)));
    let types = TypeOptions {
        types: types.filter(|(name, _)| !any || there.contains(name)).collect(),
        missing: missing.or(encoding.missing_words()).map(<[String]>::to_vec),
        ..TypeOptions::default()
    };
    source.load_typed(0, &LoadOptions::default(), &types)
}

/// These columns of a source, indicators by their texts.
fn chosen(origin: Origin, names: &[String], options: &LoadOptions) -> Result<Table, Error> {
    let source = Source { origin, columns: Some(names.to_vec()) };
    source.check_levels()?;
    source.load(0, options)
}

/// The points to push: latents, and behind them what is given, by columns of the same file or by `said`.
fn points(model: &Model, input: &str, said: &[String]) -> Result<Table, Error> {
    let (source, names) = (input.parse::<Source>()?, model.description().parted().1);
    if said.is_empty() {
        if groups(names).iter().all(|group| group.levels.is_empty()) {
            return source.load(0, &LoadOptions::default());
        }
        let source = source.with_behind(names)?;
        source.check_levels()?;
        return source.load(0, &LoadOptions::default());
    }
    let (latents, given) = (source.load(0, &LoadOptions::default())?, given(model, said, None)?.align(names)?);
    if given.rows() != 1 && given.rows() != latents.rows() {
        return Err(Error::usage(format!(
            "--given has {} and --input {}: give one row, or one for each point",
            count(given.rows(), "row"),
            latents.rows()
        )));
    }
    let behind = |row: usize| if given.rows() == 1 { given.row(0) } else { given.row(row) };
    let rows = (0..latents.rows()).flat_map(|row| [latents.row(row), behind(row)].concat()).collect();
    let columns = latents.columns().iter().chain(names).cloned();
    Ok(Table::new(columns, rows)?.from_origin(latents.origin()))
}

/// How diverse rows are with repulsion and without, in one line.
fn diversity_of(before: &Table, after: &Table, adapter: &str, console: Console) -> anyhow::Result<String> {
    if before.rows() < 2 {
        return Ok("repulsion needs two samples or more".into());
    }
    // Each column in its own standard deviation, as the repulsion had it.
    let units = Standardization::fit(before);
    let on = Backend::Gpu(super::device::open(adapter, console)?);
    let scores = |table: &Table| -> Result<_, Error> {
        let values = units.apply(table.values())?;
        diversity::scores(&on, Points::new(&values, table.rows(), table.cols())?, BANDWIDTH, 0)
    };
    let (before, after) = (scores(before)?, scores(after)?);
    Ok(format!(
        "with repulsion the nearest other row is {} standard deviations away on average, and {} without; different rows (Vendi score of up to 1,000, bandwidth {BANDWIDTH}): {} and {}",
        number(after.nearest.value, 3),
        number(before.nearest.value, 3),
        number(after.vendi.value, 4),
        number(before.vendi.value, 4)
    ))
}

/// The model with its equation solved as the flags say.
pub fn with_integration(model: Model, flags: &Integration) -> Result<Model, Error> {
    let mut values = Values::default();
    if let Some(solver) = &flags.solver {
        values.insert("solver", solver);
    }
    if let Some(steps) = flags.steps {
        values.insert("solver_steps", steps);
    }
    values.extend(Values::of_assignments(flags.set.iter().map(String::as_str))?);
    if values.is_empty() { Ok(model) } else { model.with_values(&values) }
}

pub fn push(args: &Push, adapter: &str, console: Console) -> anyhow::Result<()> {
    FileFormat::of(&args.out)?;
    not_the_data(&args.run, &args.out)?;
    let model = with_integration(load(&args.run, adapter, console)?, &args.integration)?;
    model.of_numbers()?;
    let points = match args.inverse {
        true => rows_of(&model, &args.input, None)?,
        false => points(&model, &args.input, &args.given)?,
    };
    console.notes([&points]);
    warn_of_conditions(&model, &points, console)?;
    let rows = match args.inverse {
        true => model.pull(&points)?.ok_or_else(|| lacks(&model, "inverse map", "--inverse"))?,
        false => model.push(&points)?,
    };
    let behind = if args.inverse { 0 } else { model.description().conditions };
    rows.write_texts(&args.out, behind)?;
    let way = if args.inverse { "back " } else { "" };
    console.message(&format!("pushed {} {way}to {}", count(rows.rows(), "point"), args.out.display()));
    if let Some(solved) = model.solved() {
        console.message(&said_of_solver(&solved, "standard deviations"));
    }
    Ok(())
}

/// Warns of conditions that training has not seen the like of.
fn warn_of_conditions(model: &Model, rows: &Table, console: Console) -> Result<(), Error> {
    if model.description().encoding.is_some() {
        return Ok(());
    }
    // Points of a file without a header have no names to find conditions by: they are the last.
    let names = model.description().parted().1;
    let last = rows.cols().saturating_sub(names.len());
    let behind: Vec<usize> = (last..rows.cols()).collect();
    let named = names.iter().all(|name| rows.columns().contains(name));
    let rows = if named { rows.clone() } else { rows.select_columns(&behind) };
    for said in model.conditions_outside(&rows)? {
        console.message(&format!("warning: {said}"));
    }
    Ok(())
}

/// How an equation was solved and how far off that is, in one line.
fn said_of_solver(solved: &Solved, unit: &str) -> String {
    let Solved { tolerance, evaluations, rows, mean, most } = *solved;
    let warning = if most > SMALL { "warning: " } else { "" };
    let remedy = if most > SMALL {
        format!("; it is above {SMALL} where the velocity field is steep, and single precision allows no smaller tolerance")
    } else {
        String::new()
    };
    format!(
        "{warning}solver error at most {} {unit}, mean {} (dopri5 at tolerance {} against ten times that, over {}; {}){remedy}",
        number(most, 2),
        number(mean, 2),
        number(tolerance, 2),
        count(rows, "row"),
        count(evaluations, "evaluation"),
    )
}

pub fn log_density(args: &arguments::LogDensity, adapter: &str, console: Console) -> anyhow::Result<()> {
    if let Some(out) = &args.out {
        FileFormat::of(out)?;
        not_the_data(&args.run, out)?;
    }
    let model = with_integration(load(&args.run, adapter, console)?, &args.integration)?;
    let description = model.description();
    let rows = rows_of(&model, &args.data, words(args.missing.as_ref()).as_deref())?;
    console.notes([&rows]);
    warn_of_conditions(&model, &rows, console)?;
    let rows = match description.encoding {
        Some(_) => rows,
        None => description.dequantized(&rows.align(&description.columns)?, 1),
    };
    let LogDensity { values, errors, lower_bound } =
        model.log_density(&rows)?.ok_or_else(|| lacks(&model, "density", "log-density"))?;
    if let Some(out) = &args.out {
        let table = match &errors {
            None => Table::new(["log_density"], values.clone())?,
            Some(errors) => {
                let pairs = values.iter().zip(errors).flat_map(|(&value, &error)| [value, error]).collect();
                Table::new(["log_density", "standard_error"], pairs)?
            }
        };
        table.write(out)?;
        console.message(&format!("wrote the log-density of {} to {}", count(values.len(), "row"), out.display()));
    }
    let found = LogLikelihood::of(values.iter().map(|&v| f64::from(v)), description.dimensions());
    // The error of the probes alone, which is part of the spread.
    let means = model.learner().density_means();
    let of_all = |errors: Vec<f32>| match means {
        // One error that all rows share does not average out.
        Meaning::Normalized { .. } => mean_of(&errors),
        _ => errors.iter().map(|&e| f64::from(e).powi(2)).sum::<f64>().sqrt() / values.len() as f64,
    };
    let probes = errors.map(of_all);
    // What training maximized, such as the evidence lower bound.
    let trained =
        if matches!(means, Meaning::LowerBound { .. }) { model.trained_bound(&rows)?.map(|bound| mean_of(&bound)) } else { None };
    if args.json {
        let said = json!({
            "rows": found.rows, "mean": found.mean, "standard_error": found.standard_error, "probe_error": probes,
            "bits_per_dimension": found.bits_per_dimension, "lower_bound": lower_bound, "trained_bound": trained,
            "solver": model.solved(),
        });
        return print_object(&said);
    }
    if let Some(solved) = model.solved() {
        console.message(&said_of_solver(&solved, "nats"));
    }
    let random = match means {
        _ if description.encoding.is_some() => "the draws of noise",
        Meaning::Density => "random probes of the divergence",
        Meaning::LowerBound { .. } => "importance samples",
        Meaning::Normalized { .. } => "the draws that estimate the constant",
    };
    let of_probes = probes.map_or(String::new(), |e| format!(" (± {} of it from {random})", number(e, 2)));
    let bits = number(found.bits_per_dimension, 4);
    let of_training = trained.map_or(String::new(), |bound| format!("; the bound that training maximizes: {bound:.4}"));
    Ok(print(&format!(
        "mean log-density of {}: {} nats{of_probes}, {bits} bits per dimension{}{of_training}\n",
        count(found.rows, "row"),
        with_error(&found),
        model.density_said()
    ))?)
}

fn mean_of(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64
}

/// Rows whose density is asked for: of a model with categorical conditions, the columns that it knows.
fn rows_of(model: &Model, text: &str, missing: Option<&[String]>) -> Result<Table, Error> {
    let (source, description) = (text.parse::<Source>()?, model.description());
    if let Some(encoding) = &description.encoding {
        return typed_rows(&source, encoding, false, missing);
    }
    let leveled = groups(description.parted().1).iter().any(|group| !group.levels.is_empty());
    if leveled
        && source.columns.is_none()
        && matches!(&source.origin, Origin::File(path) if FileFormat::of(path)? == FileFormat::Csv)
    {
        return chosen(source.origin, &description.columns, &LoadOptions::default());
    }
    source.load(0, &LoadOptions::default())
}

/// Refuses to write over a file that the run was made from: there may be no other copy of it.
pub fn not_the_data(run: &Path, out: &Path) -> Result<(), Error> {
    let folder = if run.is_dir() { run } else { run.parent().unwrap_or(Path::new(".")) };
    let Ok(text) = std::fs::read_to_string(folder.join("config.toml")) else { return Ok(()) };
    let config: toml::Table = text.parse().unwrap_or_default();
    let of = |key: &str| config.get("data").and_then(|data| data.get(key)).and_then(toml::Value::as_str);
    let same_place = |source: &str| match source.parse::<Source>().map(|source| source.origin) {
        Ok(Origin::File(path)) => path.canonicalize().is_ok_and(|path| out.canonicalize().is_ok_and(|out| out == path)),
        _ => false,
    };
    let is_data = ["source", "validation", "test"].into_iter().filter_map(of).any(same_place);
    // The run may have been made in another folder.
    let same_content = || of("file_sha256").is_some_and(|hash| file_hash(out).is_ok_and(|own| own == hash));
    match out.exists() && (is_data || same_content()) {
        true => Err(Error::usage(format!(
            "--out {} is a file that {} was trained or scored on: choose another name",
            out.display(),
            run.display()
        ))),
        false => Ok(()),
    }
}

pub fn load(run: &Path, adapter: &str, console: Console) -> Result<Model, Error> {
    let model = Model::load(&super::device::open(adapter, console)?, run)?;
    if let Some(step) = step_left(model.description()) {
        console.message(&format!("{}: training has not finished; this is the model of {step}", run.display()));
    }
    let share = Share::new(console);
    Ok(model.with_watch(move |done| share.update(done)))
}

fn lacks(model: &Model, what: &str, asked: &str) -> Error {
    let method = model.description().method.name();
    Error::usage(format!(
        "{asked}: a model of method `{method}` has no {what}; `pushforward methods` shows which methods have one"
    ))
}
