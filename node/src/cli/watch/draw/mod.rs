//! Draws what is known, as the user looks at it.
//!
//! ```text
//!   title
//!   verdict, loud if somebody should look
//!   panes
//!   the pane: learners (agreement, lanes, rates) │ nodes │ evidence │ events
//!   keys
//! ```

mod lanes;
mod lists;
mod rates;

use super::state::{Look, Watch, short};
use super::view::{Pane, View};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

/// The least that can be drawn on.
const LEAST: (u16, u16) = (40, 12);

pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const QUIET: Style = Style::new().add_modifier(Modifier::DIM);
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const WARNING: Style = Style::new().fg(Color::Yellow);
pub(super) const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
/// What is worth a look, and allowed.
pub(super) const AMBER: Style = Style::new().fg(Color::Black).bg(Color::Yellow);
/// What must not be overlooked.
pub(super) const LOUD: Style = Style::new()
    .fg(Color::White)
    .bg(Color::Red)
    .add_modifier(Modifier::BOLD);

/// Draws everything. What is scrolled too far is scrolled back.
pub(super) fn draw(frame: &mut Frame, watch: &Watch, view: &mut View) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let words = format!("at least {} x {} characters are needed", LEAST.0, LEAST.1);
        frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
        return;
    }
    let (verdict, look) = verdict(watch);
    let lines = verdict.chars().count().div_ceil(usize::from(area.width));
    let lines = u16::try_from(lines).unwrap_or(3).clamp(1, 3);
    let rows = [1, lines, 1].map(Constraint::Length);
    let rows = rows
        .into_iter()
        .chain([Constraint::Min(6), Constraint::Length(1)]);
    let [title, said, panes, body, keys] = Layout::vertical(rows).areas(area);
    frame.render_widget(self::title(watch), title);
    let style = match look {
        Look::Unknown => QUIET,
        Look::Good => GOOD,
        Look::Allowed => AMBER,
        Look::Broken => LOUD,
    };
    let verdict = Paragraph::new(verdict)
        .style(style)
        .wrap(Wrap { trim: true });
    frame.render_widget(verdict, said);
    frame.render_widget(tabs(watch, view.pane), panes);
    match view.pane {
        Pane::Learners => learners(frame, body, watch, view),
        Pane::Nodes => lists::show(frame, body, " nodes ", lists::nodes(watch), view),
        Pane::Evidence => lists::show(frame, body, " evidence ", lists::evidence(watch), view),
        Pane::Events => lists::show(
            frame,
            body,
            " events, the newest first ",
            lists::events(watch),
            view,
        ),
    }
    let hint = "q quit  tab pane  up/down scroll  left/right slots  ? help";
    frame.render_widget(Line::styled(hint, QUIET), keys);
    if view.help {
        help(frame, area);
    }
}

fn title(watch: &Watch) -> Line<'static> {
    let answering = watch.nodes.iter().filter(|node| node.is_fine()).count();
    let all = watch.nodes.len();
    let network = watch.network.as_ref().map_or(String::new(), |network| {
        format!(
            "network {} ({}), mode {}",
            network.name,
            short(&network.id),
            network.mode
        )
    });
    let count = format!("{answering} of {all} nodes ready");
    let style = if answering == all { GOOD } else { BAD };
    Line::from(vec![
        Span::styled("hpaxos watch  ", STRONG),
        Span::raw(network),
        Span::raw("  "),
        Span::styled(count, style),
    ])
}

/// The most important thing in a line.
fn verdict(watch: &Watch) -> (String, Look) {
    let (mut words, mut look) = watch.verdict();
    let caught = watch.known().caught;
    if !caught.is_empty() {
        let names: Vec<String> = caught
            .iter()
            .map(|name| crate::cli::printable(name))
            .collect();
        words = format!("CAUGHT: {}. {words}", names.join(", "));
        look = look.max(Look::Allowed);
    }
    (words, look)
}

fn tabs(watch: &Watch, here: Pane) -> Line<'static> {
    let tab = |pane: Pane| {
        let count = match pane {
            Pane::Evidence if !watch.evidence.is_empty() => format!(" {}", watch.evidence.len()),
            _ => String::new(),
        };
        let style = match pane == here {
            true => STRONG.add_modifier(Modifier::REVERSED),
            false => Style::new(),
        };
        [
            Span::styled(format!(" {}{count} ", pane.name()), style),
            Span::raw(" "),
        ]
    };
    Line::from_iter(Pane::ALL.into_iter().flat_map(tab))
}

/// Heights of the three parts: what can be scrolled gives way.
fn learners(frame: &mut Frame, area: Rect, watch: &Watch, view: &mut View) {
    let bonds = lists::bonds(watch);
    let rates = match area.height {
        0..15 => 0,
        15..30 => 4,
        _ => 7,
    };
    let rest = area.height - rates;
    let lanes = lanes::height(watch).min(rest / 2 + 1);
    let list = u16::try_from(bonds.len() + 2).unwrap_or(rest);
    let list = list.min(rest - lanes);
    let rows = [
        Constraint::Length(list),
        Constraint::Min(0),
        Constraint::Length(rates),
    ];
    let [top, middle, bottom] = Layout::vertical(rows).areas(area);
    let down = view.down;
    lists::show(frame, top, " learners ", bonds, view);
    let most = view.down;
    view.down = down;
    lanes::show(frame, middle, watch, view);
    // Whatever has more to show may be scrolled.
    view.down = view.down.max(most);
    if rates > 0 {
        rates::show(frame, bottom, watch);
    }
}

fn help(frame: &mut Frame, area: Rect) {
    let lines = [
        "q, Esc, Ctrl-C   quit",
        "Tab, Shift-Tab   next pane, pane before",
        "j k, up down     scroll",
        "PgUp PgDn        scroll by ten lines",
        "h l, left right  earlier and later slots",
        "Home End         the first slots, the latest",
        "",
        "In a slot equal digits are equal values. Where",
        "learners differ it is amber, if the graph allows it,",
        "and red with '!' if not.",
    ];
    let (width, height) = (54, 12);
    let place = Rect {
        x: area.x + area.width.saturating_sub(width) / 2,
        y: area.y + area.height.saturating_sub(height) / 2,
        width: width.min(area.width),
        height: height.min(area.height),
    };
    frame.render_widget(Clear, place);
    let text = lines.map(Line::raw).to_vec();
    frame.render_widget(
        Paragraph::new(text).block(Block::bordered().title(" keys ")),
        place,
    );
}
