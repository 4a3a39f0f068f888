//! `adapters` and `methods`: what there is to choose from.

use pushforward::gpu;
use pushforward::methods::{self, Method, Summary};
use pushforward::settings::Key;
use pushforward::words::table;

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
        (Some(name), true) => serde_json::to_string_pretty(&methods::by_name(name)?.describe())?,
        (None, true) => serde_json::to_string_pretty(&described())?,
        (Some(name), false) => settings(methods::by_name(name)?.as_ref()),
        (None, false) => all(),
    };
    Ok(print(&text)?)
}

fn described() -> Vec<Summary> {
    methods::all().iter().map(|method| method.describe()).collect()
}

fn all() -> String {
    let yes = |has: bool| if has { "yes" } else { "no" }.to_string();
    let mut rows = vec![["method", "density", "inverse", "paper", "learns"].map(String::from).to_vec()];
    for method in described() {
        rows.push(vec![method.name.into(), yes(method.density), yes(method.inverse), method.paper.into(), method.summary.into()]);
    }
    format!("{}\n`pushforward methods METHOD` shows the settings of one.\n", table(&rows))
}

fn settings(method: &dyn Method) -> String {
    let Summary { name, summary, paper, use_when, avoid_when, settings, shared_settings, .. } = method.describe();
    let mut text = format!("{name}: {summary}\nPaper: {paper}\nUse it when: {use_when}\nNot when: {avoid_when}\n");
    for (title, keys) in [(format!("Settings of {name}"), settings), ("Settings of every method".into(), shared_settings)] {
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
