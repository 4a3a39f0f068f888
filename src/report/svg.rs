//! The drawing backend of every plot: SVG with tenths of a pixel, many dots to a path, and a class for each color of the style,
//! so that one drawing is small, sharp, and follows the page's light or dark theme. On its own it is a light picture on white.

use std::convert::Infallible;
use std::fmt::Write;

use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{FontStyle, FontTransform};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

use super::style::{self, FONTS, UNITS};

/// Dots in one path. Within a path overlaps do not darken, between paths they do.
const DOTS: usize = 40;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

pub(super) struct Svg<'a> {
    out: &'a mut String,
    size: (u32, u32),
    dots: Vec<BackendCoord>,
    dot_style: Option<(BackendColor, u32)>,
}

impl<'a> Svg<'a> {
    /// A picture of `width × height` pixels, written to `out` when it is presented.
    pub(super) fn new(out: &'a mut String, width: u32, height: u32, title: &str) -> Self {
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONTS}\"><title>{}</title>",
            style::escape(title)
        );
        let _ = writeln!(out, "<rect class=\"f-paper\" width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        Self { out, size: (width * UNITS as u32, height * UNITS as u32), dots: Vec::new(), dot_style: None }
    }

    /// Everything else is drawn above the dots that came before it, so they are written first.
    fn element(&mut self, body: std::fmt::Arguments) -> Drawn {
        self.flush_dots();
        let _ = writeln!(self.out, "{body}");
        Ok(())
    }

    fn flush_dots(&mut self) {
        let Some((color, radius)) = self.dot_style.filter(|_| !self.dots.is_empty()) else { return };
        let mut path = String::new();
        for &(x, y) in &self.dots {
            let _ = write!(path, "M{} {}h0", px(x), px(y));
        }
        let width = px(2 * radius as i32);
        let _ = writeln!(
            self.out,
            "<path d=\"{path}\" {} stroke-width=\"{width}\" stroke-linecap=\"round\"/>",
            paint("stroke", color)
        );
        self.dots.clear();
    }
}

/// A picture that follows the reader's light or dark theme on its own, outside of a page.
pub fn themed(svg: &str) -> String {
    svg.replacen("</title>", &format!("</title>\n<style>\n{}</style>", style::THEME), 1)
}

fn px(units: i32) -> f64 {
    f64::from(units) / UNITS
}

/// `stroke` or `fill` with its class, color and opacity.
fn paint(what: &str, color: BackendColor) -> String {
    let (r, g, b) = color.rgb;
    let class = style::class(color.rgb).map_or(String::new(), |name| format!("class=\"{}-{name}\" ", &what[..1]));
    let opacity =
        if color.alpha < 1.0 { format!(" {what}-opacity=\"{}\"", (color.alpha * 100.0).round() / 100.0) } else { String::new() };
    format!("{class}{what}=\"#{r:02x}{g:02x}{b:02x}\"{opacity}")
}

fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
    path.into_iter().fold(String::new(), |mut text, (x, y)| {
        let _ = write!(text, "{}{},{}", if text.is_empty() { "" } else { " " }, px(x), px(y));
        text
    })
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        self.flush_dots();
        if !self.out.ends_with("</svg>\n") {
            self.out.push_str("</svg>\n");
        }
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_circle(at, 5, &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let (points, width) = (points(path), px(style.stroke_width() as i32));
        let paint = paint("stroke", style.color());
        self.element(format_args!(
            "<polyline points=\"{points}\" fill=\"none\" {paint} stroke-width=\"{width}\" stroke-linejoin=\"round\"/>"
        ))
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: BackendCoord, b: BackendCoord, style: &S, fill: bool) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        if !fill {
            return self.draw_path([a, (b.0, a.1), b, (a.0, b.1), a], style);
        }
        let (x, y, width, height) = (px(a.0.min(b.0)), px(a.1.min(b.1)), px((b.0 - a.0).abs()), px((b.1 - a.1).abs()));
        let paint = paint("fill", style.color());
        self.element(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" {paint}/>"))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let (points, paint) = (points(path), paint("fill", style.color()));
        self.element(format_args!("<polygon points=\"{points}\" {paint}/>"))
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let color = style.color();
        if !fill {
            // Its inside is paper: what lies below a ring does not show through.
            let (x, y, r, width) = (px(center.0), px(center.1), px(radius as i32), px(style.stroke_width() as i32));
            let ring = format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" {} stroke-width=\"{width}\"/>", paint("stroke", color));
            return self.element(format_args!("<g class=\"f-paper\" fill=\"#ffffff\">{ring}</g>"));
        }
        let same = self.dot_style.is_some_and(|(c, r)| c.rgb == color.rgb && c.alpha == color.alpha && r == radius);
        if !same || self.dots.len() >= DOTS {
            self.flush_dots();
            self.dot_style = Some((color, radius));
        }
        self.dots.push(center);
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let (x, y, size) = (px(at.0), px(at.1), style.size() / UNITS);
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let dy = match style.anchor().v_pos {
            VPos::Top => "0.8em",
            VPos::Center => "0.35em",
            VPos::Bottom => "-0.25em",
        };
        let turn = match style.transform() {
            FontTransform::Rotate90 => format!(" transform=\"rotate(90 {x} {y})\""),
            FontTransform::Rotate180 => format!(" transform=\"rotate(180 {x} {y})\""),
            FontTransform::Rotate270 => format!(" transform=\"rotate(270 {x} {y})\""),
            FontTransform::None => String::new(),
        };
        let weight = if matches!(style.style(), FontStyle::Bold) { " font-weight=\"600\"" } else { "" };
        let (paint, text) = (paint("fill", style.color()), style::escape(text));
        self.element(format_args!(
            "<text x=\"{x}\" y=\"{y}\" dy=\"{dy}\" text-anchor=\"{anchor}\" font-size=\"{size}\"{weight} {paint}{turn}>{text}</text>"
        ))
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, text: &str, style: &S) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(((style::text_width(text) * style.size()) as u32, style.size() as u32))
    }
}
