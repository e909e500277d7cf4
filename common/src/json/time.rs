//! Times as RFC 3339.

use alloc::vec::Vec;

use crate::ids::Timestamp;

/// Appends a time as RFC 3339 in UTC with nanoseconds.
pub fn rfc3339(out: &mut Vec<u8>, time: Timestamp) {
    rfc3339_at(out, time, 0);
}

/// Appends a time as RFC 3339 with nanoseconds, as a clock shows it that is this many seconds ahead of
/// UTC. Only whole minutes can be written, so that what is left of the offset is not applied.
pub fn rfc3339_at(out: &mut Vec<u8>, time: Timestamp, offset: i32) {
    let minutes = offset / 60;
    let (seconds, nanoseconds) = (time.0 / 1_000_000_000, time.0 % 1_000_000_000);
    let seconds = seconds.saturating_add_signed(i64::from(minutes) * 60);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut text = *b"0000-00-00T00:00:00.000000000";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], second / 3600);
    digits(&mut text[14..16], second / 60 % 60);
    digits(&mut text[17..19], second % 60);
    digits(&mut text[20..29], nanoseconds);
    out.extend_from_slice(&text);
    if minutes == 0 {
        out.push(b'Z');
        return;
    }
    let mut zone = [if minutes < 0 { b'-' } else { b'+' }, b'0', b'0', b':', b'0', b'0'];
    let distance = u64::from(minutes.unsigned_abs());
    digits(&mut zone[1..3], distance / 60);
    digits(&mut zone[4..6], distance % 60);
    out.extend_from_slice(&zone);
}

/// Bytes of a time down to its seconds and a point.
pub(super) const SECOND: usize = 20;

/// Appends a time in UTC, given its text up to the nanoseconds.
pub(super) fn with_nanoseconds(second: &[u8; SECOND], time: Timestamp, out: &mut Vec<u8>) {
    let mut text = [b'Z'; SECOND + 10];
    text[..SECOND].copy_from_slice(second);
    digits(&mut text[SECOND..SECOND + 9], time.0 % 1_000_000_000);
    out.extend_from_slice(&text);
}

/// Two digits at a time, which is half the work: every event has several times.
fn digits(to: &mut [u8], mut value: u64) {
    let mut pairs = to.rchunks_exact_mut(2);
    for pair in &mut pairs {
        let two = (value % 100).to_le_bytes()[0];
        pair[0] = b'0' + two / 10;
        pair[1] = b'0' + two % 10;
        value /= 100;
    }
    if let [first] = pairs.into_remainder() {
        *first = b'0' + (value % 10).to_le_bytes()[0];
    }
}

/// Year, month and day of a day counted from 1970-01-01, by the proleptic Gregorian calendar: years
/// are taken to begin in March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}
