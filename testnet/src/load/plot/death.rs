//! Throughput and latency before, during and after a leader's death.

use super::{
    BLUE, Drawn, FAINT, GREEN, HPos, INK, ORANGE, PAPER, RED, Shade, VPos, anchored, round_up,
    save, text,
};
use crate::failure::Failure;
use crate::load::timeline::{Death, Moment, WIDTH};
use crate::show::words;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::path::Path;
use std::time::Duration;

const WIDE: u32 = 880;
/// The height of one mode's title, and of its two panels: below the second one, time has its name.
const TITLE: u32 = 34;
const UPPER: u32 = 150;
const LOWER: u32 = 164;

/// The times that a panel of latencies shows, in milliseconds.
const LEAST_MS: f64 = 1.0;

type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws one death below the other, each with a title, and writes the picture.
///
/// # Errors
/// If it cannot be drawn or written.
pub fn write(path: &Path, deaths: &[(String, Death)]) -> Result<(), Failure> {
    let mut svg = String::new();
    let height = (TITLE + UPPER + LOWER) * u32::try_from(deaths.len()).unwrap_or(1).max(1);
    let drawn = draw(&mut svg, height, deaths);
    save(path, svg, drawn)
}

fn draw(svg: &mut String, height: u32, deaths: &[(String, Death)]) -> Drawn {
    let root = SVGBackend::with_string(svg, (WIDE, height)).into_drawing_area();
    root.fill(&PAPER.light)?;
    for (area, (title, death)) in root
        .split_evenly((deaths.len().max(1), 1))
        .iter()
        .zip(deaths)
    {
        let (head, panels) = area.split_vertically(TITLE);
        head.draw_text(title, &text(19, &INK), (14, 12))?;
        let (upper, lower) = panels.split_vertically(UPPER);
        throughput(&upper, death)?;
        latency(&lower, death)?;
    }
    root.present()?;
    Ok(())
}

/// The middle of each moment in seconds, with what is to be drawn there.
fn middles<T>(death: &Death, of: impl Fn(usize) -> T) -> Vec<(f64, T)> {
    let width = WIDTH.as_secs_f64();
    let middle = |at: usize| ((at as f64 + 0.5) * width, of(at));
    (0..death.moments.len()).map(middle).collect()
}

fn end(death: &Death) -> f64 {
    death.moments.len() as f64 * WIDTH.as_secs_f64()
}

fn throughput(area: &Panel<'_>, death: &Death) -> Drawn {
    let rate = |at: usize| death.moments[at].values as f64 / WIDTH.as_secs_f64();
    let rates = middles(death, rate);
    let top = round_up(rates.iter().map(|(_, rate)| *rate).fold(1.0, f64::max) * 1.15);
    let mut chart = ChartBuilder::on(area)
        .margin_right(16)
        .margin_top(18)
        .x_label_area_size(22)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end(death), 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT.light)
        .axis_style(FAINT.light)
        .label_style(text(14, &INK))
        .x_labels(11)
        .y_labels(5)
        .x_label_formatter(&|x| format!("{x}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    area.draw_text("values per second", &text(14, &BLUE), (66, 2))?;
    marks(&chart, (0.0, top), death, true)?;
    chart.draw_series(LineSeries::new(rates, BLUE.light.stroke_width(2)))?;
    Ok(())
}

fn latency(area: &Panel<'_>, death: &Death) -> Drawn {
    let ms = |time: Duration| (time.as_secs_f64() * 1e3).max(LEAST_MS);
    let longest = death
        .moments
        .iter()
        .filter_map(|m| m.max)
        .map(ms)
        .fold(10.0, f64::max);
    let top = 10f64.powf(longest.log10().ceil());
    let mut chart = ChartBuilder::on(area)
        .margin_right(16)
        .margin_top(18)
        .x_label_area_size(40)
        .margin_bottom(8)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end(death), (LEAST_MS..top).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT.light)
        .axis_style(FAINT.light)
        .label_style(text(14, &INK))
        .x_labels(11)
        .y_labels(4)
        .x_desc("seconds")
        .axis_desc_style(text(14, &INK))
        .x_label_formatter(&|x| format!("{x}"))
        .y_label_formatter(&|ms| whole(*ms))
        .draw()?;
    area.draw_text("latency: median", &text(14, &BLUE), (66, 2))?;
    area.draw_text("longest", &text(14, &ORANGE), (176, 2))?;
    marks(&chart, (LEAST_MS, top), death, false)?;
    type Of = fn(&Moment) -> Option<Duration>;
    let (longest, median): (Of, Of) = (|moment| moment.max, |moment| moment.median);
    for (shade, of) in [(&ORANGE, longest), (&BLUE, median)] {
        let times = middles(death, |at| of(&death.moments[at]).map(ms));
        // Where nothing was decided there is no line; what stands alone is a dot.
        for run in times.chunk_by(|a, b| a.1.is_some() && b.1.is_some()) {
            let run: Vec<(f64, f64)> = run.iter().filter_map(|(x, y)| Some((*x, (*y)?))).collect();
            if let [alone] = run[..] {
                chart.draw_series([Circle::new(alone, 2, shade.light.filled())])?;
            }
            chart.draw_series(LineSeries::new(run, shade.light.stroke_width(2)))?;
        }
    }
    Ok(())
}

/// A time of a whole power of ten milliseconds.
fn whole(ms: f64) -> String {
    match ms >= 1000.0 {
        true => format!("{:.0} s", ms / 1000.0),
        false => format!("{ms:.0} ms"),
    }
}

/// The moments of the death and of the first decision after it, with words if wished.
fn marks<Y: Ranged<ValueType = f64>>(
    chart: &ChartContext<'_, SVGBackend<'_>, Cartesian2d<RangedCoordf64, Y>>,
    (bottom, top): (f64, f64),
    death: &Death,
    speak: bool,
) -> Drawn {
    let area = chart.plotting_area();
    let line = |x: f64, shade: &Shade| {
        area.draw(&PathElement::new(
            vec![(x, bottom), (x, top)],
            shade.light.stroke_width(2),
        ))
    };
    let at = death.at.as_secs_f64();
    line(at, &RED)?;
    if let Some(first) = death.first {
        line(first.as_secs_f64(), &GREEN)?;
    }
    if !speak {
        return Ok(());
    }
    // Beside the panel's lines, to both sides of the marks, so that they never meet.
    let (x, y) = area.map_coordinate(&(at, top));
    let above = area.strip_coord_spec();
    let origin = above.get_base_pixel();
    let put = |x: i32, words: &str, shade, h| {
        let style = anchored(14, shade, h, VPos::Top);
        above.draw_text(words, &style, (x - origin.0, y - origin.1 + 4))
    };
    put(
        x - 6,
        &format!("leader {} killed", death.leader),
        &RED,
        HPos::Right,
    )?;
    let (words, x) = match (death.first, death.pause()) {
        (Some(first), Some(pause)) => {
            let (x, _) = area.map_coordinate(&(first.as_secs_f64(), top));
            (
                format!("first decision after it: {} later", words::time(pause)),
                x,
            )
        }
        _ => ("no decision after it".to_owned(), x),
    };
    put(
        x + 6,
        &words,
        if death.first.is_some() { &GREEN } else { &RED },
        HPos::Left,
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death(first: Option<u64>) -> Death {
        let moment = |at: u64| {
            let silent = (50..62).contains(&at);
            let time = Duration::from_millis(8 + at % 3);
            Moment {
                values: if silent { 0 } else { 30 + at % 5 },
                median: (!silent).then_some(time),
                max: (!silent).then_some(time * 3),
            }
        };
        Death {
            leader: "n1".into(),
            at: Duration::from_millis(5010),
            first: first.map(Duration::from_millis),
            moments: (0..100).map(moment).collect(),
        }
    }

    fn picture(deaths: &[(String, Death)]) -> String {
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join("x.svg");
        write(&file, deaths).expect("drawn");
        std::fs::read_to_string(&file).expect("written")
    }

    #[test]
    fn both_moments_are_marked_and_named() {
        let svg = picture(&[("paxos".into(), death(Some(6240)))]);
        for words in [
            "paxos",
            "leader n1 killed",
            "first decision after it: 1.23 s later",
            "values per second",
            "100 ms",
        ] {
            assert!(svg.contains(words), "no '{words}' in {svg}");
        }
        let svg = picture(&[("paxos".into(), death(None))]);
        assert!(svg.contains("no decision after it"), "{svg}");
    }

    #[test]
    fn every_mode_has_its_panels() {
        let both = [
            ("hpaxos".into(), death(Some(6240))),
            ("paxos".into(), death(Some(5900))),
        ];
        let svg = picture(&both);
        assert_eq!(svg.matches("leader n1 killed").count(), 2);
        assert_eq!(svg.matches("values per second").count(), 2);
        assert!(
            svg.contains(&format!("height=\"{}\"", 2 * (TITLE + UPPER + LOWER))),
            "{svg}"
        );
    }
}
