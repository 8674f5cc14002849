//! The growth of time and memory, drawn for a page that may be light or dark.

use super::Measured;
use plotters::coord::Shift;
use plotters::prelude::*;

const SIZE: (u32, u32) = (1140, 330);
/// Each family with its colour on a light page and on a dark one.
const LINES: [(&str, RGBColor, &str); 4] = [
    ("threshold", RGBColor(0x09, 0x69, 0xDA), "#58a6ff"),
    ("organisations", RGBColor(0xBC, 0x4C, 0x00), "#f0883e"),
    ("chain", RGBColor(0x1A, 0x7F, 0x37), "#3fb950"),
    ("ring", RGBColor(0x82, 0x50, 0xDF), "#d2a8ff"),
];
const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
const INK: RGBColor = RGBColor(0x1F, 0x23, 0x28);
const FAINT: RGBColor = RGBColor(0xD1, 0xD9, 0xE0);

type Drawn = Result<(), Box<dyn std::error::Error>>;
/// A panel: what it shows, from where to where, and the figure.
type Panel = (&'static str, (f64, f64), fn(&Measured) -> f64);

/// Writes a picture with a panel for each figure, by the number of acceptors, both axes
/// logarithmic.
pub(super) fn write(file: &str, measured: &[Measured]) -> Drawn {
    let panels: [Panel; 3] = [
        ("validity, seconds", (1e-6, 100.0), |m| m.validity),
        ("whole analysis, seconds", (1e-5, 1000.0), |m| m.analysis),
        ("memory, MB", (1.0, 1000.0), |m| m.peak_mb),
    ];
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&PAPER)?;
        for (area, shown) in root.split_evenly((1, panels.len())).iter().zip(panels) {
            panel(area, shown, measured)?;
        }
        root.present()?;
    }
    let fixed = [(PAPER, "#0d1117"), (INK, "#e6edf3"), (FAINT, "#30363d")];
    let lines = LINES.iter().map(|(_, light, dark)| (*light, *dark));
    let rules = fixed
        .into_iter()
        .chain(lines)
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
    (title, (bottom, top), figure): Panel,
    measured: &[Measured],
) -> Drawn {
    let text = |size, color: &RGBColor| ("system-ui, sans-serif", size).into_font().color(color);
    let mut chart = ChartBuilder::on(area)
        .margin_right(20)
        .margin_top(34)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((3.0..1000.0).log_scale(), (bottom..top).log_scale())?;
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
    area.draw_text(title, &text(17, &INK), (14, 4))?;
    for (at, (family, color, _)) in LINES.iter().enumerate() {
        let of_family = measured.iter().filter(|m| m.family == *family);
        let line: Vec<_> = of_family
            .map(|m| (m.acceptors, figure(m).max(bottom)))
            .collect();
        if line.is_empty() {
            continue;
        }
        let dots = line.iter().map(|at| Circle::new(*at, 3, color.filled()));
        chart.draw_series(dots)?;
        chart.draw_series(LineSeries::new(line, color.stroke_width(2)))?;
        let down = 40 + 18 * i32::try_from(at)?;
        area.draw_text(family, &text(14, color), (80, down))?;
    }
    Ok(())
}
