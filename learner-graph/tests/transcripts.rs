//! Files in, problems and reports out: the transcripts are in `tests/transcripts`.
//!
//! `REWRITE=1` writes what comes out into them; commit a rewrite only if you understand it.

use std::path::Path;

#[test]
fn transcripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    datadriven::walk(&folder.to_string_lossy(), |file| {
        file.run(|case| -> Result<String, std::convert::Infallible> {
            let safe = case.args.get("safe").map(|names| names.join(","));
            let said = learner_graph::check("graph.toml", &case.input, safe.as_deref());
            Ok(match (case.directive.as_str(), said) {
                ("problems", Ok(report)) => lines(&report.warnings, "no problems\n"),
                ("problems", Err(problems)) => lines(&problems, ""),
                ("report", Ok(report)) => report.to_string(),
                ("data", Ok(report)) => {
                    toml::to_string(&report).unwrap_or_else(|e| format!("cannot be written: {e}\n"))
                }
                ("report" | "data", Err(problems)) => lines(&problems, ""),
                (other, _) => format!("unknown directive {other}\n"),
            })
        });
    });
}

fn lines(problems: &[learner_graph::Problem], none: &str) -> String {
    if problems.is_empty() {
        return none.to_owned();
    }
    problems.iter().map(|p| format!("{p}\n")).collect()
}
