//! Settings: where they come from, which one wins, and how mistakes in them are told.

use super::{Desk, TINY};

const MOONS: &str = "train energy --data toy:moons:100";

#[test]
fn unknown_names_suggest_the_nearest() {
    let desk = Desk::new();
    desk.fails(&format!("{MOONS} --set bacth_size=3"), 2, &["`bacth_size`", "did you mean `batch_size`?"]);
    desk.fails("train enrgy --data toy:moons", 2, &["`enrgy`", "did you mean `energy`?", "mmd"]);
    desk.fails("methods mdm", 2, &["`mdm`", "did you mean `mmd`?"]);
    desk.fails("reproduce figur1", 2, &["`figur1`", "did you mean `figure1`?"]);
    desk.fails("reproduce spectra", 2, &["`spectra`", "did you mean `spectrum`?"]);
    desk.fails("bench --filter nothing", 2, &["`nothing`", "gemm/1024"]);
    let ended = desk.run("trian energy --data toy:moons");
    assert_eq!(ended.status, Some(2));
    assert!(ended.err.contains("train"), "{}", ended.err);
    assert!(!desk.path("runs").exists());
}

#[test]
fn values_out_of_range_are_refused_with_their_range() {
    let desk = Desk::new();
    for (setting, parts) in [
        ("--steps 0", ["`steps`", "at least 1"]),
        ("--steps -5", ["`steps`", "-5"]),
        ("--steps many", ["`steps`", "many"]),
        ("--batch-size 0", ["`batch_size`", "between 2 and"]),
        ("--batch-size 1e9", ["`batch_size`", "1000000000"]),
        ("--batch-size 10000000000", ["`batch_size`", "between 2 and"]),
        ("--set learning_rate=0", ["`learning_rate`", "above 0"]),
        ("--set learning_rate=-1", ["`learning_rate`", "above 0"]),
        ("--set learning_rate=nan", ["`learning_rate`", "above 0"]),
        ("--set learning_rate=fast", ["`learning_rate`", "fast"]),
        ("--set hidden_width=0", ["`hidden_width`", "between 1 and"]),
        ("--set hidden_width=1000000", ["`hidden_width`", "4,096"]),
        ("--set hidden_layers=1000", ["`hidden_layers`", "64"]),
        ("--set ema=1", ["`ema`", "below 1"]),
        ("--set validation_fraction=2", ["`validation_fraction`", "below 1"]),
        ("--set test_fraction=-0.5", ["`test_fraction`", "below 1"]),
        ("--set activation=sili", ["`activation`", "sili"]),
        ("--set learning_rate", ["`learning_rate`", "key=value"]),
        ("--set seed=-1", ["`seed`", "0 or above"]),
    ] {
        desk.fails(&format!("{MOONS} {setting}"), 2, &parts);
    }
    for (method, setting, parts) in [
        ("gan", "critic_steps=0", ["`critic_steps`", "between 1 and 1,000"]),
        ("gan", "r1=-2", ["`r1`", "0 or above"]),
        ("gan", "loss=hinge", ["`loss`", "non-saturating"]),
        ("gan", "instance_noise=nan", ["`instance_noise`", "0 or above"]),
        ("wgan", "critic_learning_rate=0", ["`critic_learning_rate`", "above 0"]),
        ("wgan", "beta1=1", ["`beta1`", "below 1"]),
        ("wgan", "weight_clip=0", ["`weight_clip`", "above 0"]),
        ("wgan", "constraint=hard", ["`constraint`", "spectral"]),
        ("wgan", "constraint=spectral --set critic_activation=gelu", ["`critic_activation` is gelu", "relu"]),
        ("fgan", "divergence=chi", ["`divergence`", "pearson"]),
        ("fgan", "critic_hidden_layers=100", ["`critic_hidden_layers`", "at most 64"]),
        ("kantorovich", "epsilon=-1", ["`epsilon`", "above 0"]),
        ("kantorovich", "regularization=hard", ["`regularization`", "quadratic"]),
        ("sinkhorn", "exponent=3", ["`exponent`", "at most 2"]),
        ("stein", "beta=0", ["`beta`", "below 0"]),
        ("energy", "critic_steps=3", ["`critic_steps`", "the settings are"]),
        ("energy", "latent_dim=0", ["`latent_dim` is 0", "or auto"]),
        ("energy", "patience=auto", ["`patience` cannot be \"auto\"", "or none"]),
        ("flow-matching", "probes=none", ["`probes` cannot be \"none\"", "or auto"]),
        ("mmd", "scales=[]", ["`scales` is []", "1 to 16 numbers"]),
        ("mmd", "bandwidths=[1,-1]", ["`bandwidths` is [1.0, -1.0]", "each above 0, or none"]),
    ] {
        desk.fails(&format!("train {method} --data toy:moons:100 --set {setting}"), 2, &parts);
    }
    for (setting, parts) in [
        ("particles=10", ["`particles`", "between 1,000 and"]),
        ("functions=9", ["`functions`", "between 1 and 6"]),
        ("step=0", ["`step`", "above 0"]),
        ("energy_spread=-1", ["`energy_spread`", "above 0"]),
        ("spread=nan", ["`spread`", "above 0"]),
        ("start=100", ["`start`", "between -10 and 10"]),
        ("duration=0.1", ["`duration`", "20 to 1,000,000"]),
        ("energy_step=1e-9", ["`energy_step`", "20 to 1,000,000"]),
        ("energy=flat", ["`energy`", "double-well"]),
        ("energy_start=2.4", ["`energy_start`", "where the functions of double-well are known"]),
        ("enrgy=quartic", ["`enrgy`", "did you mean `energy`?"]),
    ] {
        desk.fails(&format!("reproduce spectrum --out spectrum --set {setting}"), 2, &parts);
    }
    for words in ["sample run -n 0 --out a.csv", "sample run -n -3 --out a.csv", "train energy --data toy:moons --seed -1"] {
        let ended = desk.run(words);
        assert_eq!(ended.status, Some(2), "{words}");
        assert!(ended.err.contains("an integer"), "{words}: {}", ended.err);
    }
    assert!(!desk.path("runs").exists());
}

#[test]
fn a_blur_that_single_precision_cannot_resolve_is_refused_with_the_least_that_it_can() {
    let desk = Desk::new();
    let sinkhorn = format!("train sinkhorn --data toy:moons:200 --out run --steps 2 {TINY}");
    let ended = desk.fails(&format!("{sinkhorn} --set blur=1e-4"), 2, &["`blur` is 0.0001: on this data it must be at least"]);
    assert!(!ended.err.contains("epsilon") && !ended.err.contains("`diameter`"), "{}", ended.err);
    let least = ended.err.split("at least ").nth(1).and_then(|rest| rest.split(',').next()).expect("a number");
    let below = 0.8 * least.parse::<f64>().expect("a number");
    // ε = blur^p: of other exponents, other blurs are too small.
    for exponent in ["exponent=1", "exponent=0.5"] {
        desk.fails(&format!("{sinkhorn} --set blur=1e-11 --set {exponent}"), 2, &["`blur` is 0.00000000001", "at least"]);
    }
    desk.fails(&format!("{sinkhorn} --set blur={below}"), 2, &["`blur`", least]);
    for (setting, parts) in [
        ("blur=-1", ["`blur` is -1", "above 0"]),
        ("blur=nan", ["`blur` is NaN", "or auto"]),
        ("blur=1e30", ["`blur` is 1000000", "at most 1e18"]),
        ("exponent=3", ["`exponent` is 3", "at most 2"]),
        ("reach=-1", ["`reach` is -1", "above 0"]),
        ("scaling=1", ["`scaling` is 1", "below 1"]),
        ("scaling=0.9999", ["`scaling` is 0.9999", "`blur` (0.05) larger"]),
    ] {
        let ended = desk.fails(&format!("{sinkhorn} --set {setting}"), 2, &parts);
        assert!(!ended.err.contains("epsilon") && !ended.err.contains("diameter"), "{}", ended.err);
    }
    assert!(!desk.path("run").exists());
    desk.works(&format!("{sinkhorn} --set blur={least}"));
}

#[test]
fn a_size_beyond_the_adapter_is_refused_by_the_limits_name() {
    let desk = Desk::new();
    // 2²⁰ rows of 4,096 units are 16 GiB a layer.
    let ended = desk.fails(&format!("{MOONS} --batch-size 1048576 --set hidden_width=4096"), 1, &["needs", "this adapter's"]);
    assert!(ended.err.contains("max_storage_buffer_binding_size") || ended.err.contains("max_buffer_size"), "{}", ended.err);
    assert!(!desk.path("runs").exists());
}

#[test]
fn mistakes_in_a_file_name_the_file() {
    let desk = Desk::new();
    desk.file("a.toml", "batch_size = 64\nhidden_witdh = 8\n");
    desk.fails(&format!("{MOONS} --config a.toml"), 2, &["a.toml", "`hidden_witdh`", "did you mean `hidden_width`?"]);
    desk.file("a.toml", "batch_size = 64\nhidden_width = = 8\n");
    desk.fails(&format!("{MOONS} --config a.toml"), 1, &["a.toml", "line 2"]);
    desk.file("a.toml", "method = \"mmd\"\n");
    desk.fails(&format!("{MOONS} --config a.toml"), 2, &["a.toml", "\"mmd\"", "\"energy\""]);
    desk.file("a.toml", [0xff, 0xfe, 0x00]);
    desk.fails(&format!("{MOONS} --config a.toml"), 1, &["a.toml"]);
}

#[test]
fn flags_win_over_set_and_set_over_the_file() {
    let desk = Desk::new();
    desk.file("a.toml", "seed = 5\nsteps = 3\nbatch_size = 16\nhidden_width = 4\nhidden_layers = 1\nlearning_rate = 0.01\n");
    desk.works(&format!("{MOONS} --config a.toml --set batch_size=24 --set hidden_width=8 --steps 4 --batch-size 32 --out run"));
    let config: toml::Table = desk.text("run/config.toml").parse().expect("TOML");
    let training = config["training"].as_table().expect("the shared settings");
    assert_eq!(config["seed"].as_integer(), Some(5));
    for (key, value) in [("steps", 4), ("batch_size", 32), ("hidden_width", 8), ("hidden_layers", 1)] {
        assert_eq!(training[key].as_integer(), Some(value), "{key}");
    }
    assert!((training["learning_rate"].as_float().expect("a rate") - 0.01).abs() < 1e-6);

    // A run's own config.toml makes the run again.
    desk.works(&format!("{MOONS} --config run/config.toml --out again"));
    assert_eq!(desk.read("run/model.safetensors"), desk.read("again/model.safetensors"));
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint() {
    let desk = Desk::new();
    let words = format!(
        "train energy --data toy:moons:100 --steps 400 --out run {TINY} --set learning_rate=1e30 --set validation_fraction=0"
    );
    desk.fails(&words, 1, &["loss", "at step", "learning rate", "checkpoint is kept in run"]);
    assert!(desk.path("run/checkpoint.safetensors").exists());
    assert!(!desk.path("run/model.safetensors").exists());
}
