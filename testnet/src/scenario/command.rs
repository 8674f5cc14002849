//! `testnet run`: scenarios from files to an exit code.

use super::Scenario;
use super::file::read;
use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::launch::Programs;
use crate::show::words::{self, Paint};
use crate::show::{complain, line};
use crate::up::prepare::Prepared;
use crate::up::schedule::Schedule;
use crate::up::signals::Signals;
use crate::up::{Options, Played, run};
use serde_json::json;
use std::io::IsTerminal;

/// Plays all scenarios, one after the other, and returns the exit code.
///
/// # Errors
/// If the arguments are wrong, a scenario makes no sense, or a network cannot run.
pub async fn play(args: &RunArgs) -> Result<u8, Failure> {
    let mut signals = Signals::catch()?;
    let programs = Programs::find(args.hpaxos.as_deref())?;
    // All are read before the first is played.
    let scenarios = args.files.iter().map(|file| read(file));
    let scenarios = scenarios.collect::<Result<Vec<Scenario>, _>>()?;
    let mut outcomes = Vec::new();
    for scenario in scenarios {
        let title = scenario.title.clone();
        announce(args, &scenario)?;
        let dir = args.dir.as_ref().map(|dir| match args.files.len() {
            1 => dir.clone(),
            _ => dir.join(format!("{}", outcomes.len() + 1)),
        });
        let prepared = Prepared {
            programs: programs.clone(),
            layout: scenario.layout,
            expect: scenario.expect,
            values: scenario.values,
            schedule: Schedule::new(Vec::new(), 0),
            steps: Some(scenario.steps),
            warnings: scenario.warnings,
        };
        let options = Options {
            dir,
            json: args.json,
            verbose: args.verbose,
            keep: args.keep,
            ..Options::default()
        };
        let played = run(prepared, options, &mut signals).await?;
        report(args, &title, &played)?;
        let interrupted = played.interrupted;
        outcomes.push(played.code);
        if interrupted {
            return Ok(outcomes.into_iter().max().unwrap_or(0).max(3));
        }
    }
    if args.files.len() > 1 && !args.json {
        let passed = outcomes.iter().filter(|code| **code == 0).count();
        let all = words::count(outcomes.len(), "scenario");
        line(&format!("{passed} of {all} passed"))?;
    }
    // 1, the scenario failed, tells more than 3.
    Ok(match outcomes.contains(&1) {
        true => 1,
        false => outcomes.into_iter().max().unwrap_or(0),
    })
}

fn announce(args: &RunArgs, scenario: &Scenario) -> Result<(), Failure> {
    for warning in &scenario.warnings {
        complain(warning);
    }
    if args.json {
        let (title, lesson) = (&scenario.title, &scenario.lesson);
        return line(&json!({"event": "scenario", "title": title, "lesson": lesson}));
    }
    line(&format!("── {} ──", scenario.title))?;
    match scenario.lesson.is_empty() {
        true => Ok(()),
        false => line(&scenario.lesson),
    }
}

fn report(args: &RunArgs, title: &str, played: &Played) -> Result<(), Failure> {
    let (passed, steps, of) = (played.code == 0, played.steps, played.of);
    let seconds = (played.elapsed.as_secs_f64() * 1e3).round() / 1e3;
    if args.json {
        return line(&json!({
            "event": "passed", "title": title, "passed": passed, "steps": steps, "of": of,
            "seconds": seconds,
        }));
    }
    let paint = Paint::new(words::wants_colour(
        std::io::stdout().is_terminal(),
        std::env::var("NO_COLOR").ok().as_deref(),
        std::env::var("TERM").ok().as_deref(),
    ));
    let text = match passed {
        true => paint.good(&format!(
            "passed: {title}, {} in {seconds} s",
            words::count(of, "step")
        )),
        false => paint.bad(&format!(
            "failed: {title}, after {steps} of {}",
            words::count(of, "step")
        )),
    };
    line(&format!("{text}\n"))
}
