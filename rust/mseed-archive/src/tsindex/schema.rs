//! Text forms of the columns of the index (mseedindex 3, schema 1.1).

use mseed_core::time::{NS_PER_S, from_ordinal, to_civil};

use crate::scan::{Section, SpanList, Stretch};

/// Condition of rows that may have a sample interval of about an hour or more: a low rate, a long
/// period (a negative number), or several rates.
pub(super) const IS_SLOW: &str = "(samplerate<-3500 OR (samplerate>0 AND samplerate<0.000285) \
     OR timerates IS NOT NULL)";

/// `YYYY-MM-DDTHH:MM:SS` with no, six or nine decimals, as few as hold the time.
#[must_use]
pub fn time_text(time_ns: i64) -> String {
    let mut text = seconds_text(time_ns);
    match time_ns.rem_euclid(NS_PER_S) as u64 {
        0 => {}
        ns if ns % 1000 == 0 => {
            text.push('.');
            push_digits(&mut text, ns / 1000, 6);
        }
        ns => {
            text.push('.');
            push_digits(&mut text, ns, 9);
        }
    }
    text
}

/// `YYYY-MM-DDTHH:MM:SS`.
#[must_use]
pub fn seconds_text(time_ns: i64) -> String {
    let c = to_civil(time_ns);
    let mut text = String::with_capacity(29);
    push_digits(&mut text, c.year.unsigned_abs(), 4);
    for (mark, value) in [
        ('-', c.month),
        ('-', c.day),
        ('T', c.hour),
        (':', c.minute),
        (':', c.second),
    ] {
        text.push(mark);
        push_digits(&mut text, u64::from(value), 2);
    }
    text
}

/// A number of at least `width` digits. Rows have a hundred of them: `format!` takes longer than all
/// the rest.
fn push_digits(text: &mut String, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut from = digits.len();
    while value > 0 || from > digits.len() - width {
        from -= 1;
        digits[from] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    text.extend(digits[from..].iter().map(|digit| char::from(*digit)));
}

/// Time of a text of any number of decimals; `None` when it is no time. Years that nanoseconds
/// do not reach give the nearest time that they do.
#[must_use]
pub fn parse_time(text: &str) -> Option<i64> {
    const MONTHS: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let text = text.trim_end_matches('Z');
    let (date, clock) = text.split_once(['T', ' '])?;
    let mut date = date.split('-').map(|part| part.parse::<u16>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut clock = clock.split(':').map(|part| part.parse::<u8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1..=31).contains(&day) {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let ordinal =
        MONTHS.get(usize::from(month).checked_sub(1)?)? + day + u16::from(leap && month > 2);
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Some(from_ordinal(
        year,
        ordinal,
        hour,
        minute,
        second,
        digits.parse().ok()?,
    ))
}

/// Add epoch seconds with six decimals, rounded as C's `printf` rounds the nearest double.
fn push_epoch(text: &mut String, time_ns: i64) {
    // Whole microseconds of our times are those of the nearest double: its error is below half of one
    // until 2043.
    if (0..1 << 61).contains(&time_ns) && time_ns % 1000 == 0 {
        push_digits(text, (time_ns / NS_PER_S) as u64, 1);
        text.push('.');
        push_digits(text, (time_ns % NS_PER_S / 1000) as u64, 6);
    } else {
        *text += &format!("{:.6}", time_ns as f64 / 1e9);
    }
}

/// Time of a text that [`push_epoch`] wrote, or of epoch seconds with any decimals.
fn parse_epoch(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let padded: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let seconds: i64 = whole.parse().ok()?;
    let ns = seconds
        .checked_mul(NS_PER_S)?
        .checked_add(padded.parse().ok()?)?;
    Some(if negative { -ns } else { ns })
}

/// A rate with six significant digits, C's `%.6g`.
fn rate_text(rate: f64) -> String {
    let scientific = format!("{rate:.5e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    match exponent.parse::<i32>() {
        Ok(power @ -4..=5) => trim(&format!("{rate:.*}", (5 - power) as usize)),
        Ok(power) => {
            let sign = if power < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trim(mantissa), power.abs())
        }
        Err(_) => scientific,
    }
}

/// The value of the `samplerate` column: six significant digits.
#[must_use]
pub fn rate_value(rate: f64) -> f64 {
    // Most rates are small whole numbers, and stay what they are.
    if rate.trunc() == rate && rate.abs() < 1e6 {
        return rate;
    }
    rate_text(rate).parse().unwrap_or(rate)
}

/// `epoch=>offset,…,latest=>1`.
///
/// Where records are not in the order of their times, in a row with parts, it has one entry, the
/// earliest time and the first byte, and `latest=>0`: the whole run is to be read.
#[must_use]
pub fn time_index_text(section: &Section) -> String {
    let out_of_order = [(section.earliest_ns, section.byte_offset)];
    let entries = if section.in_order {
        &section.time_index[..]
    } else {
        &out_of_order[..]
    };
    let mut text = String::with_capacity(32 * entries.len() + 9);
    for (time_ns, offset) in entries {
        push_epoch(&mut text, *time_ns);
        text += "=>";
        push_digits(&mut text, *offset, 1);
        text.push(',');
    }
    text += "latest=>";
    text.push(if section.in_order { '1' } else { '0' });
    text
}

/// A time index as read back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeIndex {
    /// Times and byte offsets.
    pub entries: Vec<(i64, u64)>,
    /// Whether the records are in time order, so that entries bound the end too.
    pub in_order: bool,
}

/// Parse a time index; `None` when it is damaged: the whole run is read then.
#[must_use]
pub fn parse_time_index(text: &str) -> Option<TimeIndex> {
    let mut index = TimeIndex::default();
    for entry in text.split(',') {
        let (key, value) = entry.split_once("=>")?;
        if key.trim() == "latest" {
            index.in_order = value.trim() == "1";
        } else {
            index
                .entries
                .push((parse_epoch(key)?, value.trim().parse().ok()?));
        }
    }
    Some(index)
}

/// `[start:end],…` in epoch seconds, NULL when the section has no sample rate.
#[must_use]
pub fn spans_text(spans: &SpanList) -> Option<String> {
    let mut text = String::new();
    for span in spans.iter() {
        text += if text.is_empty() { "[" } else { ",[" };
        push_epoch(&mut text, span.start_ns);
        text.push(':');
        push_epoch(&mut text, span.end_ns);
        text.push(']');
    }
    (!text.is_empty()).then_some(text)
}

/// `[[seconds,microseconds,seconds,microseconds,offset,bytes],…]`: begin, end and place of each
/// part; `None` for a row without.
#[must_use]
pub fn parts_text(stretches: &[Stretch]) -> Option<String> {
    let mut text = String::new();
    for stretch in stretches {
        text += if text.is_empty() { "[[" } else { ",[" };
        let latest_ns = stretch.latest_ns.saturating_add(999);
        for time_ns in [stretch.earliest_ns, latest_ns] {
            let seconds = time_ns.div_euclid(NS_PER_S);
            let microseconds = time_ns.rem_euclid(NS_PER_S) / 1000;
            text += &format!("{seconds},{microseconds},");
        }
        text += &format!("{},{}]", stretch.byte_offset, stretch.bytes);
    }
    (!text.is_empty()).then(|| text + "]")
}

/// The parts of a text that [`parts_text`] wrote, to the microsecond; `None` when it is damaged.
pub(crate) fn parse_parts(text: &str) -> Option<Vec<Stretch>> {
    let inner = text.strip_prefix("[[")?.strip_suffix("]]")?;
    let parts = inner.split("],[").map(|part| {
        let mut numbers = part.split(',').map(|number| number.parse::<i64>().ok());
        let mut next = || numbers.next().flatten();
        let mut time_ns = || {
            let (seconds, microseconds) = (next()?, next()?);
            let whole_ns = seconds.checked_mul(NS_PER_S)?;
            (0..1_000_000)
                .contains(&microseconds)
                .then(|| whole_ns.saturating_add(microseconds * 1000))
        };
        let (earliest_ns, latest_ns) = (time_ns()?, time_ns()?);
        let (byte_offset, bytes) = (next()?, next()?);
        numbers.next().is_none().then_some(Stretch {
            earliest_ns,
            latest_ns,
            byte_offset: byte_offset.try_into().ok()?,
            bytes: bytes.try_into().ok()?,
        })
    });
    parts.collect()
}

/// Spans as start and end; damaged parts are left out.
#[must_use]
pub fn parse_spans(text: &str) -> Vec<(i64, i64)> {
    each_span(text).flatten().collect()
}

/// Each span of a text, `None` where it is damaged.
pub(crate) fn each_span(text: &str) -> impl Iterator<Item = Option<(i64, i64)>> {
    text.split(',').map(|span| {
        let inner = span.trim().strip_prefix('[')?.strip_suffix(']')?;
        let (start, end) = inner.split_once(':')?;
        Some((parse_epoch(start)?, parse_epoch(end)?))
    })
}

/// Rates of the spans, NULL unless the rate changes inside the section.
#[must_use]
pub fn rates_text(section: &Section) -> Option<String> {
    if !section.rates_differ {
        return None;
    }
    let rates = section.spans.iter().map(|s| rate_text(s.rate_hz));
    Some(rates.collect::<Vec<_>>().join(","))
}

/// Rates in hertz of a list of them. A miniSEED 3 header may declare a period, as a negative number.
#[must_use]
pub(super) fn parse_rates(text: &str) -> Vec<f64> {
    each_rate(text).flatten().collect()
}

/// Each rate of a text in hertz, `None` where it is no number.
pub(crate) fn each_rate(text: &str) -> impl Iterator<Item = Option<f64>> {
    text.split(',')
        .map(|rate| rate.trim().parse().ok().map(hertz))
}

pub(super) fn hertz(rate: f64) -> f64 {
    if rate < 0.0 { -1.0 / rate } else { rate }
}

/// Lowest rate of a row in hertz, of the columns `samplerate` and `timerates`; 0 when none of its
/// records is a time series.
#[must_use]
pub(super) fn lowest_rate_hz(first_rate: Option<f64>, rates: Option<&str>) -> f64 {
    rates
        .map(parse_rates)
        .unwrap_or_default()
        .into_iter()
        .chain(first_rate.map(hertz))
        .filter(|rate| *rate > 0.0 && rate.is_finite())
        .reduce(f64::min)
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_as_few_decimals_as_hold_them() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00");
        assert_eq!(time_text(19_500_000), "1970-01-01T00:00:00.019500");
        assert_eq!(time_text(1), "1970-01-01T00:00:00.000000001");
        assert_eq!(time_text(-1), "1969-12-31T23:59:59.999999999");
    }

    #[test]
    fn texts_of_times_parse_back() {
        for ns in [
            0,
            1,
            999,
            -1,
            1_746_144_000_019_538_000,
            951_782_400 * NS_PER_S,
        ] {
            assert_eq!(parse_time(&time_text(ns)), Some(ns));
        }
        assert_eq!(
            parse_time("2018-01-01T00:00:00.5"),
            Some(1_514_764_800_500_000_000)
        );
        assert_eq!(parse_time("yesterday"), None);
        assert_eq!(parse_time("2018-13-01T00:00:00"), None);
    }

    #[test]
    fn epoch_seconds_parse_back() {
        let epoch = |time_ns| {
            let mut text = String::new();
            push_epoch(&mut text, time_ns);
            text
        };
        assert_eq!(epoch(1_514_764_800_019_500_000), "1514764800.019500");
        // The digits are those of the nearest double, whichever way they are formed.
        for number in 0..200_000i64 {
            let time_ns = number * 11_529_215_046_069 / 1000 * 1000;
            assert_eq!(epoch(time_ns), format!("{:.6}", time_ns as f64 / 1e9));
        }
        assert_eq!(
            parse_epoch("1514764800.019500"),
            Some(1_514_764_800_019_500_000)
        );
        assert_eq!(parse_epoch("-0.5"), Some(-500_000_000));
    }

    #[test]
    fn rates_have_six_significant_digits() {
        for (rate, text) in [
            (100.0, "100"),
            (330.6, "330.6"),
            (0.1, "0.1"),
            (1.0 / 60.0, "0.0166667"),
            (1.0 / 86_400.0, "1.15741e-05"),
            (2_000_000.0, "2e+06"),
            (123_456.7, "123457"),
            (-60.0, "-60"),
            (0.0, "0"),
        ] {
            assert_eq!(rate_text(rate), text);
        }
    }

    #[test]
    fn years_that_nanoseconds_do_not_reach_are_the_ends_of_time() {
        assert_eq!(parse_time("9999-12-31T23:59:59.999999"), Some(i64::MAX));
        assert_eq!(parse_time("2599-01-01T00:00:00"), Some(i64::MAX));
        assert_eq!(parse_time("0001-01-01T00:00:00"), Some(i64::MIN));
        assert_eq!(parse_time("2020-12-65535T00:00:00"), None);
        assert_eq!(parse_time("2020-00-01T00:00:00"), None);
        assert_eq!(parse_epoch("9223372037"), None);
    }

    #[test]
    fn parts_parse_back() {
        let part = |earliest_ns, byte_offset| Stretch {
            earliest_ns,
            latest_ns: earliest_ns + 1000,
            byte_offset,
            bytes: 512,
        };
        let parts = vec![part(1_625_092_200_123_456_000, 0), part(-1000, 1536)];
        let text = parts_text(&parts).expect("some");
        assert_eq!(parse_parts(&text), Some(parts));
        for damaged in [
            "",
            "[]",
            "[[1,2,3,4,5]]",
            "[[1,2,3,4,5,6,7]]",
            "[[1,1000000,3,4,5,6]]",
            "[[1,2,3,4,-5,6]]",
            "[[1,2,3,4,5,6],[]]",
            "[[9223372037,2,3,4,5,6]]",
        ] {
            assert_eq!(parse_parts(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn a_time_index_parses_back() {
        let index = parse_time_index("1.000000=>0,3600.500000=>512,latest=>1").expect("valid");
        assert_eq!(index.entries, [(NS_PER_S, 0), (3_600_500_000_000, 512)]);
        assert!(index.in_order);
        assert_eq!(parse_time_index("nonsense"), None);
    }
}
