//! The buckets of histograms: 1, 2.5, 5 for times, and powers of two for numbers.

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// Seconds, from 10 microseconds to 5 seconds: what a processor or a disk does.
pub(super) fn fast() -> Histogram {
    times(-5, 1)
}

/// Seconds, from a millisecond to 500 seconds: what somebody waits for.
pub(super) fn slow() -> Histogram {
    times(-3, 3)
}

/// Numbers from 1 to 4096.
pub(super) fn counts() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 13))
}

/// Three buckets for every power of ten from one to before another.
fn times(from: i32, to: i32) -> Histogram {
    // Written as a person would: a product of powers has more digits, and they would be part of a label.
    let decade = |power: i32| ["1", "2.5", "5"].map(|digits| format!("{digits}e{power}"));
    let bounds = (from..to).flat_map(decade);
    Histogram::new(bounds.filter_map(|bound| bound.parse().ok()))
}
