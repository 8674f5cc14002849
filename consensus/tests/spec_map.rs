//! `docs/spec-map.md` names files, functions and tests that exist, and has no row without a test.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The words between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// A cell names a file, then at least one function in it.
fn check(cell: &str, line: usize) -> Result<(), String> {
    let words = quoted(cell);
    let [file, functions @ ..] = words.as_slice() else {
        return Err(format!("line {line}: names no file"));
    };
    if functions.is_empty() {
        return Err(format!("line {line}: names no function in {file}"));
    }
    let text = std::fs::read_to_string(root().join(file))
        .map_err(|e| format!("line {line}: {file}: {e}"))?;
    for f in functions {
        if !text.contains(&format!("fn {f}(")) && !text.contains(&format!("fn {f}<")) {
            return Err(format!("line {line}: {file} has no function {f}"));
        }
    }
    Ok(())
}

fn problems(map: &str) -> Vec<String> {
    let rows = map
        .lines()
        .enumerate()
        .filter(|(_, l)| l.starts_with("| ") && !l.starts_with("| definition |"));
    rows.flat_map(|(i, row)| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let checked: Vec<Result<(), String>> = match cells.as_slice() {
            [_, code, tests] => vec![check(code, i + 1), check(tests, i + 1)],
            _ => vec![Err(format!("line {}: not three cells", i + 1))],
        };
        checked.into_iter().filter_map(Result::err)
    })
    .collect()
}

#[test]
fn every_row_names_code_and_tests_that_exist() {
    let map = std::fs::read_to_string(root().join("docs/spec-map.md")).expect("docs/spec-map.md");
    assert!(
        map.lines().filter(|l| l.starts_with("| ")).count() > 30,
        "the map is there"
    );
    let problems = problems(&map);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_row_that_names_what_is_not_there_is_noticed() {
    let bad = "| X | `consensus/src/network.rs` `no_such_thing` | |";
    let found = problems(bad);
    assert_eq!(found.len(), 2, "{found:?}");
}
