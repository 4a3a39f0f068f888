//! A gallery of scatter pictures of one distribution by many samplers, several a row, over the same axes.

use super::grid::{Ink, Scatter, Shown, draw, square_axes};
use super::panel::picture;
use super::style::{WIDE, px};
use crate::{Error, Result};

/// Pictures side by side.
const ACROSS: usize = 5;
/// Pixels above a square of dots and below it.
const ABOVE: f64 = 36.0;
const BELOW: f64 = 22.0;

/// Pictures in rows of five; all have the axes of the first.
///
/// # Errors
/// No picture.
pub fn gallery(pictures: &[(Ink, Scatter)], title: &str) -> Result<String> {
    if pictures.is_empty() {
        return Err(Error::shape("gallery", "no picture"));
    }
    let cell = WIDE / ACROSS as f64;
    let high = cell + ABOVE - BELOW;
    let rows = pictures.len().div_ceil(ACROSS);
    let axes = square_axes(pictures.iter().map(|(_, scatter)| scatter));
    picture(WIDE, high * rows as f64 + BELOW, title, |area| {
        for (i, (ink, scatter)) in pictures.iter().enumerate() {
            let at = (px(cell * (i % ACROSS) as f64), px(high * (i / ACROSS) as f64));
            let part = area.clone().shrink(at, (px(cell), px(high)));
            // Numbers where no picture is below.
            draw(area, &part, scatter, &axes, *ink, i + ACROSS >= pictures.len())?;
        }
        Ok(())
    })
}

/// Rows of two columns with a caption.
pub fn dots(caption: impl Into<String>, rows: Vec<f32>) -> Scatter {
    Scatter { caption: caption.into(), shown: Shown::Rows(rows) }
}
