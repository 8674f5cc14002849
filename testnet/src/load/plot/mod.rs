//! Pictures of measurements, for a page that may be light or dark.

pub mod death;
pub mod rates;
pub mod times;

use crate::failure::Failure;
use plotters::prelude::{IntoFont, RGBColor, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

/// A colour as it is on a light page, and as it is on a dark one.
struct Shade {
    light: RGBColor,
    dark: &'static str,
}

const fn shade(r: u8, g: u8, b: u8, dark: &'static str) -> Shade {
    let light = RGBColor(r, g, b);
    Shade { light, dark }
}

const PAPER: Shade = shade(0xFF, 0xFF, 0xFF, "#0d1117");
const INK: Shade = shade(0x1F, 0x23, 0x28, "#e6edf3");
const FAINT: Shade = shade(0xD1, 0xD9, 0xE0, "#30363d");
const BLUE: Shade = shade(0x09, 0x69, 0xDA, "#58a6ff");
const ORANGE: Shade = shade(0xBC, 0x4C, 0x00, "#f0883e");
const RED: Shade = shade(0xCF, 0x22, 0x2E, "#ff7b72");
const GREEN: Shade = shade(0x1A, 0x7F, 0x37, "#3fb950");

const SHADES: [&Shade; 7] = [&PAPER, &INK, &FAINT, &BLUE, &ORANGE, &RED, &GREEN];

const FONT: &str = "system-ui, sans-serif";

/// Text that stands to the right of its place.
fn text(size: i32, shade: &Shade) -> TextStyle<'static> {
    (FONT, size).into_font().color(&shade.light)
}

/// Text around its place.
fn anchored(size: i32, shade: &Shade, h: HPos, v: VPos) -> TextStyle<'static> {
    text(size, shade).pos(Pos::new(h, v))
}

/// What went wrong while drawing, in words.
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Gives a picture its colours for dark pages, and writes it.
///
/// # Errors
/// If it could not be drawn, or cannot be written.
fn save(path: &Path, mut svg: String, drawn: Drawn) -> Result<(), Failure> {
    let failed = |e: &dyn std::fmt::Display| {
        Failure::could_not_run(format!("--plot '{}': {e}", path.display()))
    };
    drawn.map_err(|e| failed(&e))?;
    let rules = SHADES.iter().map(|shade| {
        let RGBColor(r, g, b) = shade.light;
        let (light, dark) = (format!("#{r:02X}{g:02X}{b:02X}"), shade.dark);
        format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}")
    });
    let rules: String = rules.collect();
    let style = format!("\n<style>@media(prefers-color-scheme:dark){{{rules}}}</style>");
    // After the start of the picture.
    let at = svg.find('>').map_or(0, |at| at + 1);
    svg.insert_str(at, &style);
    std::fs::write(path, svg).map_err(|e| failed(&e))
}

/// The end of an axis that begins at 0: a round number of this size.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1e-9).log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let enough = steps
        .into_iter()
        .map(|step| step * power)
        .find(|end| *end >= value);
    enough.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let ends = [0.7, 1.0, 1.2, 340.0, 5001.0, 9999.0].map(round_up);
        assert_eq!(ends, [0.8, 1.0, 1.5, 400.0, 6000.0, 10_000.0]);
    }

    #[test]
    fn a_dark_page_gets_every_colour() {
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join("x.svg");
        save(&file, "<svg a=\"b\">\n</svg>".into(), Ok(())).expect("written");
        let text = std::fs::read_to_string(&file).expect("read");
        assert!(text.starts_with("<svg a=\"b\">\n<style>@media(prefers-color-scheme:dark){[fill=\"#FFFFFF\"]{fill:#0d1117}"), "{text}");
        assert_eq!(text.matches("[stroke=").count(), SHADES.len());
        let nowhere = save(&dir.path().join("no/x.svg"), String::new(), Ok(()));
        assert_eq!(nowhere.expect_err("no such directory").code(), 3);
    }
}
