//! Plots and the page of a run: well formed, self-contained, and true to their numbers.

use pushforward::metrics::Better;
use pushforward::metrics::{Points, Score, interval};
use pushforward::report::contrasts::{Contrast, Contrasts, contrasts};
use pushforward::report::grid::{DOTS, Ink, Line, Scatter, Shown, grid};
use pushforward::report::measured::{Measured, Point, Trace, measured};
use pushforward::report::ratios::{Bar, Ratios, ratios};
use pushforward::report::{
    Curve, Figure, Page, Plot, Scale, ScoreRow, ScoreTable, Sheet, comparison, curves, map, number, panels, themed,
};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, StandardNormal};

fn normal(rows: usize, columns: usize, seed: u64) -> Vec<f32> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..rows * columns).map(|_| StandardNormal.sample(&mut random)).collect()
}

fn compared(rows: usize, columns: usize) -> String {
    let (data, samples) = (normal(rows, columns, 1), normal(rows, columns, 2));
    let names: Vec<String> = (0..columns).map(|j| format!("a<{j}> & \"b\"")).collect();
    let points = |values| Points::new(values, rows, columns).expect("points");
    comparison(points(&data), points(&samples), &names).expect("plot")
}

/// Every tag that opens closes, in order.
#[track_caller]
fn well_formed(text: &str) {
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name.to_owned()));
        } else if !tag.ends_with('/') && !tag.starts_with('!') && name != "meta" && name != "br" {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// All numbers in coordinates of dots, lines and text stay on the picture.
#[track_caller]
fn on_the_picture(svg: &str) {
    let (_, sizes) = svg.split_once("viewBox=\"0 0 ").expect("a view box");
    let sizes: Vec<f64> = sizes.split('"').next().unwrap_or_default().split(' ').map(|v| v.parse().expect("a size")).collect();
    for points in svg.split("points=\"").skip(1).map(|p| p.split('"').next().unwrap_or_default()) {
        for pair in points.split(' ') {
            let (x, y) = pair.split_once(',').expect("a pair");
            let (x, y): (f64, f64) = (x.parse().expect("x"), y.parse().expect("y"));
            assert!((0.0..=sizes[0]).contains(&x) && (0.0..=sizes[1]).contains(&y), "({x}, {y}) on {sizes:?}");
        }
    }
}

#[test]
fn every_number_of_columns_has_its_picture() {
    for columns in [1, 2, 3, 6, 7, 30, 70] {
        let svg = compared(300, columns);
        well_formed(&svg);
        on_the_picture(&svg);
        assert!(svg.contains("a&lt;0&gt;"), "names are escaped");
        assert!(!svg.contains("NaN") && svg.contains("s-samples"));
    }
    assert!(compared(5000, 2).len() < 200_000, "dots share paths");
}

#[test]
fn degenerate_columns_are_drawn_too() {
    let constant = [3.0f32; 8];
    let one = Points::new(&constant, 1, 8).expect("points");
    let names: Vec<String> = (0..8).map(|j| format!("c{j}")).collect();
    on_the_picture(&comparison(one, one, &names).expect("plot"));
    let huge = [1e30f32, -1e30, 1e-30, 0.0];
    let huge = Points::new(&huge, 2, 2).expect("points");
    on_the_picture(&comparison(huge, huge, &names[..2]).expect("plot"));
    assert!(comparison(huge, huge, &names).is_err());
}

#[test]
fn losses_of_any_sign_and_size_are_drawn() {
    let series = |f: fn(f64) -> f64| Curve { name: "loss".into(), points: (1..500).map(|i| (i as f64, f(i as f64))).collect() };
    for f in [
        |i: f64| 1.0 / i,
        |i: f64| (i * 0.1).sin(),
        |_| 0.0,
        |i: f64| 1e-12 * i,
        |i: f64| if i == 7.0 { f64::NAN } else { 1e20 / i },
    ] {
        for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
            let svg = curves(&[series(f), series(f)], "loss", scale, 0.02).expect("plot");
            well_formed(&svg);
            on_the_picture(&svg);
        }
    }
    assert!(curves(&[Curve::default()], "loss", Scale::Auto, 0.0).is_err());
}

#[test]
fn the_map_has_a_solid_blue_truth_and_a_dashed_orange_lesson() {
    let points: Vec<_> =
        (-25..=25).map(|i| f64::from(i) / 10.0).map(|x| (x, 1.0 / (1.0 + (-x).exp()), 1.0 / (1.0 + (-1.1 * x).exp()))).collect();
    let svg = map(&points, "z", "φ(z)", ["Φ", "learned φ"]).expect("plot");
    well_formed(&svg);
    on_the_picture(&svg);
    assert!(svg.matches("s-data").count() == 2 && svg.matches("s-samples").count() > 20);
}

#[test]
fn a_grid_has_a_picture_or_words_in_every_place() {
    let rows = |seed| Shown::Rows(normal(2 * DOTS, 2, seed));
    let scatter = |caption: &str, shown| Scatter { caption: caption.into(), shown };
    let far: Vec<f32> = normal(1000, 2, 3).into_iter().map(|v| 10.0 * v).collect();
    let words = "loss became NaN at step 12: the run is stopped; lower the learning rate or look at the data";
    let lines = [
        Line { name: "data".into(), ink: Ink::Data, pictures: vec![scatter("", rows(1)), scatter("", rows(2))] },
        Line {
            name: "energy".into(),
            ink: Ink::Samples,
            pictures: vec![scatter("skill 0.98", Shown::Rows(far)), scatter("failed", Shown::Words(words.into()))],
        },
    ];
    let columns = ["moons".to_string(), "<spiral>".to_string()];
    let svg = grid(&columns, &lines, "samples").expect("plot");
    well_formed(&svg);
    on_the_picture(&svg);
    for part in ["&lt;spiral&gt;", "% beyond", "loss became", "s-data", "s-samples"] {
        assert!(svg.contains(part), "{part}");
    }
    assert!(svg.matches("h0").count() <= 3 * DOTS && svg.len() < 100_000, "{} bytes", svg.len());
    assert!(grid(&columns[..1], &lines, "samples").is_err());
}

#[test]
fn trajectories_are_cut_at_the_axes_and_points_too_near_to_be_seen_apart_are_one() {
    // From the middle out of the picture, and a trajectory that stays where it is.
    let out: Vec<glam::DVec2> = (0..1000).map(|i| glam::dvec2(0.05 * f64::from(i), 0.0)).collect();
    let still = vec![glam::DVec2::splat(0.5); 50];
    let shown = Shown::Trajectories { cloud: normal(500, 2, 1), trajectories: vec![out, still] };
    let line = Line { name: "flow".into(), ink: Ink::Samples, pictures: vec![Scatter { caption: String::new(), shown }] };
    let words = Scatter { caption: String::new(), shown: Shown::Words("not run".into()) };
    let first = Line { name: "other".into(), ink: Ink::Samples, pictures: vec![words] };
    let svg = grid(&["moons".to_string()], &[first, line], "trajectories").expect("plot");
    well_formed(&svg);
    on_the_picture(&svg);
    let drawn: Vec<&str> =
        svg.split("<polyline points=\"").skip(1).filter(|line| line.contains("stroke-width=\"0.7\"")).collect();
    assert_eq!(drawn.len(), 1, "{drawn:?}");
    let places: Vec<f64> = drawn[0]
        .split('"')
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(|at| at.split(',').next().unwrap().parse().unwrap())
        .collect();
    assert!(places.len() > 20 && places.windows(2).all(|pair| pair[1] > pair[0]), "{places:?}");
    // Of a thousand points those a pixel apart.
    let apart = (places[places.len() - 1] - places[0]) / places.len() as f64;
    assert!((1.0..6.0).contains(&apart), "{apart}");
}

#[test]
fn measured_panels_have_their_intervals_and_lines_leave_them_with_their_slope() {
    let trace = |name, kind, shares: [f64; 4]| Trace {
        name,
        kind,
        points: [1.0, 2.0, 4.0, 8.0]
            .into_iter()
            .zip(shares)
            .map(|(x, y)| Point { x, y, bar: Some([y - 0.1, y + 0.1]) })
            .collect(),
    };
    let traces =
        vec![trace(0, 0, [-5.0, 0.2, 0.7, 0.95]), trace(0, 1, [-9.0, -9.0, 0.5, f64::NAN]), trace(1, 1, [0.0, 0.5, 0.9, 1.1])];
    let plot = Measured {
        x: "evaluations".into(),
        y: "skill".into(),
        values: vec![1.0, 2.0, 4.0, 8.0],
        range: [-0.25, 1.15],
        names: vec!["a<b>".into(), "c".into()],
        kinds: ["Euler".into(), "Heun".into()],
        panels: vec![("moons".into(), traces), ("spiral".into(), Vec::new())],
    };
    let svg = measured(&plot, "Quality").expect("plot");
    well_formed(&svg);
    on_the_picture(&svg);
    for part in ["a&lt;b&gt;", "Euler", "Heun", "moons", "spiral", ">8</text>", "evaluations"] {
        assert!(svg.contains(part), "{part}");
    }
    assert!(!svg.contains("NaN"));
    // Bars of the eight points within the panel.
    assert_eq!(svg.matches("stroke-opacity=\"0.5\"").count(), 8);
}

fn page() -> Page {
    let names: Vec<String> = (0..2).map(|j| format!("column {j}")).collect();
    let (data, samples) = (normal(500, 2, 1), normal(500, 2, 2));
    let points = |values| Points::new(values, 500, 2).expect("points");
    let score = Score::normal(0.0123, 0.004).with_p_value(0.012);
    Page {
        title: "energy on <moons>".into(),
        headline: "Closes 97 % of the gap.".into(),
        lead: vec!["Done to find out & to show.".into()],
        facts: vec![("method".into(), "energy".into())],
        scores: Some(ScoreTable {
            reference: "500 held-out rows".into(),
            columns: vec!["samples".into(), "fitted Gaussian".into()],
            rows: vec![ScoreRow {
                name: "energy".into(),
                meaning: "distance".into(),
                better: Better::Lower,
                cells: vec![Some(score), None],
            }],
            notes: vec!["The classifier was left out: 12 rows & 20 are the least.".into()],
        }),
        columns: Some(Sheet {
            title: "Columns".into(),
            head: vec!["column".into(), "difference".into()],
            rows: vec![vec![("age <years>".into(), String::new()), ("0.31".into(), String::new())]],
            numbers: true,
            note: "The farthest off first.".into(),
        }),
        many: None,
        figures: vec![Figure::new(
            "Samples",
            "Side by side.",
            comparison(points(&data), points(&samples), &names).expect("plot"),
        )],
        sheets: vec![Sheet {
            title: "Runs".into(),
            head: vec!["method".into(), "skill".into()],
            rows: vec![vec![("<energy>".into(), "failed in 1 of 3".into()), ("0.98".into(), String::new())]],
            numbers: true,
            note: "Means & intervals.".into(),
        }],
        settings: vec![("batch_size".into(), "1024".into())],
        commands: vec!["pushforward train energy --data toy:moons".into()],
        footer: "pushforward".into(),
        ..Page::default()
    }
}

fn without_style(html: &str) -> String {
    let (head, body) = html.split_once("<style>").expect("a style");
    format!("{head}{}", body.split_once("</style>").expect("its end").1)
}

#[test]
fn the_page_is_well_formed_whole_and_needs_nothing_from_outside() {
    let html = page().html();
    let (_, css) = html.split_once("<style>").expect("a style");
    let (css, _) = css.split_once("</style>").expect("its end");
    well_formed(&without_style(&html));
    assert!(!css.contains("url(") && !css.contains("@import"));
    for outside in ["<script", "src=", "href=", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
    for part in [
        "energy on &lt;moons&gt;",
        "age &lt;years&gt;",
        "0.012<small>[0.004, 0.020]<br>p = 0.012</small>",
        "lower is better",
        "toy:moons",
        "The classifier was left out: 12 rows &amp; 20 are the least.",
        "Settings",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.contains("<th scope=\"row\">&lt;energy&gt;<small>failed in 1 of 3</small></th><td"));
    let mut written = Vec::new();
    page().write(&mut written).expect("memory");
    assert_eq!(written, html.as_bytes());
    assert!(!Page::default().html().contains("<h2>"), "empty parts are left out");
    // A cell says its column's name where a window has no room for columns; very long facts are folded.
    assert!(html.contains(" data-label=\"difference\""));
    let names = (0..60).map(|k| format!("column_{k}")).collect::<Vec<_>>().join(", ");
    let folded = Page { facts: vec![("columns".into(), names.clone())], ..page() }.html();
    assert!(folded.contains("<details><summary>column_0, ") && folded.contains(&names));
    well_formed(&without_style(&folded));
}

#[test]
fn numbers_read_as_people_write_them() {
    for (value, digits, expected) in [
        (0.0, 3, "0"),
        (0.012_345, 3, "0.0123"),
        (-2.5, 3, "−2.5"),
        (9.9996, 4, "10"),
        (123_456.0, 3, "123,456"),
        (1e6, 3, "10⁶"),
        (-1.5e-7, 3, "−1.5·10⁻⁷"),
        (1e-4, 1, "10⁻⁴"),
        (0.001, 3, "0.001"),
        (0.30000000000000004, 4, "0.3"),
    ] {
        assert_eq!(number(value, digits), expected);
    }
    assert_eq!(number(f64::NAN, 3), "NaN");
    assert_eq!(interval::normal(0.0, 0.0), [0.0, 0.0]);
}

#[test]
fn marks_on_a_logarithmic_panel_stand_a_decade_apart_and_those_outside_are_left_out() {
    let marks = [1.0, 0.1, 0.01, 1e-5, -0.3, f64::NAN].map(|y| [2.0, y, 0.0]);
    let plot = Plot {
        range: Some([1e-3, 1.0]),
        log: true,
        families: vec![("decay".into(), vec![vec![(0.0, 1.0), (4.0, 1e-3)]])],
        marks: vec![marks.to_vec()],
        ..Plot::default()
    };
    let svg = panels(&[plot], "A decay").expect("plot");
    well_formed(&svg);
    // Bars of no length: a point twice.
    let bars = svg.split("<polyline points=\"").skip(1).filter(|line| line.contains("stroke-width=\"1.2\""));
    let heights: Vec<f64> = bars
        .map(|line| {
            line.split(['"', ' ']).next().and_then(|at| at.split(',').nth(1)).expect("a point").parse().expect("a number")
        })
        .collect();
    assert_eq!(heights.len(), 3, "{heights:?}");
    assert!((heights[2] - 2.0 * heights[1] + heights[0]).abs() < 0.25 && heights[1] - heights[0] > 20.0, "{heights:?}");
}

#[test]
fn contrasts_are_rings_or_dots_and_bars_are_cut() {
    let contrast = |name: usize, series: usize, y: f64, half: f64, certain: bool| Contrast {
        name,
        series,
        y,
        bar: (half > 0.0).then_some([y - half, y + half]),
        certain,
    };
    let all = vec![
        contrast(0, 0, -0.2, 0.05, true),
        contrast(0, 1, 0.1, 0.3, false),
        contrast(1, 0, 0.0, 50.0, false),
        contrast(1, 1, -0.1, 0.0, true),
    ];
    let plot = Contrasts {
        y: "change".into(),
        names: ["first".into(), "second".into()].to_vec(),
        series: ["this way".into(), "that way".into()].to_vec(),
        panels: vec![("one <panel>".into(), all.clone()), ("all alike".into(), vec![contrast(0, 0, 0.0, 0.0, false)])],
    };
    let svg = contrasts(&plot, "differences").expect("a plot");
    well_formed(&svg);
    on_the_picture(&svg);
    assert_eq!(svg.matches("<circle").count(), 3, "a ring for what is not certain");
    for text in ["first", "second", "this way", "that way", "one &lt;panel&gt;", "change"] {
        assert!(svg.contains(text), "{text}");
    }
    // The widest bar does not set the scale.
    assert!(svg.contains(">−0.2<") && !svg.contains(">20<"), "{svg}");
    assert!(contrasts(&Contrasts { panels: Vec::new(), ..plot }, "none").is_ok());
}

#[test]
fn ratios_of_any_size_are_bars_from_one() {
    for spread in [1.0, 1.01, 1.5, 3.0, 20.0, 1e6] {
        let bar =
            |group, name, value: f64| Bar { group, name, value, whisker: Some([0.9 * value, 1.1 * value]), certain: name == 0 };
        let plot = Ratios {
            x: "time over that of <old>".into(),
            groups: vec!["gemm/1024".into(), "mmd/n8192-d2".into()],
            names: vec!["new".into(), "newer".into()],
            bars: vec![bar(0, 0, spread), bar(0, 1, 1.0 / spread), bar(1, 1, 1.0)],
        };
        let svg = themed(&ratios(&plot, "Ratios").expect("plot"));
        well_formed(&svg);
        on_the_picture(&svg);
        assert!(svg.contains("&lt;old&gt;") && svg.contains("gemm/1024") && svg.contains(">newer<"));
        // Each is once in the style, once in the legend, and once a bar.
        assert_eq!((svg.matches("f-data").count(), svg.matches("f-samples").count()), (2, 3));
        assert!(svg.matches("class=\"f-muted\"").count() >= 2 + 2, "two names, and two ticks at least: {svg}");
    }
    let none = Ratios { bars: vec![Bar { group: 0, name: 0, value: 0.0, whisker: None, certain: true }], ..Ratios::default() };
    assert!(ratios(&none, "").is_err() && ratios(&Ratios::default(), "").is_err());
}

#[test]
fn long_names_and_facts_stay_on_the_page() {
    let fact = |value: String| ("data".to_string(), value);
    let page = Page { facts: vec![fact("short.csv".into()), fact("a_long_name_".repeat(12))], ..page() };
    let html = page.html();
    // A long fact has a line of its own, words without blanks break anywhere, and wide tables scroll inside of the page.
    assert!(
        html.contains("<div><dt>data</dt><dd>short.csv") && html.contains("<div class=\"long\"><dt>data</dt><dd>a_long_name_")
    );
    assert!(
        html.contains(".facts .long { grid-column: 1 / -1; }") && html.contains("body { margin: 0; overflow-wrap: anywhere; }")
    );
    assert!(html.contains(".wide { overflow-x: auto; }") && html.contains("<div class=\"wide\">\n<table class=\"sheet"));
}
