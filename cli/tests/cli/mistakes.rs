//! Bad input: one clear sentence, the exit status 1 (2 where the command is at fault), and nothing harmed.

use super::{Desk, TINY, npy};

/// Tries to train on a file and expects the refusal.
#[track_caller]
fn refused(name: &str, content: impl AsRef<[u8]>, columns: &str, status: i32, parts: &[&str]) {
    let desk = Desk::new();
    desk.file(name, content);
    desk.fails(&format!("train energy --data {name}{columns} --steps 5 {TINY}"), status, parts);
    assert!(!desk.path("runs").exists(), "nothing was learned, so nothing is left behind");
}

#[test]
fn a_ragged_row_is_named() {
    refused("a.csv", "x,y\n1,2\n3,4\n5\n", "", 1, &["a.csv", "row 3"]);
}

#[test]
fn not_a_number_is_named_by_row_and_column() {
    refused("a.csv", "x,y\n1,2\n3,inf\n5,6\n", "", 1, &["a.csv", "`y`", "row 2"]);
    let values: Vec<u8> = [1.0f32, 2.0, 3.0, f32::INFINITY].iter().flat_map(|v| v.to_le_bytes()).collect();
    refused("a.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", &values), "", 1, &["a.npy", "row 2"]);
}

#[test]
fn a_text_among_numbers_is_named() {
    let rows: String = (0..40).map(|i| format!("{},{}\n", i % 7, i % 11)).collect();
    let slip = format!("x,y\n{rows}1,1O\n{rows}");
    refused("a.csv", &slip, "", 1, &["column `y` of a.csv holds `1O` in row 41 (of 81)", "correct the cell"]);
    // It can be meant.
    let desk = Desk::new();
    desk.file("a.csv", &slip);
    desk.works(&format!("train energy --data a.csv --steps 5 {TINY} --type y=category"));
    desk.works(&format!("train energy --data a.csv --steps 5 {TINY} --missing 1O"));
}

#[test]
fn words_where_numbers_belong_are_told_what_to_give() {
    let desk = Desk::new();
    let train = "train energy --data toy:moons:100 --set";
    desk.fails(&format!("{train} hidden_width=true"), 2, &["`hidden_width` cannot be true: it must be an integer of 0 or above"]);
    desk.fails(&format!("{train} learning_rate=fast"), 2, &["`learning_rate` cannot be \"fast\": it must be a number"]);
    desk.fails(&format!("{train} refit=1"), 2, &["`refit` cannot be 1: it must be true or false"]);
    desk.fails("tour --data toy:moons --budget 5", 2, &["give a time with its unit, such as 90s"]);
    desk.fails("sample run --temperature warm --out a.csv", 2, &["give a number above 0"]);
    desk.fails("evaluate --reference a.csv --samples b.csv --pair-rows few", 2, &["give an integer of 1 or above"]);
}

#[test]
fn an_array_of_another_kind_is_refused() {
    let complex = npy("{'descr': '<c16', 'fortran_order': False, 'shape': (2, 2), }", &[0; 64]);
    refused("a.npy", complex, "", 1, &["a.npy", "c16"]);
    refused("b.npy", "not an array", "", 1, &["b.npy"]);
    refused("c.parquet", "not a table", "", 1, &["c.parquet"]);
}

#[test]
fn a_table_without_anything_to_learn_is_refused() {
    refused("a.csv", "x,y\n1,7\n1,7\n1,7\n", "", 1, &["a.csv has no column to learn"]);
}

#[test]
fn too_few_rows_are_refused() {
    refused("a.csv", "x,y\n1,2\n", "", 1, &["a.csv", "one row"]);
    refused("b.csv", "x,y\n", "", 1, &["b.csv", "no rows"]);
    refused("c.csv", "", "", 1, &["c.csv"]);
}

#[test]
fn an_unknown_column_suggests_the_nearest() {
    refused("a.csv", "age,height\n1,2\n3,4\n", "#age,hieght", 2, &["`hieght`", "did you mean `height`?"]);
    let desk = Desk::new();
    desk.file("a.csv", "age,height\n1,2\n3,4\n");
    desk.fails("train energy --data a.csv --weights wieght", 2, &["a.csv", "`wieght`"]);
}

#[test]
fn a_missing_file_is_named() {
    let desk = Desk::new();
    desk.fails("train energy --data none.csv", 1, &["none.csv", "No such file"]);
    desk.fails("evaluate --reference none.csv --samples toy:moons", 1, &["none.csv", "No such file"]);
    desk.fails("train energy --data toy:moons:100 --config none.toml", 1, &["none.toml", "No such file"]);
    desk.fails("sample none -n 3 --out a.csv", 1, &["none", "does not exist"]);
}

#[test]
fn a_source_of_unknown_form_is_refused() {
    let desk = Desk::new();
    desk.fails("train energy --data toy:mons", 2, &["`mons`", "did you mean `moons`?"]);
    desk.fails("train energy --data moons", 2, &["`moons`", "toy:moons"]);
    desk.fails("train energy --data toy:moons:0", 2, &["`0` rows"]);
    desk.fails("train energy --data a.xlsx", 2, &["a.xlsx", ".csv"]);
}

#[test]
fn test_rows_must_have_the_same_columns() {
    let desk = Desk::new();
    desk.file("a.csv", "x,y\n1,2\n3,4\n5,7\n").file("b.csv", "x,z\n1,2\n3,4\n");
    for set in ["--test", "--validation"] {
        desk.fails(&format!("train energy --data a.csv {set} b.csv"), 2, &["b.csv", "`y`"]);
    }
}

#[test]
fn an_adapter_that_is_not_there_lists_those_that_are() {
    let desk = Desk::new();
    desk.fails("train energy --data toy:moons:100 --adapter Voodoo2", 1, &["Voodoo2", "this machine has"]);
    assert!(!desk.path("runs").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_missing_driver_says_what_to_install() {
    let desk = Desk::new();
    for words in ["adapters", "train energy --data toy:moons:100"] {
        let mut command = desk.command(words);
        for name in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
            command.env(name, "/nonexistent.json");
        }
        // No OpenGL either, whatever this machine has.
        command.env("WGPU_BACKEND", "vulkan");
        super::Ended::of(command, words).failed(1, &["no graphics adapter", "mesa-vulkan-drivers"]);
    }
}

#[test]
fn a_folder_that_holds_a_run_is_kept() {
    let desk = Desk::new();
    desk.trained();
    let before = desk.read("run/model.safetensors");
    let words = format!("train energy --data toy:moons:200 --out run --steps 20 {TINY}");
    desk.fails(&words, 2, &["run", "resume it", "another folder"]);
    assert_eq!(before, desk.read("run/model.safetensors"));
    desk.file("taken", "a file");
    desk.fails("train energy --data toy:moons:100 --steps 2 --out taken", 1, &["taken"]);
    assert_eq!(desk.text("taken"), "a file");
}

#[test]
fn damaged_files_of_a_run_are_named() {
    let desk = Desk::new();
    desk.trained();
    let resume = format!("train energy --data toy:moons:200 --out run --resume {TINY}");
    for (name, words) in [
        ("checkpoint.safetensors", resume.as_str()),
        ("model.safetensors", "sample run -n 3 --out a.csv"),
        ("config.toml", resume.as_str()),
    ] {
        let path = format!("run/{name}");
        let whole = desk.read(&path);
        desk.file(&path, b"\xff\xff\xff\xff\xff\xff\xff\xff{}").fails(words, 1, &[name]);
        if name != "config.toml" {
            desk.file(&path, b"").fails(words, 1, &[name]);
            desk.file(&path, &whole[..whole.len() / 2]).fails(words, 1, &[name]);
        }
        desk.file(&path, &whole);
    }
    assert!(!desk.path("a.csv").exists());
    desk.works("sample run -n 3 --out a.csv");
}

#[test]
fn files_of_another_format_are_refused_with_what_to_do() {
    let desk = Desk::new();
    desk.trained();
    let resume = format!("train energy --data toy:moons:200 --out run --resume {TINY}");
    let earlier =
        "was written by an earlier version of pushforward (format 1, this one reads 3): train again, or use that version";
    let later = "was written by a later version of pushforward (format 4, this one reads 3): use that version";
    let (said, in_json) = ("format = 3", r#"\"format\":3"#);
    for (name, words, said) in [
        ("checkpoint.safetensors", resume.as_str(), in_json),
        ("model.safetensors", "sample run -n 3 --out a.csv", in_json),
        ("config.toml", resume.as_str(), said),
        ("config.toml", &format!("train energy --data toy:moons:200 --config run/config.toml --out again {TINY}"), said),
    ] {
        let path = format!("run/{name}");
        let whole = desk.read(&path);
        // Of the same length, for the header of safetensors counts its bytes. Format 1 did not name itself.
        for (other, refusal) in
            [(said.replace('3', "4"), later), (said.replace('3', "1"), earlier), (said.replace("format", "formed"), earlier)]
        {
            let at = whole.windows(said.len()).position(|part| part == said.as_bytes()).expect("its format");
            let changed = [&whole[..at], other.as_bytes(), &whole[at + said.len()..]].concat();
            desk.file(&path, changed).fails(words, 1, &[name, refusal]);
        }
        desk.file(&path, &whole);
    }
    assert!(!desk.path("a.csv").exists() && !desk.path("again").exists());
    desk.works(&resume);
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let desk = Desk::new();
    desk.trained();
    desk.fails("sample run/checkpoint.safetensors -n 3 --out a.csv", 1, &["checkpoint.safetensors"]);
    desk.fails("sample run/config.toml -n 3 --out a.csv", 1, &["config.toml"]);
    std::fs::remove_file(desk.path("run/model.safetensors")).expect("removed");
    desk.fails("sample run -n 3 --out a.csv", 1, &["has not finished", "resume"]);
}

#[test]
fn what_a_method_lacks_is_said() {
    let desk = Desk::new();
    desk.trained();
    desk.fails("log-density run --data toy:moons:10", 2, &["energy", "density"]);
    desk.fails("push run --input toy:gaussian:10 --out a.csv --inverse", 2, &["energy", "inverse"]);
    desk.fails("sample run -n 3 --out a.csv --solver heun", 2, &["`solver`", "energy", "one step"]);
    desk.fails("sample run -n 3 --out a.csv --steps 10", 2, &["`steps`", "energy"]);
    desk.file("z.csv", "a,b,c\n1,2,3\n");
    desk.fails("push run --input z.csv --out a.csv", 1, &["z.csv", "3 columns", "latent"]);
    assert!(!desk.path("a.csv").exists());
}

#[test]
fn what_cannot_be_written_is_named_before_the_work_where_it_can_be() {
    let desk = Desk::new();
    desk.trained();
    desk.fails("sample run -n 3 --out a.xlsx", 2, &["a.xlsx", ".csv"]);
    desk.fails("sample run -n 3 --out none/a.csv", 1, &["none"]);
    desk.fails("sample run -n 1000000000000 --out a.npy", 2, &["-n 1000000000000"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_in_a_sentence() {
    let desk = Desk::new();
    desk.trained();
    std::os::unix::fs::symlink("/dev/full", desk.path("full.csv")).expect("a link");
    desk.fails("sample run -n 3 --out full.csv", 1, &["full.csv", "No space left"]);
    let mut command = desk.command("methods");
    command.stdout(std::fs::File::options().write(true).open("/dev/full").expect("/dev/full"));
    super::Ended::of(command, "methods").failed(1, &["standard output", "No space left"]);
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    std::fs::create_dir(desk.path("locked")).expect("a folder");
    std::fs::set_permissions(desk.path("locked"), std::fs::Permissions::from_mode(0o500)).expect("permissions");
    // Root may write anywhere; /proc takes folders from nobody.
    let out = if std::fs::write(desk.path("locked/probe"), "").is_ok() { "/proc/pushforward" } else { "locked/run" };
    desk.fails(&format!("train energy --data toy:moons:100 --steps 2 --out {out} {TINY}"), 1, &[out]);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;
    let desk = Desk::new();
    let mut child =
        desk.command("methods --json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn stein_without_a_score_names_the_targets_that_have_one() {
    let desk = Desk::new();
    for data in ["toy:moons:200", "toy:8gaussians:200#x"] {
        let words = format!("train stein --data {data} --out run --steps 5 {TINY}");
        desk.fails(&words, 2, &["set `score`", "toy:8gaussians, toy:gaussian, toy:banana, toy:25gaussians"]);
    }
    assert!(!desk.path("run").exists());
    desk.works(&format!("train stein --data toy:25gaussians:200 --out run --steps 5 {TINY}"));
}

#[test]
fn a_score_that_is_none_is_told_by_its_place_and_columns() {
    let desk = Desk::new();
    let rows: String = (0..40).map(|i| format!("{},{}\n", f64::from(i % 7), f64::from(i * i % 11))).collect();
    desk.file("a.csv", format!("age,height\n{rows}"));
    for (score, parts) in [
        ("['-age']", &["1 expression for 2 columns (age, height)"][..]),
        ("['-age','-hieght']", &["expression 2 is `-hieght`: at character 2", "did you mean `height`?", "x1, x2"]),
        ("['-age','-height*']", &["expression 2", "at character 9", "ends where a number"]),
        ("['-age+height','-height']", &["not a gradient", "`age` changes with `height` by 1.0000", "by 0.0000"]),
        ("['-age','1/height']", &["`height` is not finite at row 1 of a.csv"]),
        ("['-age',2]", &["`score` cannot be", "one expression per column"]),
        ("-age", &["`score` cannot be", "one expression per column"]),
    ] {
        desk.fails(&format!("train stein --data a.csv --out run --steps 5 {TINY} --set score={score}"), 2, parts);
    }
    desk.fails(&format!("train energy --data a.csv --steps 5 {TINY} --set score=['-age','-height']"), 2, &["no setting `score`"]);
    assert!(!desk.path("run").exists());
}

#[test]
fn what_a_run_was_made_from_is_not_written_over() {
    let desk = Desk::new();
    let rows: String = (0..60).map(|i| format!("{},{}\n", i % 7, i * i % 11)).collect();
    desk.file("a.csv", format!("x,y\n{rows}")).file("t.csv", format!("x,y\n{rows}1,1\n"));
    desk.works(&format!("train energy --data a.csv --test t.csv --out run --steps 5 {TINY}"));
    // Another name of the same content is the data, too.
    std::fs::copy(desk.path("a.csv"), desk.path("copy.csv")).expect("a copy");
    for name in ["a.csv", "t.csv", "copy.csv"] {
        let before = desk.read(name);
        desk.fails(&format!("sample run -n 5 --out {name}"), 2, &[name, "was trained or scored on"]);
        assert_eq!(desk.read(name), before);
    }
    desk.works("sample run -n 5 --out b.csv");
    desk.works("sample run -n 5 --out b.csv");
}
