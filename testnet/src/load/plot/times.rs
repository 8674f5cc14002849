//! How long values took: for each measurement the time that a part of them does not exceed, up to the slowest of
//! ten thousand.

use super::{BLUE, Drawn, FAINT, GREEN, INK, ORANGE, PAPER, RED, Shade, save, text};
use crate::failure::Failure;
use crate::load::tally::Times;
use plotters::prelude::*;
use std::path::Path;

const WIDE: u32 = 860;
const HIGH: u32 = 360;
/// Parts of all values with equal distances between them: each leaves half or a fifth of what the one before left.
const PARTS: [(f64, &str); 9] = [
    (0.0, "0"),
    (0.5, "50 %"),
    (0.75, "75 %"),
    (0.9, "90 %"),
    (0.95, "95 %"),
    (0.99, "99 %"),
    (0.995, "99.5 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
];

/// Draws a line for each of these, and writes the picture.
///
/// # Errors
/// If it cannot be drawn or written.
pub fn write(path: &Path, all: &[(String, Times)]) -> Result<(), Failure> {
    let mut svg = String::new();
    let drawn = draw(&mut svg, all);
    save(path, svg, drawn)
}

/// A part of all values whose time is known by more than one of them.
fn known(times: &Times) -> impl Iterator<Item = (f64, f64)> {
    let count = times.count() as f64;
    let told = PARTS.iter().enumerate();
    let told = told.filter(move |(_, (part, _))| (1.0 - part) * count >= 1.0);
    told.map(|(at, (part, _))| {
        let ms = times.quantile(*part).as_secs_f64() * 1e3;
        (at as f64, ms.max(0.01))
    })
}

fn draw(svg: &mut String, all: &[(String, Times)]) -> Drawn {
    let root = SVGBackend::with_string(svg, (WIDE, HIGH)).into_drawing_area();
    root.fill(&PAPER.light)?;
    let every: Vec<f64> = all
        .iter()
        .flat_map(|(_, times)| known(times))
        .map(|(_, ms)| ms)
        .collect();
    let least = every.iter().copied().fold(f64::INFINITY, f64::min).min(1e6);
    let most = every.iter().copied().fold(least * 10.0, f64::max);
    let bottom = 10f64.powf(least.log10().floor());
    let top = 10f64.powf(most.log10().ceil());
    let mut chart = ChartBuilder::on(&root)
        .margin_right(16)
        .margin_top(36)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(
            0.0..(PARTS.len() - 1) as f64 + 0.2,
            (bottom..top).log_scale(),
        )?;
    let name = |x: f64| {
        let whole = (x - x.round()).abs() < 1e-6;
        let part = whole.then(|| PARTS.get(x.round() as usize)).flatten();
        part.map_or(String::new(), |(_, name)| (*name).to_owned())
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT.light)
        .axis_style(FAINT.light)
        .label_style(text(14, &INK))
        .axis_desc_style(text(14, &INK))
        .x_labels(PARTS.len() + 1)
        .x_desc("of all values took no longer")
        .x_label_formatter(&|x| name(*x))
        .y_label_formatter(&|ms| format!("{ms} ms"))
        .draw()?;
    let shades: [&Shade; 4] = [&BLUE, &ORANGE, &GREEN, &RED];
    for (at, (title, times)) in all.iter().enumerate() {
        let shade = shades[at % shades.len()];
        let line: Vec<(f64, f64)> = known(times).collect();
        let dots = line
            .iter()
            .map(|at| Circle::new(*at, 3, shade.light.filled()));
        chart.draw_series(dots)?;
        chart.draw_series(LineSeries::new(line, shade.light.stroke_width(2)))?;
        let below = i32::try_from(at).unwrap_or(0) * 18;
        root.draw_text(title, &text(14, shade), (90, 40 + below))?;
    }
    root.draw_text(
        "time from when a value was due to its decision",
        &text(17, &INK),
        (14, 6),
    )?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_measurement_has_a_line_as_far_as_it_is_known() {
        let mut times = Times::default();
        (1..=1000).for_each(|ms| times.record(Duration::from_millis(ms)));
        let line: Vec<(f64, f64)> = known(&times).collect();
        assert_eq!(line.len(), 8, "one of a thousand is slower than 99.9 %");
        assert!((line[1].1 - 500.0).abs() < 2.0, "{line:?}");
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join("x.svg");
        let all = [
            ("one".to_owned(), times),
            ("none".to_owned(), Times::default()),
        ];
        write(&file, &all).expect("drawn");
        let svg = std::fs::read_to_string(&file).expect("written");
        for words in [">\none\n<", ">\nnone\n<", "99.9 %", "1000 ms"] {
            assert!(svg.contains(words), "no '{words}' in {svg}");
        }
        write(&file, &[]).expect("nothing is drawn as well");
    }
}
