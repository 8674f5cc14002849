//! A picture of a graph.
//!
//! ```text
//!            learners on a ring            an edge: a promise to agree, as thick as what it stands
//!         ·  ·  ·  ·  ·  ·  ·  ·           a rim: the same with itself
//!       acceptors in rows below it         as large as what hangs on each
//! ```

use super::export::{in_short, tolerance};
use super::hanging::{load, weight};
use super::legend::Legend;
use learner_graph::{Analysis, LearnerGraph, PairFaults};
use std::f64::consts::TAU;
use std::fmt::Write as _;

/// The space between neighbours on the ring, as long as there is room.
const APART: f64 = 110.0;
const SMALLEST_RING: f64 = 110.0;
const LARGEST_RING: f64 = 520.0;
/// The room for the heading.
const HEADING: f64 = 36.0;
/// The room for names around the ring.
const MARGIN: f64 = 190.0;
const LEARNER: f64 = 12.0;
/// The room that a name needs beside its neighbours'.
const NAME: f64 = 62.0;
const SMALLEST_ACCEPTOR: f64 = 5.0;
const LARGEST_ACCEPTOR: f64 = 22.0;
/// The most edges that are drawn one by one, each with words for the pointer.
const MAX_EDGES_WITH_WORDS: usize = 1500;
/// Up to so many learners have their quorums written beside them.
const MAX_LEARNERS_WITH_QUORUMS: usize = 12;

const STYLE: &str = "
svg { font: 13px system-ui, sans-serif; background: #fdfdfc; --ink: #1f2430; --dim: #6b7280; --gone: #c62828; --t0: #d9822b; --t1: #4a90c2; --t2: #2f9e6e; --t3: #7250b8; --open: #8a8f98; --disk: #dfe3ea; }
@media (prefers-color-scheme: dark) { svg { background: #14171c; --ink: #e6e8ec; --dim: #9aa1ac; --gone: #ff6b6b; --t0: #f0a35c; --t1: #6db3e3; --t2: #57c794; --t3: #a78bea; --open: #7d8490; --disk: #2f3640; } }
text { fill: var(--ink); } .dim { fill: var(--dim); font-size: 11px; } .bad { fill: var(--gone); font-weight: 600; }
.edge { fill: none; } .learner { fill: var(--disk); } .acceptor { fill: var(--disk); stroke: var(--dim); } .alone { stroke: var(--gone); stroke-width: 2.5; }
.none { stroke: var(--dim); stroke-width: 1; stroke-dasharray: 2 3; } .gone { stroke: var(--gone); stroke-width: 1.5; stroke-dasharray: 6 4; } .broken { stroke: var(--gone); stroke-width: 3; stroke-dasharray: 9 5; } .open, .acceptor.open { stroke: var(--open); stroke-width: 1.5; stroke-dasharray: 2 4; }
.t0 { stroke: var(--t0); stroke-width: 1.5; } .t1 { stroke: var(--t1); stroke-width: 2.5; } .t2 { stroke: var(--t2); stroke-width: 4; } .t3 { stroke: var(--t3); stroke-width: 6; }
";

/// The kinds of edges, with what the legend says of them.
pub(super) const KINDS: [(&str, &str); 7] = [
    ("t0", "stands no lie"),
    ("t1", "stands one"),
    ("t2", "two"),
    ("t3", "three or more"),
    ("gone", "gone already"),
    ("open", "not decided"),
    ("broken", "NOT KEPT: not valid"),
];

/// Draws a graph with what is known of it.
pub(super) fn draw(graph: &LearnerGraph, found: &Analysis) -> String {
    let ring = Ring::new(found.learners.len());
    let rows = Rows::new(found, ring.width());
    let width = ring.width();
    let legend = Legend::new(found, width);
    let height = ring.height() + rows.height + legend.height();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">\n<style>{STYLE}</style>\n"
    );
    let (class, verdict) = match found.valid {
        Some(true) => ("", "valid"),
        Some(false) => ("bad", "NOT VALID"),
        None => ("bad", "not decided whether it is valid"),
    };
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"20\" y=\"28\">{verdict}: {} learners, {} acceptors</text>",
        found.learners.len(),
        graph.n_acceptors()
    );
    edges(&mut svg, found, &ring);
    learners(&mut svg, graph, found, &ring);
    rows.draw(&mut svg, found, ring.height());
    legend.draw(&mut svg, ring.height() + rows.height);
    svg.push_str("</svg>\n");
    svg
}

/// Where learners stand.
struct Ring {
    n: usize,
    radius: f64,
}

impl Ring {
    fn new(n: usize) -> Ring {
        let radius = (n as f64 * APART / TAU).clamp(SMALLEST_RING, LARGEST_RING);
        Ring { n, radius }
    }

    fn width(&self) -> f64 {
        2.0 * (self.radius + MARGIN)
    }

    fn height(&self) -> f64 {
        let names = if self.is_crowded() { MARGIN } else { 70.0 };
        HEADING + 2.0 * (self.radius + names)
    }

    /// Whether names have to stand like rays.
    fn is_crowded(&self) -> bool {
        self.n as f64 * NAME > TAU * self.radius
    }

    /// The direction of a learner from the middle: the first is at the top.
    fn angle(&self, at: usize) -> f64 {
        at as f64 / self.n.max(1) as f64 * TAU - TAU / 4.0
    }

    fn place(&self, at: usize, radius: f64) -> (f64, f64) {
        let (sin, cos) = self.angle(at).sin_cos();
        (
            self.width() / 2.0 + radius * cos,
            (HEADING + self.height()) / 2.0 + radius * sin,
        )
    }
}

/// How a promise is drawn, if there is one. One that quorums do not keep stands nothing, whatever it says.
pub(super) fn class(pair: &PairFaults) -> &'static str {
    let Some(declared) = &pair.declared else {
        return "none";
    };
    match (pair.kept, tolerance(declared).as_str()) {
        (Some(false), _) => "broken",
        (None, _) | (_, "?") => "open",
        (_, "gone") => "gone",
        (_, "0") => "t0",
        (_, "1") => "t1",
        (_, "2") => "t2",
        _ => "t3",
    }
}

/// What the promise to a pair is worth, in words.
fn promise(found: &Analysis, pair: &PairFaults) -> String {
    let Some(declared) = &pair.declared else {
        return String::from("nothing is promised");
    };
    let stands = match tolerance(declared).as_str() {
        "?" => String::from("so many lies that were not decided"),
        "gone" => String::from("nothing, for it is gone already"),
        "1" => String::from("1 lie"),
        n => format!("{n} lies"),
    };
    if pair.kept == Some(true) {
        return format!("the promise stands {stands}");
    }
    if pair.kept.is_none() {
        return format!("promised to stand {stands}; whether that is kept was not decided");
    }
    let [a, b] = &pair.between;
    let mut violations = found.violations.iter();
    let why = match violations.find(|v| v.between == [a, b].map(String::clone)) {
        Some(v) => {
            let [q1, q2] = v.quorums.each_ref().map(|names| names.join(", "));
            let safe = v.safe.join(", ");
            format!(
                "while {{{safe}}} are safe, {{{q1}}} is a quorum of {a} and {{{q2}}} one of {b}, and no acceptor is in all three"
            )
        }
        None => String::from("quorums need not have a safe acceptor in common"),
    };
    format!("NOT KEPT, promised to stand {stands}: {why}")
}

fn place_of(found: &Analysis, name: &str) -> Option<usize> {
    found.learners.iter().position(|l| l.name == name)
}

fn edges(svg: &mut String, found: &Analysis, ring: &Ring) {
    let places: std::collections::HashMap<&str, usize> = found
        .learners
        .iter()
        .enumerate()
        .map(|(at, l)| (l.name.as_str(), at))
        .collect();
    let promised = found.pairs.iter().filter_map(|pair| {
        let [a, b] = &pair.between;
        let (from, to) = (*places.get(a.as_str())?, *places.get(b.as_str())?);
        pair.declared.as_ref().filter(|_| from != to)?;
        Some((from, to, pair))
    });
    let promised: Vec<_> = promised.collect();
    let with_words = promised.len() <= MAX_EDGES_WITH_WORDS;
    for (kind, _) in KINDS {
        let mut paths = String::new();
        for (from, to, pair) in promised.iter().filter(|(_, _, of)| class(of) == kind) {
            let ((x1, y1), (x2, y2)) =
                (ring.place(*from, ring.radius), ring.place(*to, ring.radius));
            let path = format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}");
            if !with_words {
                paths.push_str(&path);
                continue;
            }
            let (a, b) = (&found.learners[*from].name, &found.learners[*to].name);
            let words = promise(found, pair);
            let _ = writeln!(
                svg,
                "<path class=\"edge {kind}\" d=\"{path}\"><title>{a} and {b}: {words}</title></path>"
            );
        }
        if !paths.is_empty() {
            let _ = writeln!(
                svg,
                "<path class=\"edge {kind}\" style=\"stroke-width: .6; opacity: .35\" d=\"{paths}\"/>"
            );
        }
    }
}

fn learners(svg: &mut String, graph: &LearnerGraph, found: &Analysis, ring: &Ring) {
    for pair in &found.pairs {
        let [name, other] = &pair.between;
        let Some(at) = place_of(found, name).filter(|_| name == other) else {
            continue;
        };
        let (x, y) = ring.place(at, ring.radius);
        let rim = class(pair);
        let crashes = match tolerance(&found.learners[at].stopped_by).as_str() {
            "?" => String::from("how many crashes it survives was not decided"),
            "gone" => String::from("it has no quorum left"),
            "1" => String::from("survives 1 crash"),
            n => format!("survives {n} crashes"),
        };
        let with_itself = promise(found, pair);
        let short = in_short(graph, name);
        let _ = writeln!(
            svg,
            "<circle class=\"learner {rim}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{LEARNER}\"><title>{name}: quorums {short}; {crashes}; with itself: {with_itself}</title></circle>"
        );
        name_of(svg, ring, at, name, &short);
    }
}

fn name_of(svg: &mut String, ring: &Ring, at: usize, name: &str, short: &str) {
    let (sin, cos) = ring.angle(at).sin_cos();
    let (x, y) = ring.place(at, ring.radius + LEARNER + 8.0);
    if ring.is_crowded() {
        let turn = ring.angle(at).to_degrees();
        let (turn, anchor) = match cos < 0.0 {
            true => (turn + 180.0, "end"),
            false => (turn, "start"),
        };
        let _ = writeln!(
            svg,
            "<text class=\"dim\" text-anchor=\"{anchor}\" dominant-baseline=\"middle\" transform=\"translate({x:.1} {y:.1}) rotate({turn:.1})\">{name}</text>"
        );
        return;
    }
    let anchor = match cos {
        c if c > 0.3 => "start",
        c if c < -0.3 => "end",
        _ => "middle",
    };
    // Two lines, above or below the circle where they are in the middle.
    let y = y + if sin < -0.3 { -12.0 } else { 4.0 + 8.0 * sin };
    let _ = writeln!(
        svg,
        "<text text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>"
    );
    if ring.n <= MAX_LEARNERS_WITH_QUORUMS {
        let _ = writeln!(
            svg,
            "<text class=\"dim\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            y + 14.0,
            shortened(short)
        );
    }
}

/// What fits beside a learner.
fn shortened(short: &str) -> String {
    const FITS: usize = 26;
    match short.chars().count() <= FITS {
        true => short.to_owned(),
        false => short.chars().take(FITS - 1).chain(['…']).collect(),
    }
}

/// Where acceptors stand.
struct Rows {
    in_row: usize,
    cell: f64,
    height: f64,
    width: f64,
}

impl Rows {
    fn new(found: &Analysis, width: f64) -> Rows {
        let longest = found.units.iter().map(|name| name.chars().count()).max();
        let cell = (longest.unwrap_or(0) as f64 * 7.0 + 14.0).max(2.0 * LARGEST_ACCEPTOR + 10.0);
        let in_row = ((width - 40.0) / cell).floor().max(1.0) as usize;
        let rows = found.units.len().div_ceil(in_row);
        Rows {
            in_row,
            cell,
            height: rows as f64 * (2.0 * LARGEST_ACCEPTOR + 26.0) + 30.0,
            width,
        }
    }

    fn draw(&self, svg: &mut String, found: &Analysis, top: f64) {
        let of = |name: &str| found.weights.iter().find(|w| w.name == name);
        let most = found.weights.iter().map(load).max().unwrap_or(0).max(1);
        let n = found.units.len();
        for (at, name) in found.units.iter().enumerate() {
            let (row, column) = (at / self.in_row, at % self.in_row);
            let here = self.in_row.min(n - row * self.in_row);
            let left = (self.width - here as f64 * self.cell) / 2.0;
            let x = left + (column as f64 + 0.5) * self.cell;
            let y = top + 20.0 + LARGEST_ACCEPTOR + row as f64 * (2.0 * LARGEST_ACCEPTOR + 26.0);
            let share = of(name).map_or(0.0, |w| load(w) as f64 / most as f64);
            let r = SMALLEST_ACCEPTOR + (LARGEST_ACCEPTOR - SMALLEST_ACCEPTOR) * share.sqrt();
            let (class, words) = match of(name) {
                Some(of) => weight(of),
                None if found.idle.contains(name) => ("", String::from("nothing hangs on it")),
                None => (" open", String::from("not decided")),
            };
            let _ = writeln!(
                svg,
                "<circle class=\"acceptor{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\"><title>{name}: {words}</title></circle>\
                 <text class=\"dim\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{name}</text>",
                y + LARGEST_ACCEPTOR + 14.0
            );
        }
    }
}
