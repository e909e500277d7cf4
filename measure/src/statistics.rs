//! Medians and what belongs to them.
//!
//! Times of a program have a floor and a long tail of disturbances, so a mean and its deviation describe the
//! disturbances. A median and the median distance from it (MAD) do not move while fewer than half of the runs
//! are disturbed.

/// The middle of some values, and how far the values typically are from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The median distance from it.
    pub mad: f64,
    /// How far the median itself may be off, one standard error.
    pub error: f64,
}

/// From the MAD of normally distributed values to the standard error of their median: 1.4826 × 1.2533, over the
/// root of how many there are. Tails of disturbances only make it an overestimate.
const MAD_TO_ERROR: f64 = 1.858;

impl Spread {
    /// Of any values; not-a-number of none.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let middle = median(values);
        let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
        let mad = median(&distances);
        Self { median: middle, mad, error: MAD_TO_ERROR * mad / (values.len() as f64).sqrt() }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = sorted.len() / 2;
    match sorted.as_slice() {
        [] => f64::NAN,
        sorted if sorted.len() % 2 == 1 => sorted[upper],
        sorted => f64::midpoint(sorted[upper - 1], sorted[upper]),
    }
}

/// How much `y` grows for each `x`, by least squares; not-a-number without two different `x`.
#[must_use]
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let alone: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    together / alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 100.0]), 3.5);
        assert_eq!(median(&[-2.0, -1.0, 0.0]), -1.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn one_disturbed_run_moves_neither_median_nor_mad_far() {
        let quiet = Spread::of(&[10.0, 11.0, 12.0, 13.0, 14.0]);
        assert_eq!((quiet.median, quiet.mad), (12.0, 1.0));
        assert_eq!(Spread::of(&[10.0, 11.0, 12.0, 13.0, 9000.0]), quiet);
        assert_eq!(Spread::of(&[5.0, 5.0]), Spread { median: 5.0, mad: 0.0, error: 0.0 });
    }

    #[test]
    fn four_times_the_values_halve_the_error() {
        let values = [10.0, 11.0, 12.0, 13.0, 14.0];
        let error = Spread::of(&values).error;
        assert!((error - 1.858 / 5.0_f64.sqrt()).abs() < 1e-9);
        assert!((Spread::of(&values.repeat(4)).error - error / 2.0).abs() < 1e-9);
    }

    #[test]
    fn the_slope_is_that_of_the_line_through_the_points() {
        assert_eq!(slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]), 2.0);
        assert_eq!(slope(&[(10.0, 7.0), (20.0, 7.0), (30.0, 7.0)]), 0.0);
        // A tooth up and down again is no growth.
        assert_eq!(slope(&[(0.0, 0.0), (1.0, 1.0), (2.0, 1.0), (3.0, 0.0)]), 0.0);
        assert!(slope(&[(1.0, 1.0)]).is_nan() && slope(&[]).is_nan());
    }
}
