//! Whether something grows: a straight line through what was measured. No I/O.

use serde::Serialize;

/// A straight line, by least squares, and what it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// How much it rises in a unit of time.
    pub slope: f64,
    /// The smallest measurement.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The number of measurements.
    pub points: usize,
}

impl Fit {
    /// The line through these points in time. `None` for fewer than three, or all of one moment.
    #[must_use]
    pub fn of(points: &[(f64, f64)]) -> Option<Fit> {
        let n = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (t, y) = (mean(|p| p.0), mean(|p| p.1));
        let spread: f64 = points.iter().map(|p| (p.0 - t) * (p.0 - t)).sum();
        if points.len() < 3 || spread <= 0.0 {
            return None;
        }
        let together: f64 = points.iter().map(|p| (p.0 - t) * (p.1 - y)).sum();
        let values = || points.iter().map(|p| p.1);
        Some(Fit {
            slope: together / spread,
            min: values().fold(f64::INFINITY, f64::min),
            max: values().fold(f64::NEG_INFINITY, f64::max),
            points: points.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_through_noise() {
        let noise = [0.5, -0.5, -0.5, 0.5];
        let points: Vec<(f64, f64)> = (0..40)
            .map(|i| {
                (
                    f64::from(i),
                    10.0 + 2.0 * f64::from(i) + noise[i as usize % 4],
                )
            })
            .collect();
        let fit = Fit::of(&points).expect("points");
        assert!((fit.slope - 2.0).abs() < 0.01, "{fit:?}");
        assert_eq!((fit.min, fit.max, fit.points), (10.5, 88.5, 40));
    }

    #[test]
    fn what_does_not_grow_has_no_slope_and_too_little_no_line() {
        let flat = Fit::of(&[(0.0, 5.0), (1.0, 5.0), (2.0, 5.0)]);
        assert_eq!(flat.map(|fit| fit.slope), Some(0.0));
        assert_eq!(Fit::of(&[(0.0, 5.0), (1.0, 5.0)]), None);
        assert_eq!(Fit::of(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(Fit::of(&[]), None);
    }
}
