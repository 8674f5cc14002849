//! Values in a second by the number of clients, for each mode and size of values.

use super::{
    BLUE, Drawn, FAINT, GREEN, HPos, INK, ORANGE, PAPER, Shade, VPos, anchored, save, text,
};
use crate::failure::Failure;
use crate::load::clients::Demand;
use crate::load::compare::Cell;
use node::config::Mode;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::path::Path;

const HIGH: u32 = 300;
/// The width of the panel of one size of values.
const PANEL: u32 = 430;

/// Draws a panel for each size of values, and writes the picture.
///
/// # Errors
/// If it cannot be drawn or written.
pub fn write(path: &Path, cells: &[Cell]) -> Result<(), Failure> {
    let mut sizes: Vec<u32> = Vec::new();
    for cell in cells {
        if !sizes.contains(&cell.value_bytes) {
            sizes.push(cell.value_bytes);
        }
    }
    let mut svg = String::new();
    let drawn = draw(&mut svg, &sizes, cells);
    save(path, svg, drawn)
}

fn draw(svg: &mut String, sizes: &[u32], cells: &[Cell]) -> Drawn {
    let wide = PANEL * u32::try_from(sizes.len()).unwrap_or(1).max(1);
    let root = SVGBackend::with_string(svg, (wide, HIGH)).into_drawing_area();
    root.fill(&PAPER.light)?;
    // All panels have the same axis, so that they can be compared.
    let rates = || cells.iter().map(|cell| cell.rate.max(1.0));
    let bottom = 10f64.powf(rates().fold(f64::INFINITY, f64::min).log10().floor());
    let top = 10f64.powf(rates().fold(10.0, f64::max).log10().ceil());
    for (area, bytes) in root.split_evenly((1, sizes.len().max(1))).iter().zip(sizes) {
        let cells: Vec<&Cell> = cells
            .iter()
            .filter(|cell| cell.value_bytes == *bytes)
            .collect();
        panel(area, *bytes, &cells, (bottom.min(top / 10.0), top))?;
    }
    root.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    bytes: u32,
    cells: &[&Cell],
    (bottom, top): (f64, f64),
) -> Drawn {
    let mut clients: Vec<Demand> = cells.iter().map(|cell| cell.demand).collect();
    clients.sort_unstable();
    clients.dedup();
    let place = |n: Demand| clients.iter().position(|other| *other == n).unwrap_or(0) as f64;
    let name = |x: f64| {
        let whole = (x - x.round()).abs() < 1e-6 && x >= -0.1;
        let client = whole.then(|| clients.get(x.round() as usize)).flatten();
        client.map_or(String::new(), |demand| demand.short())
    };
    let last = clients.len() as f64 - 1.0;
    let mut chart = ChartBuilder::on(area)
        .margin_right(16)
        .margin_top(44)
        .x_label_area_size(40)
        .y_label_area_size(58)
        .build_cartesian_2d(-0.25..last + 0.75, (bottom..top).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT.light)
        .axis_style(FAINT.light)
        .label_style(text(14, &INK))
        .axis_desc_style(text(14, &INK))
        .x_labels(clients.len() + 1)
        .x_desc("clients")
        .x_label_formatter(&|x| name(*x))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    area.draw_text(
        &format!("values of {bytes} bytes"),
        &text(17, &INK),
        (14, 4),
    )?;
    area.draw_text("values per second", &text(14, &INK), (14, 25))?;
    for (mode, shade) in [
        (Mode::Hpaxos, &BLUE),
        (Mode::Paxos, &ORANGE),
        (Mode::DiskPaxos, &GREEN),
    ] {
        let of_mode = cells.iter().filter(|cell| cell.mode == mode);
        let mut line: Vec<(f64, f64)> = of_mode
            .map(|c| (place(c.demand), c.rate.max(bottom)))
            .collect();
        line.sort_by(|a, b| a.0.total_cmp(&b.0));
        let dots = line
            .iter()
            .map(|at| Circle::new(*at, 3, shade.light.filled()));
        chart.draw_series(dots)?;
        if let Some(end) = line.last() {
            label(chart.plotting_area(), mode, shade, *end)?;
        }
        chart.draw_series(LineSeries::new(line, shade.light.stroke_width(2)))?;
    }
    Ok(())
}

/// The name of a mode, beside the end of its line.
fn label<C>(
    area: &DrawingArea<SVGBackend<'_>, C>,
    mode: Mode,
    shade: &Shade,
    end: (f64, f64),
) -> Drawn
where
    C: plotters::coord::CoordTranslate<From = (f64, f64)>,
{
    let (x, y) = area.map_coordinate(&end);
    let plain = area.strip_coord_spec();
    let origin = plain.get_base_pixel();
    let style = anchored(14, shade, HPos::Left, VPos::Center);
    plain.draw_text(mode.name(), &style, (x - origin.0 + 8, y - origin.1))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_size_has_a_panel_and_every_mode_a_line() {
        let cell = |mode, value_bytes, clients, rate| Cell {
            mode,
            value_bytes,
            demand: Demand::Clients(clients),
            rate,
            median: Duration::ZERO,
            p99: Duration::ZERO,
        };
        let mut cells = Vec::new();
        for bytes in [100, 10_000] {
            for (clients, rate) in [(1, 70.0), (8, 300.0), (64, 1500.0), (512, 2500.0)] {
                cells.push(cell(Mode::Hpaxos, bytes, clients, rate));
                cells.push(cell(Mode::Paxos, bytes, clients, rate * 3.0));
            }
        }
        // Nothing was decided: at the bottom, not nowhere.
        cells.push(cell(Mode::DiskPaxos, 100, 1, 0.0));
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join("x.svg");
        write(&file, &cells).expect("drawn");
        let svg = std::fs::read_to_string(&file).expect("written");
        for words in [
            "values of 100 bytes",
            "values of 10000 bytes",
            ">\n512\n<",
            ">\n1000\n<",
            "clients",
        ] {
            assert!(svg.contains(words), "no '{words}' in {svg}");
        }
        assert_eq!(svg.matches(">\nhpaxos\n<").count(), 2, "{svg}");
        assert_eq!(svg.matches(">\ndisk-paxos\n<").count(), 1);
    }
}
