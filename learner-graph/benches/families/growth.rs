//! Growth, drawn for a page that may be light or dark: a panel for each figure, all axes logarithmic.

use plotters::coord::Shift;
use plotters::prelude::*;

const SIZE: (u32, u32) = (1140, 330);
/// The colours of lines on a light page and on a dark one.
const COLORS: [(RGBColor, &str); 4] = [
    (RGBColor(0x09, 0x69, 0xDA), "#58a6ff"),
    (RGBColor(0xBC, 0x4C, 0x00), "#f0883e"),
    (RGBColor(0x1A, 0x7F, 0x37), "#3fb950"),
    (RGBColor(0x82, 0x50, 0xDF), "#d2a8ff"),
];
const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
const INK: RGBColor = RGBColor(0x1F, 0x23, 0x28);
const FAINT: RGBColor = RGBColor(0xD1, 0xD9, 0xE0);

type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Lines by name: numbers of acceptors, and the figure.
pub(crate) type Lines<'a> = Vec<(&'a str, Vec<(f64, f64)>)>;

/// One figure, by the number of acceptors.
pub(crate) struct Panel<'a> {
    /// What it shows, and in which unit.
    pub(crate) title: &'a str,
    /// From where to where.
    pub(crate) range: (f64, f64),
    /// What was measured.
    pub(crate) lines: Lines<'a>,
}

/// Writes a picture of these panels, for so many acceptors.
///
/// # Errors
/// If it cannot be drawn or written.
pub(crate) fn write(file: &str, acceptors: (f64, f64), panels: &[Panel<'_>]) -> Drawn {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&PAPER)?;
        for (area, shown) in root.split_evenly((1, panels.len())).iter().zip(panels) {
            panel(area, acceptors, shown)?;
        }
        root.present()?;
    }
    let fixed = [(PAPER, "#0d1117"), (INK, "#e6edf3"), (FAINT, "#30363d")];
    let rules = fixed
        .into_iter()
        .chain(COLORS)
        .map(|(RGBColor(r, g, b), dark)| {
            let light = format!("#{r:02X}{g:02X}{b:02X}");
            format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}")
        });
    let rules: String = rules.collect();
    let start = svg.find('>').map_or(0, |at| at + 1);
    svg.insert_str(
        start,
        &format!("\n<style>@media(prefers-color-scheme:dark){{{rules}}}</style>"),
    );
    Ok(std::fs::write(file, svg)?)
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    (least, most): (f64, f64),
    shown: &Panel<'_>,
) -> Drawn {
    let text = |size, color: &RGBColor| ("system-ui, sans-serif", size).into_font().color(color);
    let (bottom, top) = shown.range;
    let mut chart = ChartBuilder::on(area)
        .margin_right(20)
        .margin_top(34)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((least..most).log_scale(), (bottom..top).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(FAINT)
        .label_style(text(13, &INK))
        .axis_desc_style(text(14, &INK))
        .x_desc("acceptors")
        .y_labels(5)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .draw()?;
    area.draw_text(shown.title, &text(17, &INK), (14, 4))?;
    let mut down = 40;
    for ((name, line), (color, _)) in shown.lines.iter().zip(COLORS) {
        let line: Vec<_> = line.iter().map(|(x, y)| (*x, y.max(bottom))).collect();
        if line.is_empty() {
            continue;
        }
        let dots = line.iter().map(|at| Circle::new(*at, 3, color.filled()));
        chart.draw_series(dots)?;
        chart.draw_series(LineSeries::new(line, color.stroke_width(2)))?;
        area.draw_text(name, &text(14, &color), (80, down))?;
        down += 18;
    }
    Ok(())
}
