//! The look of every plot: colors, fonts, ticks, numbers. Colors are Okabe & Ito's (2008), distinct under all common kinds of color blindness;
//! data are blue, samples orange, everywhere.

use plotters::style::{IntoFont, RGBColor, ShapeStyle, TextStyle};

use crate::words::with_commas;

pub(super) use crate::words::number;

/// Drawing units in a pixel: plotters' coordinates are whole numbers, a page's are not.
pub(super) const UNITS: f64 = 10.0;

/// The colors of light and dark pages, as the style of a page or of a picture of its own.
pub(super) const THEME: &str = include_str!("theme.css");

pub(super) const DATA: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(super) const SAMPLES: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
pub(super) const INK: RGBColor = RGBColor(0x1c, 0x22, 0x2b);
pub(super) const MUTED: RGBColor = RGBColor(0x5b, 0x65, 0x73);
pub(super) const AXIS: RGBColor = RGBColor(0xa9, 0xb1, 0xbc);
pub(super) const GRID: RGBColor = RGBColor(0xe9, 0xec, 0xf0);
/// Lines beyond the first two take these in turn.
pub(super) const SERIES: [RGBColor; 6] = [
    DATA,
    SAMPLES,
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xb8, 0x86, 0x0b),
];

/// The name by which a page recolors a color of the style; `theme.css` has the dark ones.
pub(super) fn class(rgb: (u8, u8, u8)) -> Option<&'static str> {
    let names = ["ink", "muted", "axis", "grid", "data", "samples", "third", "fourth", "fifth", "sixth"];
    let colors = [INK, MUTED, AXIS, GRID].into_iter().chain(SERIES);
    names.into_iter().zip(colors).find(|(_, c)| (c.0, c.1, c.2) == rgb).map(|(name, _)| name)
}

/// The width of a page's text, and of its widest plots, in pixels.
pub(super) const WIDE: f64 = 852.0;

pub(super) const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";

/// Pixels in drawing units.
pub(super) fn px(pixels: f64) -> u32 {
    (pixels * UNITS).round() as u32
}

pub(super) fn font(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    ("sans-serif", pixels * UNITS).into_font().color(&color)
}

pub(super) fn stroke(color: impl plotters::style::Color, pixels: f64) -> ShapeStyle {
    ShapeStyle { color: color.to_rgba(), filled: false, stroke_width: px(pixels) }
}

/// The width of a text in ems, for layout: no font is at hand, and these averages err on the wide side.
pub(super) fn text_width(text: &str) -> f64 {
    let one = |c: char| match c {
        'i' | 'l' | 'j' | '.' | ',' | '\'' | '|' | ' ' | ':' | ';' => 0.32,
        'm' | 'w' | 'M' | 'W' | '%' => 0.9,
        c if c.is_uppercase() => 0.7,
        _ => 0.58,
    };
    text.chars().map(one).sum()
}

/// `text` cut to `ems`, with an ellipsis where something is missing.
pub(super) fn fit_text(text: &str, ems: f64) -> String {
    if text_width(text) <= ems {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while !kept.is_empty() && text_width(&kept) > ems - 0.8 {
        kept.pop();
    }
    kept + "…"
}

/// `text` cut to `ems` in its middle: names of columns often differ in their ends.
pub(super) fn fit_middle(text: &str, ems: f64) -> String {
    if text_width(text) <= ems {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let cut = |kept: usize| {
        let tail = kept / 2;
        let ends = [&letters[..kept - tail], &['…'], &letters[letters.len() - tail..]];
        ends.concat().into_iter().collect::<String>()
    };
    (0..letters.len()).rev().map(cut).find(|cut| text_width(cut) <= ems).unwrap_or_default()
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Round numbers (1, 2, 2.5 or 5 times a power of ten apart) in `low..=high`, as many as fit and at most `count` + 1.
pub(super) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let raw = (high - low) / (count + 1) as f64;
    if !(raw.is_finite() && raw > 0.0) {
        return vec![low];
    }
    let power = 10f64.powf(raw.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 50.0].map(|m| m * power);
    let ends = |step: f64| ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    let step = steps.into_iter().find(|&s| ends(s).1.saturating_sub(ends(s).0) <= count as i64).unwrap_or(steps[6]);
    (ends(step).0..=ends(step).1).map(|i| i as f64 * step).collect()
}

/// Ticks of a logarithmic axis given as log₁₀: whole decades, with 2 and 5 between them where there are few.
pub(super) fn log_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    let multiples: &[f64] = if high - low < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let skip = ((high - low) / count.max(1) as f64).ceil().max(1.0) as i32;
    let decades = (first..=last).filter(|d| d.rem_euclid(skip) == 0);
    decades.flat_map(|d| multiples.iter().map(move |m| f64::from(d) + m.log10())).filter(|t| (low..=high).contains(t)).collect()
}

/// A score and its interval to the same decimals, two significant digits of the interval's width: finer ones say nothing.
pub(super) fn aligned(value: f64, interval: Option<[f64; 2]>) -> (String, Option<String>) {
    let Some([low, high]) = interval else { return (number(value, 3), None) };
    let largest = value.abs().max(low.abs()).max(high.abs());
    // A narrower interval is none that a few decimals could show.
    let plain = (1e-4..1e5).contains(&largest) && high - low > 1e-5 * largest;
    let decimals = (1.0 - (high - low).log10().floor()).clamp(0.0, 6.0) as usize;
    let show = |v: f64| match plain {
        true => {
            let text = format!("{v:.decimals$}");
            let zero = text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.');
            with_commas(&if zero { text.trim_start_matches('-').to_owned() } else { text.replace('-', "−") })
        }
        false => number(v, 3),
    };
    (show(value), Some(format!("[{}, {}]", show(low), show(high))))
}

/// The first line of a picture of so many pixels, of a class of the page's style.
pub(super) fn svg_head(class: &str, [width, height]: [f64; 2], title: &str) -> String {
    let (width, height) = (width.round(), height.round());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{}</title>\n",
        escape(title)
    )
}
