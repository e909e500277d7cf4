//! Times of events as numbers.

/// Nanoseconds since 1970 of a time as events show it, RFC 3339 in UTC; `None` for anything else.
pub(super) fn nanoseconds(text: &str) -> Option<i128> {
    let rest = text.strip_suffix('Z')?;
    let (date, time) = rest.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let seconds = (clock.next()?? * 60 + clock.next()??) * 60 + clock.next()??;
    let fraction: i128 = format!("{fraction:0<9.9}").parse().ok()?;
    Some(i128::from(days(year, month, day) * 86400 + seconds) * 1_000_000_000 + fraction)
}

/// Days since 1970 of a date. Years begin in March here, so that the leap day is the last of a year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use lapwing_common::ids::Timestamp;

    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for time in [0, 1, 951_782_400_000_000_000, 1_772_323_199_999_999_999, 1_795_345_380_853_653_610, 1 << 62] {
            let mut text = Vec::new();
            lapwing_common::json::rfc3339(&mut text, Timestamp(time));
            let text = String::from_utf8(text).unwrap();
            assert_eq!(nanoseconds(&text), Some(i128::from(time)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "Z", "2026-01-01", "2026-01-01T00:00Z", "x-01-01T00:00:00Z", "2026-01-01T00:00:00"] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
        assert_eq!(nanoseconds("1970-01-01T00:00:01.5Z"), Some(1_500_000_000));
    }
}
