//! The graphs of each family, as files.

use std::fmt::Write;

pub(super) fn list(names: impl Iterator<Item = String>) -> String {
    names
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// One learner that decides by 2f + 1 of 3f + 1.
pub(super) fn threshold(n: usize) -> String {
    let f = (n - 1) / 3;
    let all = list((0..n).map(|a| format!("a{a}")));
    let quorum = format!("{{ threshold = {}, of = [{all}] }}", n - f);
    format!(
        "acceptors = [{all}]\n[learners]\nl = {quorum}\n[[safe]]\nbetween = [\"l\"]\nwhen = {quorum}\n"
    )
}

/// Two learners over organisations of five acceptors: three of five in more than two thirds of
/// the organisations, and four of five in as many.
pub(super) fn organisations(n: usize) -> String {
    let all = list((0..n).flat_map(|o| (0..5).map(move |a| format!("o{o}.{a}"))));
    let quorum = |inner: usize| {
        let org = |o: usize| {
            let members = list((0..5).map(|a| format!("o{o}.{a}")));
            format!("{{ threshold = {inner}, of = [{members}] }}")
        };
        let orgs: Vec<_> = (0..n).map(org).collect();
        format!(
            "{{ threshold = {}, of = [{}] }}",
            n - (n - 1) / 3,
            orgs.join(", ")
        )
    };
    format!(
        "acceptors = [{all}]\n[define]\nthree = {}\nfour = {}\n[learners]\nl = \"four\"\nk = \"four\"\nm = \"three\"\n[[safe]]\nbetween = [\"l\", \"k\"]\nwhen = \"four\"\n",
        quorum(3),
        quorum(4)
    )
}

/// Learners each of which shares two acceptors with the next one.
pub(super) fn chain(n: usize) -> String {
    windows(n, 2 * n + 2)
}

/// The same, and the last one with the first.
pub(super) fn ring(n: usize) -> String {
    windows(n, 2 * n)
}

fn windows(n: usize, count: usize) -> String {
    let all = list((0..count).map(|a| format!("a{a}")));
    let mut text = format!("acceptors = [{all}]\n[learners]\n");
    let window = |l: usize| list((0..4).map(|i| format!("a{}", (2 * l + i) % count)));
    for l in 0..n {
        let _ = writeln!(text, "l{l} = {{ threshold = 3, of = [{}] }}", window(l));
    }
    for l in 0..n {
        let _ = writeln!(
            text,
            "[[safe]]\nbetween = [\"l{l}\"]\nwhen = {{ threshold = 3, of = [{}] }}",
            window(l)
        );
    }
    text
}
