//! The columns and pairs of a scorecard as pictures.

use pushforward::data::{Column, Table};
use pushforward::metrics::Evaluation;
use pushforward::metrics::scorecard::scorecard;
use pushforward::report::{Many, Page, Sheet, marginals, matrix};

use super::table;

/// As many `<` as `>`, every element closed, no number that is none, nothing beyond the picture's width.
fn sound(svg: &str) {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1).map(|part| part.split_once('>').expect("a whole tag").0) {
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{tag}"),
            (false, false) => open.push(name),
            (false, true) => (),
        }
    }
    assert!(open.is_empty() && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    let width: f64 = svg.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    for rect in svg.split("<rect ").skip(1) {
        let of =
            |name: &str| rect.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse::<f64>().unwrap();
        assert!(of("x") >= 0.0 && of("x") + of("width") <= width + 0.1, "{rect}");
    }
}

#[test]
fn each_column_has_its_picture_the_worst_first_and_each_pair_its_cell() {
    let (real, new) = (table("real"), table("synthetic"));
    let card = scorecard(&real, &new, 0).unwrap();
    let pictures = marginals(&real, &new, &card).unwrap();
    assert_eq!(pictures.len(), 7);
    for (svg, column) in pictures.iter().zip(&card.columns) {
        sound(svg);
        assert!(svg.contains(&format!(">{}</text>", column.column)), "{svg}");
        // Words differ in the shares of levels; numbers are a filled outline and a line.
        let is_category = ["job", "member", "country"].contains(&column.column.as_str());
        assert_eq!(svg.contains("<polygon"), !is_category);
        assert_eq!(svg.contains("missing: "), column.missing_shares != [0.0; 2]);
    }
    let spent = pictures.iter().find(|svg| svg.contains(">spent</text>")).unwrap();
    assert!(spent.contains("missing: 15 % real, 1 % samples"), "{spent}");
    let joined = pictures.iter().find(|svg| svg.contains(">joined</text>")).unwrap();
    assert!(joined.contains(">2014-") && joined.contains(">2020-"), "dates are written as such: {joined}");
    let svg = matrix(&card).unwrap();
    sound(&svg);
    // 21 pairs twice, 7 columns, 6 shades of the legend; a dot in both cells of the five pairs that depend on each other.
    assert_eq!((svg.matches("<rect ").count(), svg.matches("<circle ").count()), (2 * 21 + 7 + 6, 2 * 5));
    assert!(svg.contains("<title>age, job: 0.613, real rows about"), "{svg}");
}

#[test]
fn forty_columns_of_long_names_stay_readable() {
    let name = |j: usize| format!("a <long> name of a column with number {j}");
    let column = |j: usize, shift: f64| match j % 2 {
        0 => Column::numbers(name(j), (0..50).map(|i| shift + f64::from(i * 7 % 50) * (j + 1) as f64).collect()),
        _ => Column::categories(name(j), (0..50).map(|i| i * (j as u32) % 9).collect(), (0..9).map(|k| format!("& level {k}")))
            .unwrap(),
    };
    let rows = |shift: f64| Table::from_columns((0..40).map(|j| column(j, shift))).unwrap();
    let card = scorecard(&rows(0.0), &rows(3.0), 0).unwrap();
    let svg = matrix(&card).unwrap();
    sound(&svg);
    let width: f64 = svg.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    assert!(width <= 855.0, "{width}");
    // Names are cut in the middle, so that their ends tell them apart.
    assert!((0..40).all(|j| svg.contains(&format!("r {j}</text>")) || svg.contains(&format!("{j}</text>"))), "{svg}");
    let svgs = marginals(&rows(0.0), &rows(3.0), &card).unwrap();
    svgs.iter().for_each(|svg| sound(svg));
    assert_eq!(svgs.len(), 40);
    let found = Evaluation { scorecard: Some(card), ..Evaluation::default() };
    let many = Many { title: "Each column".into(), caption: "Which & what".into(), svgs, wide: Some((svg, "Pairs".into())) };
    let page = Page { columns: Sheet::of_scorecard(&found), many: Some(many), ..Page::default() };
    let html = page.html();
    assert!(
        html.contains("<div class=\"many\">") && html.contains("<div class=\"wide\">\n<svg") && html.contains("Which &amp; what")
    );
    assert!(html.contains("20 columns that are nearer are not listed") && html.contains("a &lt;long&gt; name"));
}
