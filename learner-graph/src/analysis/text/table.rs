//! Tables: columns as wide as they must be, and a last one of any number of lines.

use std::fmt;

/// The widest first column; what is longer has a line of its own.
const MAX_LABEL: usize = 36;

/// One row: cells, and the lines of the last column.
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) lines: Vec<String>,
}

/// Writes rows under a header; both begin two columns in.
pub(super) fn table(f: &mut fmt::Formatter<'_>, header: &[&str], rows: &[Row]) -> fmt::Result {
    let length = |text: &str| text.chars().count();
    let column = |at: usize, header: &str| {
        let cells = rows.iter().filter_map(|row| row.cells.get(at));
        let lengths = cells.map(|cell| length(cell));
        let fitting = lengths.filter(|n| at > 0 || *n <= MAX_LABEL);
        fitting.chain([length(header)]).max().unwrap_or(0)
    };
    let (last, first) = match header.split_last() {
        Some((last, first)) => (last, first),
        None => return Ok(()),
    };
    let widths: Vec<usize> = first
        .iter()
        .enumerate()
        .map(|(at, header)| column(at, header))
        .collect();
    let line = |cells: &[&str], last: &str| {
        let mut line = String::from(" ");
        for (cell, width) in cells.iter().zip(&widths) {
            let space = width.saturating_sub(length(cell)) + 2;
            line.push_str(&format!(" {cell}{:1$}", "", space - 1));
        }
        format!("{line} {last}").trim_end().to_owned()
    };
    writeln!(f, "{}", line(first, last))?;
    let empty = vec![""; widths.len()];
    for row in rows {
        let mut cells: Vec<&str> = row.cells.iter().map(String::as_str).collect();
        if cells.first().is_some_and(|label| length(label) > widths[0]) {
            writeln!(f, "  {}", cells[0])?;
            cells[0] = "";
            if row.lines.is_empty() && cells.iter().all(|cell| cell.is_empty()) {
                continue;
            }
        }
        let mut lines = row.lines.iter();
        writeln!(f, "{}", line(&cells, lines.next().map_or("", |l| l)))?;
        for more in lines {
            writeln!(f, "{}", line(&empty, more))?;
        }
    }
    Ok(())
}
