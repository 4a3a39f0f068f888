//! `bench --compare`: exit statuses, outputs, and what is refused. No device is opened here: the driver is hidden.

use super::{Desk, Ended};

/// A measured case as a line of JSON.
fn line(case: &str, median: f64, noise: f64) -> String {
    let (low, high) = (median * (1.0 - noise), median * (1.0 + noise));
    format!(
        r#"{{"case":"{case}","schema":1,"median_ms":{median},"min_ms":{low},"q25_ms":{low},"q75_ms":{high},"runs":40,"rate":1.0,"unit":"Mpairs/s","ceiling_share":null,"adapter":"an adapter","driver":"a driver","backend":"vulkan","kernel_family":"tile","vector_bits":null,"threads":null,"cpu":null,"version":"0.1.0","commit":null,"unix_time":1700000000}}"#
    )
}

/// A folder with a baseline of two cases, and files beside it.
fn desk() -> Desk {
    let desk = Desk::new();
    let two = |mmd, gemm| format!("{}\n{}\n", line("mmd/n8192-d2", mmd, 0.01), line("gemm/1024", gemm, 0.01));
    desk.file("old.json", two(36.0, 12.0)).file("same.json", two(36.2, 11.9)).file("faster.json", two(30.0, 12.0));
    desk.file("slower.json", two(36.0, 15.0));
    desk
}

/// Runs a comparison on a machine without any adapter.
fn run(desk: &Desk, words: &str) -> Ended {
    let mut command = desk.command(words);
    for name in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        command.env(name, "/nonexistent.json");
    }
    command.env("WGPU_BACKEND", "vulkan");
    Ended::of(command, words)
}

#[test]
fn a_regression_is_status_1_and_all_else_is_not() {
    let desk = desk();
    for words in [
        "bench --compare old.json same.json",
        "bench --compare old.json faster.json same.json",
        "bench --compare old.json slower.json --threshold 30",
        "bench --compare old.json slower.json --threshold inf",
        "bench --compare old.json slower.json --filter mmd",
        "bench --compare slower.json old.json",
    ] {
        let ended = run(&desk, words);
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{words}");
        assert!(ended.out.contains("mmd/n8192-d2"), "{}", ended.out);
    }
    let ended = run(&desk, "bench --compare old.json same.json slower.json");
    ended.failed(1, &["1 time is slower than in old", "gemm/1024 in slower (1.25×)"]);
    assert!(ended.out.contains("1.25  regression") && ended.out.contains("geometric mean of 2 cases"), "{}", ended.out);
}

#[test]
fn a_comparison_is_text_markdown_json_and_a_picture() {
    let desk = desk();
    let markdown = run(&desk, "bench --compare --markdown --threshold inf old.json slower.json").out;
    assert!(markdown.contains("| gemm/1024 | 12.0 ± 1.0 % | 15.0 ± 1.0 % | 1.25 slower |"), "{markdown}");
    let ended = run(&desk, "bench --compare --json --svg compared.svg old.json slower.json");
    ended.failed(1, &["gemm/1024"]);
    let found: serde_json::Value = serde_json::from_str(&ended.out).expect("one object");
    let gemm = &found["cases"][1]["results"][1];
    assert_eq!((found["files"][1]["name"].as_str(), gemm["verdict"].as_str()), (Some("slower"), Some("regression")), "{found}");
    assert_eq!((gemm["ratio"].as_f64(), gemm["records"].as_u64()), (Some(1.25), Some(1)), "{found}");
    assert_eq!(found["files"][0]["setup"]["driver"][0], "a driver", "{found}");
    let svg = desk.text("compared.svg");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.contains("gemm/1024"), "{svg}");
}

#[test]
fn runs_of_one_file_are_pooled() {
    let desk = desk();
    let runs = [12.0, 15.5, 14.0].map(|median| line("gemm/1024", median, 0.01));
    desk.file("three.json", runs.join("\n"));
    let ended = run(&desk, "bench --compare three.json slower.json --json");
    assert_eq!(ended.status, Some(0), "the baseline's runs differ by more: {}", ended.err);
    let found: serde_json::Value = serde_json::from_str(&ended.out).expect("one object");
    assert_eq!(
        (found["cases"][0]["results"][0]["records"].as_u64(), found["cases"][0]["results"][0]["median_ms"].as_f64()),
        (Some(3), Some(14.0))
    );
}

#[test]
fn files_that_cannot_be_compared_are_status_2() {
    let desk = desk();
    desk.file("other.json", line("fourier/n8192-k1024-d2", 5.0, 0.01)).file("empty.json", "").file("text.json", "case median\n");
    desk.file("next.json", line("gemm/1024", 5.0, 0.01).replace("\"schema\":1", "\"schema\":2"));
    desk.file("former.json", format!("{}\n{}", line("gemm/1024", 5.0, 0.01), r#"{"case":"gemm/1024","median_ms":5.0}"#));
    for (words, parts) in [
        ("--compare", vec!["two files or more"]),
        ("--compare old.json", vec!["two files or more", "only `old` was given"]),
        ("--compare old.json none.json", vec!["none.json", "No such file"]),
        ("--compare old.json empty.json", vec!["empty.json", "no measured case", "pushforward bench --out FILE"]),
        ("--compare old.json text.json", vec!["text.json: line 1", "not JSON", "pushforward bench --json"]),
        ("--compare old.json next.json", vec!["next.json: line 1", "schema is 2", "reads schema 1"]),
        ("--compare old.json former.json", vec!["former.json: line 2", "no `schema`"]),
        ("--compare old.json other.json", vec!["`old` and `other` have no common case", "fourier"]),
        ("--compare old.json same.json --filter sinkhorn", vec!["no common case", "`sinkhorn`"]),
        ("--compare old.json same.json --svg none/a.svg", vec!["none"]),
    ] {
        run(&desk, &format!("bench {words}")).failed(2, &parts);
    }
    for words in ["old.json same.json", "--markdown", "--svg a.svg", "--compare --out a.json", "--compare a b --threshold -1"] {
        assert_eq!(run(&desk, &format!("bench {words}")).status, Some(2), "{words}");
    }
    desk.fails("bench --out none/a.json", 2, &["none/a.json", "does not exist"]);
    desk.fails("bench --out .", 2, &["folder", "name a file"]);
}

#[test]
fn a_measured_case_is_printed_and_kept() {
    let desk = Desk::new();
    let printed = desk.works("bench --filter kde8 --json --out kept.json");
    assert_eq!(desk.text("kept.json"), printed);
    let record: serde_json::Value = serde_json::from_str(&printed).expect("one object");
    assert!(printed.starts_with(r#"{"case":"kde8/n8192-d2","schema":1,"#), "{printed}");
    for name in ["median_ms", "min_ms", "q25_ms", "q75_ms", "runs", "rate", "unix_time"] {
        assert!(record[name].as_f64().is_some_and(|value| value > 0.0), "{name} of {record}");
    }
    for name in ["adapter", "driver", "backend", "kernel_family", "unit", "version"] {
        assert!(record[name].as_str().is_some_and(|value| !value.is_empty()), "{name} of {record}");
    }
    let same = desk.works("bench --compare kept.json kept.json");
    assert!(same.contains("geometric mean of 1 case") && same.contains("1.00"), "{same}");
}

/// Runs `scripts/bench-tables` with this program.
#[cfg(unix)]
fn tables(words: &str, environment: &[(&str, std::path::PathBuf)]) -> Ended {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/bench-tables");
    let mut command = std::process::Command::new(script);
    command.args(words.split_whitespace()).env("PUSHFORWARD", assert_cmd::cargo::cargo_bin!("pushforward"));
    for name in ["BENCH_PAGE", "BENCH_RESULTS"] {
        command.env_remove(name);
    }
    command
        .env("WGPU_BACKEND", "vulkan")
        .env("VK_DRIVER_FILES", "/nonexistent.json")
        .env("VK_ICD_FILENAMES", "/nonexistent.json");
    command.envs(environment.iter().map(|(name, path)| (name, path)));
    Ended::of(command, words)
}

#[cfg(unix)]
#[test]
fn the_tables_of_the_documentation_are_those_of_the_kept_results() {
    let ended = tables("--check", &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
}

#[cfg(unix)]
#[test]
fn tables_are_rendered_between_their_comments() {
    let desk = desk();
    let place = [("BENCH_PAGE", desk.path("page.md")), ("BENCH_RESULTS", desk.path(""))];
    let page = |table: &str| {
        format!("Before.\n\n<!-- bench:begin drivers old slower --filter gemm -->\n{table}<!-- bench:end drivers -->\n\nAfter.\n")
    };
    desk.file("page.md", page("an earlier table\n"));
    let stale = tables("--check", &place);
    assert!(stale.status == Some(1) && stale.err.contains("out of date"), "{}", stale.err);
    assert_eq!(desk.text("page.md"), page("an earlier table\n"), "a check writes nothing");
    assert_eq!(tables("", &place).status, Some(0));
    let rendered = run(&desk, "bench --compare --markdown --threshold inf old.json slower.json --filter gemm").out;
    assert!(rendered.contains("1.25 slower"), "{rendered}");
    assert_eq!(desk.text("page.md"), page(&rendered));
    assert_eq!(tables("--check", &place).status, Some(0), "rendered again, nothing changes");

    for (broken, part) in [
        ("<!-- bench:begin a old none -->\n<!-- bench:end a -->\n", "there is no"),
        ("<!-- bench:begin a old -->\n<!-- bench:end a -->\n", "two files or more"),
        ("<!-- bench:begin a old slower -->\n", "has no end"),
        ("<!-- bench:begin a old slower -->\n<!-- bench:end b -->\n", "does not begin"),
        ("<!-- bench:end a -->\n", "does not begin"),
    ] {
        desk.file("page.md", broken);
        let ended = tables("", &place);
        assert!(ended.status == Some(2) && ended.err.contains(part), "{broken}: {:?} {}", ended.status, ended.err);
        assert_eq!(desk.text("page.md"), broken, "what cannot be rendered is left as it is");
    }
    let files = std::fs::read_dir(desk.path("")).expect("the folder").count();
    assert_eq!(files, 5, "four results and the page: nothing else is left");
}
