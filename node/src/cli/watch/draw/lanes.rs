//! A lane of slots for each learner, the latest at the right.

use super::{AMBER, BAD, LOUD, QUIET, STRONG, WARNING};
use crate::cli::printable;
use crate::cli::watch::state::Watch;
use crate::cli::watch::view::View;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};
use std::collections::BTreeMap;
use std::ops::Range;

/// Columns of a slot.
const WIDTH: u16 = 3;
/// Lines beside the lanes: borders, numbers, and the latest decision.
const BESIDE: u16 = 4;
/// Colours that white text can be read on, bluish and yellowish in turn.
const COLOURS: [u8; 10] = [18, 94, 24, 88, 54, 58, 60, 22, 90, 130];

/// Lines that all lanes take.
pub(super) fn height(watch: &Watch) -> u16 {
    let lanes = watch.lanes.learners().count().max(1);
    u16::try_from(lanes).unwrap_or(u16::MAX - BESIDE) + BESIDE
}

pub(super) fn show(frame: &mut Frame, area: Rect, watch: &Watch, view: &mut View) {
    let block = Block::bordered().title(" decisions ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(last) = watch.lanes.last() else {
        frame.render_widget(Line::styled("nothing is decided yet", QUIET), inner);
        return;
    };
    let names: Vec<&str> = watch.lanes.learners().collect();
    let longest = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    let name_width = longest.clamp(4, 16);
    let columns = inner
        .width
        .saturating_sub(u16::try_from(name_width).unwrap_or(16) + 1);
    let shown = u64::from((columns / WIDTH).max(1));
    view.back = view.back.min((last + 1).saturating_sub(shown));
    let end = last + 1 - view.back;
    let slots = end.saturating_sub(shown)..end;
    let rows = usize::from(inner.height.saturating_sub(2));
    view.down = view.down.min(names.len().saturating_sub(rows));
    let marks = marks(watch, slots.clone());
    let mut lines = vec![head(name_width, slots.clone(), &marks)];
    for name in names.iter().skip(view.down).take(rows) {
        lines.push(lane(watch, name, name_width, slots.clone(), &marks));
    }
    if let Some((learner, slot, cell)) = watch.lanes.latest() {
        let ms = cell
            .latency_ms
            .map_or(String::new(), |ms| format!(" ({ms} ms)"));
        let what = format!(
            "{} slot {slot}, ballot {}: ",
            printable(learner),
            cell.ballot
        );
        lines.push(Line::from(vec![
            Span::styled(what, QUIET),
            Span::raw(cell.words.clone()),
            Span::styled(ms, QUIET),
        ]));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// Slots in which learners differ, with whether they may.
type Marks = BTreeMap<u64, bool>;

fn marks(watch: &Watch, slots: Range<u64>) -> Marks {
    let mut marks = Marks::new();
    let disputes = watch.disputes();
    for dispute in &disputes {
        for slot in &dispute.slots {
            let allowed = marks.entry(*slot).or_insert(true);
            *allowed &= dispute.allowed;
        }
    }
    // Of pairs that differ in very many slots only the first ones are named.
    for slot in slots.filter(|slot| watch.lanes.digests(*slot).len() > 1) {
        let all = || disputes.iter().all(|dispute| dispute.allowed);
        marks.entry(slot).or_insert_with(all);
    }
    marks
}

/// Numbers of slots, those in which learners differ all of them.
fn head(name_width: usize, slots: Range<u64>, marks: &Marks) -> Line<'static> {
    let mut spans = vec![Span::raw(" ".repeat(name_width + 1))];
    // A number takes the room of the slots after it.
    let mut taken = 0;
    for slot in slots {
        let apart = marks.contains_key(&slot);
        let number = slot.to_string();
        if taken > 0 && !apart {
            taken -= 1;
            continue;
        }
        let wanted = apart || slot % 5 == 0;
        let text = if wanted { number } else { String::new() };
        let columns = text.chars().count().div_ceil(usize::from(WIDTH)).max(1);
        let room = columns * usize::from(WIDTH);
        let style = match marks.get(&slot) {
            Some(false) => BAD,
            Some(true) => WARNING,
            None => QUIET,
        };
        // What overlaps is overwritten by whoever differs.
        let over = taken * usize::from(WIDTH);
        trim(&mut spans, over);
        spans.push(Span::styled(format!("{text:<room$}"), style));
        taken = columns - 1;
    }
    Line::from(spans)
}

/// Takes columns away at the end.
fn trim(spans: &mut [Span<'static>], columns: usize) {
    if let Some(last) = spans.last_mut().filter(|_| columns > 0) {
        let keep = last.content.chars().count().saturating_sub(columns);
        last.content = last.content.chars().take(keep).collect::<String>().into();
    }
}

fn lane(
    watch: &Watch,
    name: &str,
    name_width: usize,
    slots: Range<u64>,
    marks: &Marks,
) -> Line<'static> {
    let short: String = printable(name).chars().take(name_width).collect();
    let mut spans = vec![Span::styled(format!("{short:<name_width$} "), STRONG)];
    for slot in slots {
        let span = match watch.lanes.cell(name, slot) {
            None => Span::styled(" · ", QUIET),
            Some(cell) => {
                let digits = watch.lanes.digits(slot, &cell.digest);
                match marks.get(&slot) {
                    Some(false) => Span::styled(format!("!{digits:<2}"), LOUD),
                    Some(true) => Span::styled(format!(" {digits:<2}"), AMBER),
                    None => Span::styled(format!(" {digits:<2}"), colour(slot)),
                }
            }
        };
        spans.push(span);
    }
    Line::from(spans)
}

/// All of a slot have one colour, unless they differ; neighbours have another.
fn colour(slot: u64) -> Style {
    let colour = COLOURS[(slot % COLOURS.len() as u64) as usize];
    Style::new().fg(Color::White).bg(Color::Indexed(colour))
}
