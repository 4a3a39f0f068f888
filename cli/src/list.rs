//! `adapters` and `methods`: what there is to choose from.

use pushforward::gpu;
use pushforward::methods::{self, Entry, REGISTRY};
use pushforward::settings::Key;
use pushforward::words::table;
use serde_json::{Value, json};

use super::arguments::{Json, Methods};
use super::console::print;

pub fn adapters(args: &Json) -> anyhow::Result<()> {
    let found = gpu::adapters()?;
    if args.json {
        return Ok(print(&serde_json::to_string_pretty(&found)?)?);
    }
    let mut rows = vec![["", "name", "kind", "backend", "largest buffer", "driver"].map(String::from).to_vec()];
    for adapter in &found {
        let mark = if adapter.default { "*" } else { "" };
        rows.push(vec![
            mark.into(),
            adapter.name.clone(),
            adapter.kind.into(),
            adapter.backend.clone(),
            binary(adapter.max_storage_binding_bytes),
            adapter.driver.clone(),
        ]);
    }
    let mut text = format!("{}* is what --adapter auto takes\n", table(&rows));
    for adapter in &found {
        text += &format!("\n{}\n  kernels  {} ({})\n", adapter.name, adapter.kernel_family, adapter.kernel_family_reason);
        if let Some(warning) = &adapter.warning {
            text += &format!("  warning  {warning}\n");
        }
    }
    Ok(print(&text)?)
}

/// Bytes in the largest unit that fits.
fn binary(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (bytes.max(1).ilog2() / 10).min(4);
    let value = bytes as f64 / f64::from(1 << (10 * power.min(3))) / if power == 4 { 1024.0 } else { 1.0 };
    format!("{} {}", (value * 10.0).round() / 10.0, units[power as usize])
}

pub fn methods(args: &Methods) -> anyhow::Result<()> {
    let text = match (&args.method, args.json) {
        (Some(name), true) => serde_json::to_string_pretty(&described(methods::find(name)?))?,
        (None, true) => serde_json::to_string_pretty(&REGISTRY.iter().map(described).collect::<Vec<_>>())?,
        (Some(name), false) => settings(methods::find(name)?),
        (None, false) => all(),
    };
    Ok(print(&text)?)
}

/// What the registry says, with the settings that all methods share.
fn described(entry: &Entry) -> Value {
    let mut value = json!(entry.describe());
    value["shared_settings"] = json!(entry.shared_keys());
    value
}

fn all() -> String {
    let yes = |has: bool| if has { "yes" } else { "no" }.to_string();
    let mut rows = vec![["method", "density", "inverse", "paper", "learns"].map(String::from).to_vec()];
    for method in REGISTRY.iter().map(Entry::describe) {
        rows.push(vec![method.name.into(), yes(method.density), yes(method.inverse), method.paper.into(), method.summary.into()]);
    }
    format!("{}\n`pushforward methods METHOD` shows the settings of one.\n", table(&rows))
}

fn settings(entry: &Entry) -> String {
    let method = entry.describe();
    let mut text = format!("{}: {}\nPaper: {}\n", method.name, method.summary, method.paper);
    for (title, keys) in
        [(format!("Settings of {}", method.name), entry.keys()), ("Settings of every method".into(), entry.shared_keys())]
    {
        if !keys.is_empty() {
            text += &format!("\n{title} (--set key=value, or in the --config file)\n{}", listed(&keys));
        }
    }
    text
}

/// Settings, one a line.
pub fn listed(keys: &[Key]) -> String {
    let rows: Vec<Vec<String>> =
        keys.iter().map(|key| vec![format!("  {}", key.name), format!("= {}", key.default), key.help.clone()]).collect();
    table(&rows)
}
