//! Tables with categories, dates and missing cells, from training to samples.

use std::collections::BTreeSet;

use super::{Desk, TINY};

/// Birds: a category, two missing words, a number with zeros, dates, a boolean, an identifier, a constant.
fn birds(rows: usize) -> String {
    let mut text = String::from("id,species,mass,caught,ringed,age,planet\n");
    for i in 0..rows {
        let species = ["Adelie", "Gentoo", "Chinstrap"][i * 7 % 3];
        let mass = if i % 4 == 0 { "0.0".into() } else { format!("{:.1}", 30.0 + (i * 37 % 97) as f64 / 4.0) };
        let age = if i % 5 == 0 { "NA".into() } else { (i % 7).to_string() };
        text += &format!("{i},{species},{mass},2009-0{}-1{},{},{age},Earth\n", i % 9 + 1, i % 10, i % 2 == 0);
    }
    text
}

/// A CSV file's header and the cells of each column.
fn columns(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut lines = text.lines().map(|line| line.split(',').map(String::from).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let mut columns = vec![Vec::new(); header.len()];
    lines.for_each(|line| columns.iter_mut().zip(line).for_each(|(column, cell)| column.push(cell)));
    (header, columns)
}

#[test]
fn samples_of_a_mixed_table_are_rows_like_its_own() {
    let desk = Desk::new();
    desk.file("birds.csv", birds(150));
    let ended = desk.run(&format!("train flow-matching --data birds.csv --target species --out run --steps 20 {TINY}"));
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    beside_baselines(&desk);
    for line in ["id       identifier", "species  category", "caught   date", "ringed   boolean", "planet   constant"] {
        assert!(ended.err.contains(line), "{line}: {}", ended.err);
    }
    desk.works("sample run -n 40 --out samples.csv");
    let (header, found) = columns(&desk.text("samples.csv"));
    let (own, data) = columns(&birds(150));
    assert_eq!(header, own);
    let distinct = |cells: &[String]| cells.iter().cloned().collect::<BTreeSet<String>>();
    // Identifiers go on where the data's end; what has few values has no other.
    assert_eq!(found[0], (150..190).map(|id| id.to_string()).collect::<Vec<_>>());
    for j in [1, 4, 6] {
        assert!(distinct(&found[j]).is_subset(&distinct(&data[j])), "{:?}", found[j]);
    }
    let numbers = |cells: &[String]| {
        cells.iter().filter(|cell| *cell != "NA").map(|cell| cell.parse::<f64>().unwrap()).collect::<Vec<f64>>()
    };
    assert!(found[2].iter().all(|cell| cell.split_once('.').is_some_and(|(_, decimals)| decimals.len() <= 2)), "{:?}", found[2]);
    assert!(numbers(&found[2]).iter().all(|mass| *mass == 0.0 || (30.0..=54.3).contains(mass)), "{:?}", found[2]);
    assert!(found[3].iter().all(|date| date.as_str() >= "2009-01-10" && date.as_str() <= "2009-09-19"), "{:?}", found[3]);
    assert!(numbers(&found[5]).iter().all(|age| age.fract() == 0.0 && (0.0..=6.0).contains(age)));
    assert!(found[5].iter().any(|cell| cell == "NA"), "missing cells are written as in the data");
    let page = desk.text("run/report.html");
    assert!(page.contains("species (category)") && !page.contains("(bit 1)</th>"), "the page speaks of the data's columns");
    desk.fails("sample run -n 5 --out s.csv --trajectories t.csv", 2, &["no trajectories"]);
    desk.fails("sample run -n 5 --out s.npy", 2, &["which an array cannot hold"]);
    assert!(desk.text("run/config.toml").contains("caught = \"date\""));
    let scores = desk.works("evaluate --reference birds.csv --samples samples.csv --json");
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    let columns: BTreeSet<&str> = scores["by_column"].as_array().unwrap().iter().filter_map(|c| c["column"].as_str()).collect();
    assert_eq!(columns, ["age", "caught", "mass", "ringed", "species"].into());
    let card = &scores["scorecard"];
    let listed: BTreeSet<&str> = card["columns"].as_array().unwrap().iter().filter_map(|c| c["column"].as_str()).collect();
    assert_eq!(listed, ["age", "caught", "mass", "planet", "ringed", "species"].into());
    assert!(card["shapes"]["value"].as_f64().is_some_and(|shape| (0.2..=1.0).contains(&shape)), "{card}");
    assert!(page.contains("<h2>Each column by itself</h2>") && page.contains("<h2>Pairs of columns</h2>"));
    let told = desk.works("evaluate --reference birds.csv --samples samples.csv --train birds.csv --target species");
    for part in [
        "what differs",
        "Column shapes",
        "Predicting `species` on",
        "Membership inference",
        "Closest record, baseline",
        "The training rows are the reference's own",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    desk.fails("evaluate --reference birds.csv --samples samples.csv --target id", 2, &["`id`", "identifies rows"]);
    // Levels that only the training rows have are no obstacle.
    desk.file("owls.csv", birds(150).replace("7,Gentoo", "7,Owl"));
    desk.works("evaluate --reference birds.csv --samples samples.csv --train owls.csv");
    // The reference against itself is as near as can be.
    let same = desk.works("evaluate --reference birds.csv --samples birds.csv --json");
    let same: serde_json::Value = serde_json::from_str(&same).unwrap();
    assert!(same["by_column"].as_array().unwrap().iter().all(|c| c["distance"].as_f64() == Some(0.0)), "{}", same["by_column"]);
}

/// What the page and `scores.json` of a run have beside its samples: a Gaussian copula, the other baselines or why they are left out, and real rows.
fn beside_baselines(desk: &Desk) {
    let page = desk.text("run/report.html");
    let found: serde_json::Value = serde_json::from_str(&desk.text("run/scores.json")).unwrap();
    let sets = found["sets"].as_array().unwrap();
    let names: Vec<&str> = sets.iter().filter_map(|set| set["name"].as_str()).collect();
    assert_eq!((names[0], *names.last().unwrap()), ("samples", "training rows"));
    assert!(names.contains(&"Gaussian copula") && !names.contains(&"fitted Gaussian"), "{names:?}");
    for name in ["independent columns", "autoregressive trees"] {
        let is_there = names.contains(&name) && page.contains(&format!(">{name}</th>"));
        assert!(is_there || page.contains("For lack of time there is no"), "{name}: {names:?}");
    }
    assert!(
        page.contains("The baselines are fitted to 96 training rows."),
        "150 rows, a fifth of them for test, a fifth of the others for validation"
    );
    for set in &sets[..names.len() - 1] {
        let efficacy = &set["scores"]["efficacy"];
        assert_eq!((&efficacy["target"], &efficacy["test_rows"]), (&"species".into(), &30.into()), "{efficacy}");
        for of in ["samples", "real"] {
            let score = &efficacy["scores"][0][of];
            assert!(score["value"].is_f64() && score["interval"][1].is_f64(), "{score}");
        }
        assert!(set["scores"]["scorecard"]["shapes"]["value"].is_f64());
    }
    assert!(page.contains("<h2>Predicting species</h2>") && page.contains("Efficacy, AUC"));
    desk.fails("train energy --data birds.csv --target specie --out other", 2, &["`specie`", "did you mean `species`?"]);
    desk.fails("train energy --data birds.csv --target id --out other", 2, &["`id`", "identifies rows"]);
}

#[test]
fn real_and_synthetic_rows_are_named_by_their_places_and_a_run_draws_its_own() {
    let desk = Desk::new();
    desk.file("birds.csv", birds(60)).file("owls.csv", birds(90).replace("Gentoo", "Owl"));
    let named = desk.works("--quiet evaluate --reference birds.csv --samples owls.csv --json");
    for words in ["birds.csv owls.csv", "owls.csv --reference birds.csv", "birds.csv --samples owls.csv"] {
        assert_eq!(desk.works(&format!("--quiet evaluate {words} --json")), named, "{words}");
    }
    // A species that the reference does not have counts as one of its own.
    assert!(named.contains("30 cells of the samples have values that the reference does not have"), "{named}");
    for words in ["birds.csv", "birds.csv owls.csv --samples owls.csv", "--samples owls.csv"] {
        desk.fails(&format!("evaluate {words}"), 2, &["`pushforward evaluate REAL SYNTHETIC`"]);
    }
    desk.works(&format!("train energy --data birds.csv --out run --steps 5 {TINY}"));
    let drawn: serde_json::Value = serde_json::from_str(&desk.works("--quiet evaluate birds.csv run --json")).unwrap();
    assert_eq!((&drawn["reference_rows"], &drawn["sample_rows"]), (&60.into(), &60.into()));
}

#[test]
fn a_seed_gives_the_same_rows_and_a_run_goes_on_without_being_told_its_columns_again() {
    let desk = Desk::new();
    desk.file("birds.csv", birds(150));
    for run in ["a", "b"] {
        desk.works(&format!("train energy --data birds.csv --out {run} --steps 15 {TINY} --condition species"));
        desk.works(&format!("sample {run} -n 10 --seed 3 --given species=Adelie --out {run}.csv"));
    }
    assert_eq!(desk.text("a.csv"), desk.text("b.csv"));
    desk.works(&format!("train energy --data birds.csv --out a --steps 30 {TINY} --resume"));
    desk.works("sample a -n 10 --given species=Gentoo --out more.csv");
    desk.fails(
        &format!("train energy --data birds.csv --out a --steps 30 {TINY} --resume --type age=category"),
        2,
        &["the data is not what a was made with"],
    );
}

#[test]
fn conditions_of_any_type_are_given_by_their_cells() {
    let desk = Desk::new();
    desk.file("birds.csv", birds(150));
    desk.works(&format!("train energy --data birds.csv --out run --steps 20 {TINY} --condition species,age"));
    desk.works("sample run -n 6 --given species=Gentoo --given age= --out given.csv");
    let (header, found) = columns(&desk.text("given.csv"));
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    assert!(found[at("species")].iter().all(|cell| cell == "Gentoo") && found[at("age")].iter().all(|cell| cell == "NA"));
    assert_eq!(found[at("mass")].len(), 6);
    desk.file("rows.csv", "species,age\nAdelie,3\nChinstrap,NA\n");
    desk.works("sample run --given rows.csv --out rows_out.csv");
    let (_, found) = columns(&desk.text("rows_out.csv"));
    assert_eq!(
        (&found[at("species")][..], &found[at("age")][..]),
        (&["Adelie".into(), "Chinstrap".into()][..], &["3".into(), "NA".into()][..])
    );
    desk.fails("sample run -n 1 --given species=Gentu --given age=1 --out x.csv", 2, &["did you mean `Gentoo`?"]);
    desk.fails("sample run -n 1 --given species=Gentoo --out x.csv", 2, &["`age` is missing"]);
}

#[test]
fn log_densities_of_mixed_rows_are_lower_bounds_and_say_so() {
    let desk = Desk::new();
    desk.file("birds.csv", birds(150));
    let trained = desk.works(&format!("train realnvp --data birds.csv --out run --steps 20 {TINY}"));
    assert!(trained.contains("a lower bound by 16 draws of noise") && trained.contains("a fitted Gaussian"), "{trained}");
    assert!(desk.text("run/report.html").contains("told from test rows by their log-density with an AUC of"));
    // Fewer columns are learned than are in the file.
    desk.file("few.csv", "species,mass,caught,ringed,age\nGentoo,0.0,2009-03-12,true,\nAdelie,31.5,2009-01-10,false,2\n");
    let found = desk.works("log-density run --data few.csv --out d.csv");
    assert!(
        found.contains("mean log-density of 2 rows") && found.contains("probabilities of categories, missing cells"),
        "{found}"
    );
    let text = desk.text("d.csv");
    assert_eq!(text.lines().next(), Some("log_density,standard_error"));
    let numbers: Vec<f64> = text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    // Probabilities alone: nothing here lies anywhere.
    assert!(numbers.len() == 2 && numbers.iter().all(|value| *value < 0.0), "{text}");
    let json = desk.works("log-density run --data few.csv --json");
    assert!(json.contains("\"lower_bound\":true"), "{json}");
    desk.file("wrong.csv", "species,mass,caught,ringed,age\nGentu,0.0,2009-03-12,true,\n");
    desk.fails("log-density run --data wrong.csv", 1, &["did you mean `Gentoo`?"]);
}

#[test]
fn a_tour_of_a_mixed_table_ends_with_a_model_of_its_columns() {
    let desk = Desk::new();
    // More columns than are drawn in pairs.
    let more = |line: (usize, &str)| match line.0 {
        0 => format!("{},a,b\n", line.1),
        i => format!("{},{},{}\n", line.1, ["u", "v"][i % 2], i * 11 % 19),
    };
    desk.file("birds.csv", birds(200).lines().enumerate().map(more).collect::<String>());
    let tour = "tour --data birds.csv --out tour --budget 8s --methods energy,realnvp --target species --set hidden_width=8 --set hidden_layers=1";
    let ended = desk.run(tour);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let page = desk.text("tour/report.html");
    for baseline in ["independent columns", "Gaussian copula", "autoregressive trees"] {
        assert!(page.contains(baseline), "{baseline}");
    }
    assert!(
        page.contains("species (category)")
            && page.contains("Pairs of columns")
            && page.contains("Each column by itself")
            && !page.contains("(bit 1)</"),
        "{tour}"
    );
    // Every candidate's rows have taught a model to tell species, and the winner's stand beside real rows.
    assert!(page.contains("AUC of species") && page.contains("<h2>Predicting species</h2>"), "{}", ended.out);
    assert!(ended.out.contains("AUC of species"), "{}", ended.out);
    desk.fails(&tour.replace("--target species", "--target id"), 2, &["`id`", "identifies rows"]);
    desk.works("sample tour -n 9 --out samples.csv");
    assert_eq!(columns(&desk.text("samples.csv")).0, ["id", "species", "mass", "caught", "ringed", "age", "planet", "a", "b"]);
}

#[test]
fn types_and_missing_words_are_as_asked() {
    let desk = Desk::new();
    let rows: String =
        (0..60).map(|i| format!("{},{},{}\n", i * 7 % 5, ["NA", "FR"][i % 2], (i * 13 % 31) as f64 / 2.0)).collect();
    desk.file("a.csv", format!("code,country,x\n{rows}"));
    let trained = desk.run(&format!("train energy --data a.csv --out run --steps 10 {TINY} --type code=category --missing none"));
    assert_eq!(trained.status, Some(0), "{}", trained.err);
    assert!(
        trained.err.contains("code     category  5         0") && trained.err.contains("country  category  2         0"),
        "{}",
        trained.err
    );
    desk.fails("train energy --data a.csv --out b --type code=catgory", 2, &["did you mean `category`?"]);
    desk.fails("train energy --data a.csv --out b --type cod=category", 2, &["no column `cod` (did you mean `code`?)"]);
    desk.fails("train energy --data a.csv --out b --type code", 2, &["--type code: write COLUMN=TYPE"]);
}

#[test]
fn rows_are_read_as_the_training_rows_were() {
    let desk = Desk::new();
    // Whole numbers of which 999 stands for a missing one, and countries of which NA is one.
    let rows: String = (0..80)
        .map(|i| {
            format!("{},{},{}\n", if i % 8 == 0 { 999 } else { 2000 + i % 9 }, ["NA", "FR"][i % 2], (i * 13 % 31) as f64 / 2.0)
        })
        .collect();
    desk.file("a.csv", format!("year,country,x\n{rows}"));
    desk.works(&format!("train realnvp --data a.csv --out run --steps 10 {TINY} --missing 999"));
    assert!(desk.text("run/config.toml").contains("missing = [\"999\"]"));
    desk.works("sample run -n 60 --out samples.csv");
    let (_, found) = columns(&desk.text("samples.csv"));
    assert!(found[0].iter().any(|cell| cell == "999") && found[0].iter().all(|cell| cell == "999" || cell.starts_with("200")));
    // Beside missing cells pandas writes whole numbers with a point.
    desk.file("rows.csv", "year,country,x\n999,NA,1.5\n2007.0,FR,2\n");
    let density = |words: &str| desk.works(&format!("log-density run --data rows.csv --json {words}"));
    assert!(density("").contains("\"rows\":2"));
    desk.file("other.csv", "year,country,x\n-9,NA,1.5\n2007.0,FR,2\n");
    assert_eq!(desk.works("log-density run --data other.csv --json --missing -9"), density(""));
    desk.fails("log-density run --data rows.csv --missing NA", 1, &["row 1 of rows.csv", "`country`", "leave the row out"]);
    let scores = desk.works("evaluate --reference a.csv --samples samples.csv --missing 999 --json");
    let scores: serde_json::Value = serde_json::from_str(&scores).unwrap();
    let years = scores["scorecard"]["columns"].as_array().unwrap().iter().find(|column| column["column"] == "year").unwrap();
    assert!(years["missing_shares"][0].as_f64().is_some_and(|share| (share - 0.125).abs() < 1e-9), "{years}");
    // Conditions, and cells that are imputed.
    desk.works(&format!("train energy --data a.csv --out given --steps 10 {TINY} --missing 999 --condition year,country"));
    desk.works("sample given --given rows.csv --out g.csv");
    desk.works("sample given --given year=999 --given country=NA --out h.csv");
    let cells = |file: &str| columns(&desk.text(file)).1;
    assert_eq!(
        (cells("g.csv")[1].clone(), cells("h.csv")[1].clone()),
        (vec!["999".to_string(), "2007".into()], vec!["999".to_string()])
    );
    desk.works(&format!("train energy --data a.csv --out fill --steps 10 {TINY} --missing 999 --set impute=true"));
    desk.works("impute fill --data rows.csv --out filled.csv");
    let filled = desk.text("filled.csv");
    let lines: Vec<&str> = filled.lines().collect();
    assert!(lines[1].starts_with("200") && lines[1].ends_with(",NA,1.5") && lines[2] == "2007.0,FR,2", "{filled}");
    for words in ["--type x=number", "--missing 9"] {
        desk.fails(&format!("train energy --data toy:moons --out b {words}"), 2, &["is for CSV and Parquet files"]);
    }
}

#[test]
fn rare_categories_are_learned_as_one_and_drawn_as_themselves() {
    let desk = Desk::new();
    let level = |i: usize| if i.is_multiple_of(10) { format!("rare {}", i / 10) } else { ["u", "v"][i % 2].into() };
    let rows: String = (0..200).map(|i| format!("{},{}\n", level(i), (i * 13 % 31) as f64 / 2.0)).collect();
    desk.file("a.csv", format!("c,x\n{rows}"));
    let trained = desk.run(&format!("train realnvp --data a.csv --out run --steps 10 {TINY} --min-count 5"));
    assert_eq!(trained.status, Some(0), "{}", trained.err);
    assert!(trained.err.contains("20 categories of `c` have fewer than 5 rows each: they are learned as one"), "{}", trained.err);
    desk.works("sample run -n 300 --out samples.csv");
    let found: BTreeSet<String> = columns(&desk.text("samples.csv")).1[0].iter().cloned().collect();
    assert!(found.is_subset(&(0..200).map(level).collect()) && found.iter().any(|cell| cell.starts_with("rare")), "{found:?}");
    desk.works("log-density run --data a.csv");
    desk.works(
        "tour --data a.csv --out tour --budget 4s --methods energy --min-count 5 --set hidden_width=8 --set hidden_layers=1",
    );
    desk.fails(&format!("train energy --data a.csv --out b {TINY} --min-count 0"), 2, &["--min-count"]);
}

#[test]
fn a_file_of_numbers_alone_has_samples_like_its_rows() {
    let desk = Desk::new();
    // A count, an amount that is often zero, three indicators, a price with heavy tails.
    let row = |i: usize| {
        let amount = if i % 5 < 3 { 0.0 } else { (i * 37 % 97) as f64 / 3.0 };
        let price = (i as f64 * 0.618_033_988_749_894_9).fract().powi(8) * 1e6;
        format!(
            "{},{amount},{},{},{},{price}\n",
            i * i % 13,
            u8::from(i.is_multiple_of(3)),
            u8::from(i % 3 == 1),
            u8::from(i % 3 == 2)
        )
    };
    desk.file("a.csv", "count,amount,red,green,blue,price\n".to_string() + &(0..200).map(row).collect::<String>());
    // A map of a handful of steps throws samples far.
    desk.works(&format!("train gan --data a.csv --out run --steps 15 {TINY} --set learning_rate=0.05"));
    desk.works("sample run -n 200 --out samples.csv --temperature 5");
    let (header, found) = columns(&desk.text("samples.csv"));
    assert_eq!(header.join(","), "count,amount,red,green,blue,price");
    let found: Vec<Vec<f64>> = found.iter().map(|cells| cells.iter().map(|cell| cell.parse().unwrap()).collect()).collect();
    assert!(found[0].iter().all(|count| count.fract() == 0.0 && (0.0..=12.0).contains(count)), "{:?}", found[0]);
    assert!(found[1].iter().all(|amount| (0.0..=32.0).contains(amount)) && found[1].contains(&0.0), "{:?}", found[1]);
    assert!((0..200).all(|k| (2..5).filter(|&j| found[j][k] == 1.0).count() == 1 && (2..5).all(|j| found[j][k].fract() == 0.0)));
    assert!(found[5].iter().all(|price| (0.0..1e6).contains(price)));
    // They fit into an array, and numbers that are learned as such have latents.
    desk.works("sample run -n 5 --out samples.npy");
    desk.fails("sample run -n 5 --out s.csv --trajectories t.csv", 2, &["no trajectories; train on an array (.npy)"]);
    // A base distribution is encoded as the data are.
    desk.works(&format!("train flow-matching --data a.csv --out from --steps 10 {TINY} --set source=a.csv"));
    desk.works("sample from -n 5 --out from.csv");
}

#[test]
fn bad_rows_are_named_by_their_line_and_harm_nothing() {
    let desk = Desk::new();
    desk.file("birds.csv", birds(150));
    desk.works(&format!("train realnvp --data birds.csv --out run --steps 10 {TINY} --set impute=true"));
    // A cell that stands over two lines is before the bad one.
    let rows = |mass: &str| {
        format!("species,mass,caught,ringed,age\nGentoo,1.5,2009-03-12,\"true\n\",3\nGentoo,{mass},2009-03-13,true,2\n")
    };
    let kept = "what was there\n";
    for (mass, parts) in [
        ("heavy", &["`mass`", "holds `heavy` in row 2 (of 2), line 4"][..]),
        ("\"1.5", &["bad.csv", "a quote in the row of line 4 is never closed"]),
        ("1.5,7", &["row 2 (of 2), line 4 of bad.csv has 6 fields where the header has 5"]),
    ] {
        desk.file("bad.csv", rows(mass)).file("out.csv", kept);
        for words in [
            "impute run --data bad.csv --out out.csv",
            "sample run --given bad.csv --out out.csv",
            "log-density run --data bad.csv --out out.csv",
            "train energy --data birds.csv --validation bad.csv --out new",
            "tour --data birds.csv --test bad.csv --out new",
        ] {
            desk.fails(words, 1, parts);
            assert_eq!((desk.text("out.csv").as_str(), desk.path("new").exists()), (kept, false), "{words}");
        }
    }
    desk.file("bad.csv", rows("1.5").replace("Gentoo", "Gentu").replace(",3\n", ",\n")).file("out.csv", kept);
    desk.fails(
        "impute run --data bad.csv --out out.csv",
        1,
        &["holds `Gentu` in row 1", "correct the cell, or leave the row out"],
    );
    assert_eq!(desk.text("out.csv"), kept);
}
