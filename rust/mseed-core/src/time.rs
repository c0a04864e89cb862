//! Nanoseconds since 1970-01-01T00:00:00Z, and the way between times and sample numbers.
//!
//! POSIX time: a leap second shares its number with the second after it ([`crate::leap`]).

/// Nanoseconds in a second.
pub const NS_PER_S: i64 = 1_000_000_000;

/// Days from 1970-01-01 to the first of January of `year` (proleptic Gregorian).
pub(crate) const fn days_to_year(year: i64) -> i64 {
    let y = year - 1;
    365 * (year - 1970) + (y.div_euclid(4) - 492) - (y.div_euclid(100) - 19)
        + (y.div_euclid(400) - 4)
}

/// Time of a calendar year and day of the year (from 1), in nanoseconds.
///
/// `second` may be 60 (a leap second): it counts as the first second of the next minute. Years
/// beyond 1677 and 2262 give the nearest time that nanoseconds hold.
#[must_use]
pub fn from_ordinal(year: u16, day: u16, hour: u8, minute: u8, second: u8, ns: u32) -> i64 {
    let days = days_to_year(i64::from(year)) + i64::from(day) - 1;
    let seconds =
        days * 86_400 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    seconds
        .saturating_mul(NS_PER_S)
        .saturating_add(i64::from(ns))
}

/// Calendar fields of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// Month from 1.
    pub month: u8,
    /// Day of the month from 1.
    pub day: u8,
    /// Day of the year from 1.
    pub day_of_year: u16,
    /// Hour.
    pub hour: u8,
    /// Minute.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Nanosecond inside the second.
    pub ns: u32,
}

/// Calendar fields of a time in nanoseconds.
#[must_use]
pub fn to_civil(time_ns: i64) -> Civil {
    const MONTHS: [u16; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let seconds = time_ns.div_euclid(NS_PER_S);
    let days = seconds.div_euclid(86_400);
    let in_day = seconds.rem_euclid(86_400);
    // 400 years have 146,097 days; the estimate is at most one year off.
    let mut year = 1970 + (days * 400).div_euclid(146_097);
    while days_to_year(year) > days {
        year -= 1;
    }
    while days_to_year(year + 1) <= days {
        year += 1;
    }
    let ordinal = days - days_to_year(year);
    let leap = days_to_year(year + 1) - days_to_year(year) == 366;
    let mut rest = ordinal as u16;
    let mut month = 0;
    while month < 11 {
        let length = MONTHS[month] + u16::from(leap && month == 1);
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    Civil {
        year,
        month: month as u8 + 1,
        day: rest as u8 + 1,
        day_of_year: ordinal as u16 + 1,
        hour: (in_day / 3600) as u8,
        minute: (in_day / 60 % 60) as u8,
        second: (in_day % 60) as u8,
        ns: time_ns.rem_euclid(NS_PER_S) as u32,
    }
}

/// Sample interval in nanoseconds, rounded; 0 for rate 0.
#[must_use]
pub fn period_ns(rate_hz: f64) -> i64 {
    if rate_hz > 0.0 {
        (1e9 / rate_hz + 0.5) as i64
    } else {
        0
    }
}

/// Time of sample `index` of a series, rounded to nanoseconds (libmseed 3 rounds the same way).
#[must_use]
pub fn sample_time_ns(start_ns: i64, rate_hz: f64, index: i64) -> i64 {
    if rate_hz <= 0.0 {
        return start_ns;
    }
    let nearest = index as f64 / rate_hz * 1e9 + 0.5;
    // Nearly all are positive: cutting the fraction off is the floor of those, and no call.
    let nearest = if nearest < 0.0 {
        nearest.floor()
    } else {
        nearest
    };
    start_ns.saturating_add(nearest as i64)
}

/// Number of the sample nearest to `time_ns`; half way between two goes to the later one.
#[must_use]
pub fn nearest_sample(start_ns: i64, rate_hz: f64, time_ns: i64) -> i64 {
    let (twice, unit) = doubled_position(start_ns, rate_hz, time_ns);
    clamp((twice + unit).div_euclid(2 * unit))
}

/// Number of the sample nearest to `time_ns`; half way between two goes to the earlier one.
#[must_use]
pub fn nearest_earlier_sample(start_ns: i64, rate_hz: f64, time_ns: i64) -> i64 {
    let (twice, unit) = doubled_position(start_ns, rate_hz, time_ns);
    clamp(-(unit - twice).div_euclid(2 * unit))
}

/// Twice the place of a time on the grid of samples, as numerator and denominator: exact for all
/// rates and periods of up to six decimals, so that a time half way between samples is half way.
fn doubled_position(start_ns: i64, rate_hz: f64, time_ns: i64) -> (i128, i128) {
    const MICRO: f64 = 1e6;
    let difference = 2 * (i128::from(time_ns) - i128::from(start_ns));
    let whole = |v: f64| (v - v.round()).abs() <= 1e-9 * v && (1.0..1e15).contains(&v);
    let (rate, period) = (rate_hz * MICRO, MICRO / rate_hz);
    let ns = i128::from(NS_PER_S);
    if whole(rate) {
        (difference * rate.round() as i128, ns * MICRO as i128)
    } else if whole(period) {
        (difference * MICRO as i128, ns * period.round() as i128)
    } else {
        ((difference as f64 * rate_hz) as i128, ns)
    }
}

fn clamp(index: i128) -> i64 {
    index.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Same rate: the relative difference is below 1e-4 (libmseed `MS_ISRATETOLERABLE`).
#[must_use]
pub fn same_rate(a: f64, b: f64) -> bool {
    if b == 0.0 {
        return a == 0.0;
    }
    (1.0 - a / b).abs() < 1e-4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_fields_round_trip_over_three_centuries() {
        for days in (-60_000..60_000).step_by(7) {
            let time = days * 86_400 * NS_PER_S + 12_345_678_901;
            let c = to_civil(time);
            let back = from_ordinal(
                c.year as u16,
                c.day_of_year,
                c.hour,
                c.minute,
                c.second,
                c.ns,
            );
            assert_eq!(back, time, "{c:?}");
        }
    }

    #[test]
    fn known_dates_are_right() {
        assert_eq!(from_ordinal(1970, 1, 0, 0, 0, 0), 0);
        assert_eq!(from_ordinal(2000, 60, 0, 0, 0, 0), 951_782_400 * NS_PER_S);
        let c = to_civil(951_782_400 * NS_PER_S);
        assert_eq!((c.month, c.day), (2, 29));
        let c = to_civil(-1);
        assert_eq!((c.year, c.month, c.day, c.second), (1969, 12, 31, 59));
    }

    #[test]
    fn years_that_nanoseconds_do_not_reach_are_the_ends_of_time() {
        assert_eq!(from_ordinal(9999, 365, 23, 59, 59, 999_999_999), i64::MAX);
        assert_eq!(from_ordinal(1, 1, 0, 0, 0, 0), i64::MIN);
    }

    #[test]
    fn second_sixty_is_the_next_minute() {
        assert_eq!(
            from_ordinal(2016, 366, 23, 59, 60, 0),
            from_ordinal(2017, 1, 0, 0, 0, 0)
        );
    }

    #[test]
    fn half_way_between_samples_is_exact_at_any_distance() {
        for (rate, period) in [(100.0, 10_000_000), (40.0, 25_000_000), (62.5, 16_000_000)] {
            for index in [0, 1, 7, 8_640_001, 123_456_789_012, -5] {
                let time = index * period + period / 2;
                assert_eq!(nearest_sample(0, rate, time), index + 1);
                assert_eq!(nearest_sample(0, rate, time - 1), index);
                assert_eq!(nearest_earlier_sample(0, rate, time), index);
                assert_eq!(nearest_earlier_sample(0, rate, time + 1), index + 1);
            }
        }
        assert_eq!(nearest_sample(0, 1.0 / 60.0, 30 * NS_PER_S), 1);
        assert_eq!(nearest_earlier_sample(0, 1.0 / 60.0, 30 * NS_PER_S), 0);
    }
}
