//! Panes that are lists of lines.

use super::{BAD, GOOD, QUIET, STRONG, WARNING};
use crate::cli::printable;
use crate::cli::watch::graph::Bond;
use crate::cli::watch::state::{Node, Watch};
use crate::cli::watch::text;
use crate::cli::watch::view::View;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

/// Draws lines that can be scrolled. Long ones are continued below.
pub(super) fn show(
    frame: &mut Frame,
    area: Rect,
    title: &str,
    lines: Vec<Line<'static>>,
    view: &mut View,
) {
    let (width, height) = (area.width.saturating_sub(2), area.height.saturating_sub(2));
    let lines: Vec<Line> = lines
        .into_iter()
        .flat_map(|line| fold(line, width))
        .collect();
    view.down = view
        .down
        .min(lines.len().saturating_sub(usize::from(height)));
    let more = lines.len() - view.down > usize::from(height);
    let shown = lines.into_iter().skip(view.down);
    let shown: Vec<Line> = shown.take(usize::from(height)).collect();
    let mut block = Block::bordered().title(title.to_owned());
    if more {
        block = block.title_bottom(" more below ");
    }
    frame.render_widget(Paragraph::new(shown).block(block), area);
}

/// A line that is too long, as several; the styles stay.
fn fold(line: Line<'static>, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width).max(1);
    if line.width() <= width {
        return vec![line];
    }
    let mut folded = vec![Line::default()];
    let mut column = 0;
    for span in line.spans {
        for c in span.content.chars() {
            let c = Span::styled(c.to_string(), span.style);
            if column + c.width() > width {
                folded.push(Line::from("    "));
                column = 4;
            }
            column += c.width();
            if let Some(last) = folded.last_mut() {
                last.spans.push(c);
            }
        }
    }
    folded
}

/// Learners with their quorums, and what holds between them.
pub(super) fn bonds(watch: &Watch) -> Vec<Line<'static>> {
    let known = watch.known();
    let learners = watch.trust.learners.iter().map(|learner| {
        let name = printable(&learner.name);
        let alone = known
            .apart
            .contains(&[learner.name.clone(), learner.name.clone()]);
        let apart = if alone {
            "  not sure to agree with itself"
        } else {
            ""
        };
        Line::from(vec![
            Span::styled(format!("{name:<10}"), STRONG),
            Span::raw(format!(" slot {:<8} ", watch.next(&learner.name))),
            Span::styled(printable(&learner.live), QUIET),
            Span::styled(apart, BAD),
        ])
    });
    let edges = watch.edges().into_iter().map(|edge| {
        let [a, b] = &edge.between;
        let style = match edge.bond {
            Bond::Entangled => GOOD,
            Bond::Weakened => WARNING,
            Bond::Disconnected => BAD,
        };
        Line::from(vec![
            Span::raw(printable(&format!("{a} and {b}: "))),
            Span::styled(edge.bond.name(), style),
            Span::styled(format!("; {}", printable(&edge.words)), QUIET),
        ])
    });
    learners.chain(edges).collect()
}

/// Nodes, why they do not answer, what they have refused, and the disks that they see.
pub(super) fn nodes(watch: &Watch) -> Vec<Line<'static>> {
    let head = row([
        "node", "phase", "ballot", "leader", "peers", "waiting", "refused", "address",
    ]
    .map(str::to_owned));
    let mut lines = vec![Line::styled(head, QUIET)];
    for node in &watch.nodes {
        lines.push(Line::styled(node_row(node), style_of(node)));
        if let Some(why) = &node.gone {
            lines.push(Line::styled(format!("         {why}"), BAD));
        }
        let patience = node.patience();
        let (times, last) = node.given_up();
        if let Some(patience) = patience.filter(|_| times > 0) {
            let words = format!("given up: {times}; {last}; patience now {patience}");
            lines.push(Line::styled(
                format!("         {}", printable(&words)),
                QUIET,
            ));
        }
        let (refused, why) = node.refused();
        if refused > 0 {
            lines.push(Line::styled(
                format!("         refused: {}", printable(&why)),
                WARNING,
            ));
        }
    }
    for node in &watch.nodes {
        let disks = text::disks(node)
            .into_iter()
            .zip(node.status.iter().flat_map(|s| &s.disks));
        lines.extend(disks.map(|(words, disk)| {
            let style = if disk.up { Style::new() } else { BAD };
            Line::styled(words, style)
        }));
    }
    lines
}

fn style_of(node: &Node) -> Style {
    match (node.is_fine(), &node.gone) {
        (true, _) => Style::new(),
        (false, None) => WARNING,
        (false, Some(_)) => BAD,
    }
}

fn node_row(node: &Node) -> String {
    let name = printable(node.name());
    let Some(status) = &node.status else {
        let nothing = || "-".to_owned();
        let phase = node.phase().to_owned();
        let url = printable(&node.url);
        return row([
            nothing(),
            phase,
            nothing(),
            nothing(),
            nothing(),
            nothing(),
            nothing(),
            url,
        ]);
    };
    row([
        name,
        node.phase().to_owned(),
        status.ballot.to_string(),
        status.leader.as_deref().map_or("-".to_owned(), printable),
        format!("{}/{}", status.peers.there(), status.peers.expected),
        status.waiting.to_string(),
        node.refused().0.to_string(),
        printable(&node.url),
    ])
}

fn row([node, phase, ballot, leader, peers, waiting, refused, url]: [String; 8]) -> String {
    format!(
        "{node:<8} {phase:<8} {ballot:>6} {leader:<8} {peers:>5} {waiting:>7} {refused:>7}  {url}"
    )
}

/// Acceptors that were caught, and what proves it.
pub(super) fn evidence(watch: &Watch) -> Vec<Line<'static>> {
    let caught = watch.known().caught;
    if caught.is_empty() && watch.evidence.is_empty() {
        return vec![Line::styled("no acceptor was caught", GOOD)];
    }
    let player = |acceptor: &String| {
        let mut acceptors = watch.trust.acceptors.iter();
        let played = acceptors.find(|player| player.acceptor == *acceptor);
        played.and_then(|player| player.node.clone())
    };
    let caught = caught.iter().map(|acceptor| {
        let by = player(acceptor).map_or(String::new(), |node| format!(", played by {node},"));
        Line::styled(printable(&format!("{acceptor}{by} was caught")), BAD)
    });
    let pieces = watch.evidence.values();
    let pieces = pieces.flat_map(|piece| {
        let words = Line::raw(format!("- {}", printable(&piece.words)));
        let sides = text::sides(piece).into_iter();
        let sides = sides.map(|side| Line::styled(format!("    {side}"), QUIET));
        [words].into_iter().chain(sides)
    });
    caught.chain(pieces).collect()
}

/// What has happened, the newest first.
pub(super) fn events(watch: &Watch) -> Vec<Line<'static>> {
    if watch.lines.is_empty() {
        return vec![Line::styled("nothing yet", QUIET)];
    }
    let lines = watch.lines.iter().rev().map(|line| {
        let at = line.at.as_secs();
        let style = if line.bad { BAD } else { Style::new() };
        Line::from(vec![
            Span::styled(
                format!("{:>3}:{:02} {:<8} ", at / 60, at % 60, line.node),
                QUIET,
            ),
            Span::styled(line.words.clone(), style),
        ])
    });
    lines.collect()
}
