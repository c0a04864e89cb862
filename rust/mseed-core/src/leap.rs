//! Leap seconds: the list of all of them, and what a header may add.
//!
//! POSIX time has no number of its own for a leap second, so the time of a sample behind one is a
//! second earlier than the samples counted from a time before it say.

use crate::time::{NS_PER_S, days_to_year, to_civil};

/// The months that began with a leap second before them (23:59:60): all since 1972. Source: IERS
/// Bulletin C and the list `leap-seconds.list`; none has been announced after the last one here.
const FIRST_MONTHS_AFTER: [(i64, u8); 27] = [
    (1972, 7),
    (1973, 1),
    (1974, 1),
    (1975, 1),
    (1976, 1),
    (1977, 1),
    (1978, 1),
    (1979, 1),
    (1980, 1),
    (1981, 7),
    (1982, 7),
    (1983, 7),
    (1985, 7),
    (1988, 1),
    (1990, 1),
    (1991, 1),
    (1992, 7),
    (1993, 7),
    (1994, 7),
    (1996, 1),
    (1997, 7),
    (1999, 1),
    (2006, 1),
    (2009, 1),
    (2012, 7),
    (2015, 7),
    (2017, 1),
];

/// POSIX times of the first second after each leap second.
static AFTER_NS: [i64; 27] = {
    let mut times = [0; 27];
    let mut i = 0;
    while i < times.len() {
        let (year, month) = FIRST_MONTHS_AFTER[i];
        let year_days = days_to_year(year + 1) - days_to_year(year);
        // July begins 184 days before the next year.
        let day = if month == 7 { year_days - 184 } else { 0 };
        times[i] = (days_to_year(year) + day) * 86_400 * NS_PER_S;
        i += 1;
    }
    times
};

/// What a record header says: a leap second occurred during the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeapFlag {
    /// A second was inserted (23:59:60).
    Positive,
    /// A second was left out (23:59:59).
    Negative,
}

/// Whether a leap second of the list lies between two times: the first before it, the second at or
/// behind the second that follows it.
#[must_use]
pub fn between(earlier_ns: i64, later_ns: i64) -> bool {
    let next = AFTER_NS.get(first_behind(earlier_ns));
    next.is_some_and(|&after| after <= later_ns)
}

/// Place in the list of the first leap second behind a time.
fn first_behind(time_ns: i64) -> usize {
    // Most records are younger than the last one: they need no search.
    if time_ns >= AFTER_NS[AFTER_NS.len() - 1] {
        return AFTER_NS.len();
    }
    AFTER_NS.partition_point(|&after| after <= time_ns)
}

/// Time of the last sample of a record whose samples, counted from its start, end at `counted_ns`.
///
/// Each leap second of the list that the record contains whole makes it a second earlier
/// (libmseed 3, `ms_sampletime`). Where the list has none in the record, the flag decides, if the
/// record contains the end of a month: leap seconds are only there, and flags that stand in every
/// record of a day are known.
#[must_use]
pub fn end_ns(start_ns: i64, counted_ns: i64, flag: Option<LeapFlag>) -> i64 {
    let mut end_ns = counted_ns;
    for after in &AFTER_NS[first_behind(start_ns)..] {
        if after + NS_PER_S > end_ns {
            break;
        }
        end_ns -= NS_PER_S;
    }
    if flag.is_none() || end_ns != counted_ns || between(start_ns, counted_ns) {
        return end_ns;
    }
    let (sooner_ns, later_ns) = (
        counted_ns.saturating_sub(NS_PER_S),
        counted_ns.saturating_add(NS_PER_S),
    );
    match flag {
        // A record may begin inside the leap second: POSIX time then gives it a later number.
        Some(LeapFlag::Positive) if month_begins(start_ns.saturating_sub(NS_PER_S), sooner_ns) => {
            sooner_ns
        }
        Some(LeapFlag::Negative) if month_begins(start_ns.saturating_add(NS_PER_S), later_ns) => {
            later_ns
        }
        _ => counted_ns,
    }
}

/// Whether a month begins behind `earlier_ns` and not behind `later_ns`.
fn month_begins(earlier_ns: i64, later_ns: i64) -> bool {
    let at = to_civil(later_ns);
    let hours = i64::from(at.day - 1) * 24 + i64::from(at.hour);
    let seconds = hours * 3600 + i64::from(at.minute) * 60 + i64::from(at.second);
    later_ns.saturating_sub(seconds * NS_PER_S + i64::from(at.ns)) > earlier_ns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_ordinal;

    const MIDNIGHT_2017: i64 = 1_483_228_800 * NS_PER_S;

    #[test]
    fn the_list_has_the_times_of_the_iers() {
        // leap-seconds.list counts from 1900; 2,208,988,800 s later is 1970.
        let ntp = [
            2_287_785_600_i64,
            2_303_683_200,
            2_335_219_200,
            2_366_755_200,
            2_398_291_200,
            2_429_913_600,
            2_461_449_600,
            2_492_985_600,
            2_524_521_600,
            2_571_782_400,
            2_603_318_400,
            2_634_854_400,
            2_698_012_800,
            2_776_982_400,
            2_840_140_800,
            2_871_676_800,
            2_918_937_600,
            2_950_473_600,
            2_982_009_600,
            3_029_443_200,
            3_076_704_000,
            3_124_137_600,
            3_345_062_400,
            3_439_756_800,
            3_550_089_600,
            3_644_697_600,
            3_692_217_600,
        ];
        assert_eq!(AFTER_NS, ntp.map(|s| (s - 2_208_988_800) * NS_PER_S));
    }

    #[test]
    fn only_a_leap_second_that_is_contained_whole_counts() {
        let second = NS_PER_S;
        for (start, counted, earlier) in [
            (-2 * second, 3 * second, second),
            (-2 * second, second, second),
            (-2 * second, second - 1, 0),
            (-1, second, second),
            (0, 5 * second, 0),
            (-5 * second, -1, 0),
        ] {
            let (start, counted) = (MIDNIGHT_2017 + start, MIDNIGHT_2017 + counted);
            for flag in [None, Some(LeapFlag::Negative)] {
                if flag.is_none() || between(start, counted) {
                    assert_eq!(end_ns(start, counted, flag), counted - earlier);
                }
            }
        }
        let (before, after) = (MIDNIGHT_2017 - 1, MIDNIGHT_2017);
        assert!(between(before, after));
        assert!(!between(after, after + second) && !between(before - 1, before));
    }

    #[test]
    fn two_leap_seconds_in_one_record_are_two_seconds() {
        let start = from_ordinal(2015, 1, 0, 0, 0, 0);
        let counted = from_ordinal(2017, 60, 0, 0, 0, 0);
        assert_eq!(end_ns(start, counted, None), counted - 2 * NS_PER_S);
    }

    #[test]
    fn a_flag_counts_where_the_list_has_none_and_a_month_ends() {
        let end_of_june = from_ordinal(2031, 182, 0, 0, 0, 0);
        let span = |start: i64, end: i64, flag| {
            let (start, counted) = (end_of_june + start, end_of_june + end);
            (end_ns(start, counted, Some(flag)) - counted) / NS_PER_S
        };
        let s = NS_PER_S;
        assert_eq!(span(-5 * s, 5 * s, LeapFlag::Positive), -1);
        assert_eq!(span(-5 * s, 5 * s, LeapFlag::Negative), 1);
        // It begins inside the leap second.
        assert_eq!(span(s / 2, 5 * s, LeapFlag::Positive), -1);
        // No month ends in it: the flag is wrong.
        assert_eq!(span(-50 * s, -5 * s, LeapFlag::Positive), 0);
        assert_eq!(span(5 * s, 50 * s, LeapFlag::Positive), 0);
        assert_eq!(span(5 * s, 50 * s, LeapFlag::Negative), 0);
        assert_eq!(
            end_ns(end_of_june - s, end_of_june + 9 * s, None),
            end_of_june + 9 * s
        );
        for extreme in [i64::MIN, i64::MAX] {
            for flag in [LeapFlag::Positive, LeapFlag::Negative] {
                assert_eq!(end_ns(extreme, extreme, Some(flag)), extreme);
            }
        }
    }
}
