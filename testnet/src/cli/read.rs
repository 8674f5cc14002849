//! Arguments as a user writes them.

use crate::show::words;
use node::config::Mode;
use std::ops::Range;
use std::time::Duration;

/// Seconds as a user writes them: `2`, `2.5`, `2.5s`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    number
        .parse::<f64>()
        .ok()
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
        .ok_or_else(|| format!("'{text}' is not a number of seconds such as 2 or 2.5"))
}

/// Seconds, and not none of them.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("nothing can be decided in no time".to_owned()),
        time => Ok(time),
    }
}

pub(super) fn at_most_an_hour(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    match time <= Duration::from_secs(3600) {
        true => Ok(time),
        false => Err("use at most 3600 seconds".to_owned()),
    }
}

pub(super) fn measured_time(text: &str) -> Result<Duration, String> {
    some_time(text).and_then(|_| at_most_an_hour(text))
}

/// A week at most, and some time.
pub(super) fn minutes(text: &str) -> Result<Duration, String> {
    let minutes = text.strip_suffix("min").unwrap_or(text).parse::<f64>().ok();
    let time = minutes.and_then(|m| Duration::try_from_secs_f64(m * 60.0).ok());
    match time {
        Some(time) if (1..=10_080 * 60).contains(&time.as_secs()) => Ok(time),
        _ => Err(format!(
            "'{text}' is not a number of minutes from 0.02 to 10080"
        )),
    }
}

/// A seed that differs from one run to the next.
pub(super) fn seed_of_the_clock() -> u64 {
    let now = std::time::UNIX_EPOCH.elapsed();
    now.map_or(0, |time| time.as_millis() as u64 % 1_000_000_000)
}

/// Faults by their places in what a seed chooses.
#[derive(Clone, Debug)]
pub struct Faults(pub Vec<usize>);

pub(super) fn faults(text: &str) -> Result<Faults, String> {
    if text == "none" {
        return Ok(Faults(Vec::new()));
    }
    let places: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
    let wrong = |_| format!("'{text}' is neither a list of numbers such as 3,7 nor none");
    places.map(Faults).map_err(wrong)
}

/// A range of seeds: `0..100`.
pub(super) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").unwrap_or((text, ""));
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if from < to => Ok(from..to),
        _ => Err(format!("'{text}' is not a range of seeds such as 0..100")),
    }
}

pub(super) fn mode(text: &str) -> Result<Mode, String> {
    Mode::named(text).ok_or_else(|| {
        let names = Mode::ALL.map(Mode::name);
        format!("the modes are {}", words::list(&names))
    })
}
