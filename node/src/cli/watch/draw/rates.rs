//! How fast: two rows of bars, a second each, the latest at the right.

use crate::cli::watch::state::Watch;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::widgets::{Block, Sparkline};

pub(super) fn show(frame: &mut Frame, area: Rect, watch: &Watch) {
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(area);
    let seconds = usize::from(left.width.saturating_sub(2));
    let values = watch.rates.values(watch.now, seconds);
    let title = format!(" values per second: {} ", values.last().unwrap_or(&0));
    bars(frame, left, title, values, Color::Cyan);
    let seconds = usize::from(right.width.saturating_sub(2));
    let latencies = watch.rates.latencies(watch.now, seconds);
    let title = format!(
        " median ms to a decision: {} ",
        latencies.last().unwrap_or(&0)
    );
    bars(frame, right, title, latencies, Color::Magenta);
}

fn bars(frame: &mut Frame, area: Rect, title: String, mut row: Vec<u64>, colour: Color) {
    // The latest second stands at the right from the beginning.
    let missing = usize::from(area.width.saturating_sub(2)).saturating_sub(row.len());
    row.splice(0..0, std::iter::repeat_n(0, missing));
    let bars = Sparkline::default().data(row).style(colour);
    frame.render_widget(bars.block(Block::bordered().title(title)), area);
}
