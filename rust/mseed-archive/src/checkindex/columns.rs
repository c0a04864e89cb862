//! Values of columns: compared, and shown.

use mseed_core::time::{NS_PER_S, to_civil};
use rusqlite::types::Value;

use crate::tsindex::listing::Values;
use crate::tsindex::query::names_channel;
use crate::tsindex::schema::{self, TimeIndex};
use crate::tsindex::tables::{ROW_COLUMNS, place};

pub(super) const NETWORK: usize = place("network");
const STATION: usize = place("station");
const LOCATION: usize = place("location");
pub(super) const CHANNEL: usize = place("channel");
pub(super) const VERSION: usize = place("version");
pub(super) const START: usize = place("starttime");
pub(super) const END: usize = place("endtime");
pub(super) const RATE: usize = place("samplerate");
pub(super) const OFFSET: usize = place("byteoffset");
pub(super) const BYTES: usize = place("bytes");
pub(super) const HASH: usize = place("hash");
pub(super) const TIME_INDEX: usize = place("timeindex");
pub(super) const SPANS: usize = place("timespans");
pub(super) const RATES: usize = place("timerates");
pub(super) const MODIFIED: usize = place("filemodtime");
const UPDATED: usize = place("updated");
const SCANNED: usize = place("scanned");
pub(super) const PARTS: usize = place("parts");

/// Texts of epoch seconds have six decimals, of a double: such a time is off by as much.
pub(super) const EPOCH_ERROR_NS: i64 = 2000;

/// Rates of other programs have six digits or so.
const RATE_ERROR: f64 = 1e-5;

/// The text of a column.
pub(super) fn text(row: &Values, column: usize) -> Option<&str> {
    match &row[column] {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The number of a column.
pub(super) fn integer(row: &Values, column: usize) -> Option<i64> {
    match row[column] {
        Value::Integer(number) => Some(number),
        _ => None,
    }
}

/// The time of a column.
pub(super) fn time(row: &Values, column: usize) -> Option<i64> {
    text(row, column).and_then(schema::parse_time)
}

/// `row of NET.STA.LOC.CHA from START`.
pub(super) fn row_name(row: &Values) -> String {
    let codes: Vec<_> = (NETWORK..=CHANNEL)
        .map(|column| text(row, column).unwrap_or_default())
        .collect();
    format!("row of {} from {}", codes.join("."), shown(&row[START]))
}

/// Whether two texts are the same time.
pub(super) fn same_time(found: &Value, expected: &Value) -> bool {
    let parsed = |value: &Value| match value {
        Value::Text(text) => schema::parse_time(text),
        _ => None,
    };
    found == expected || (parsed(found).is_some() && parsed(found) == parsed(expected))
}

/// The columns in which a row that makeindex wrote is not what it would write now. The hash is
/// compared with bytes, and nobody knows when the file was scanned, nor when it last had other rows.
pub(super) fn differing(found: &Values, expected: &Values) -> Vec<usize> {
    let differs = |column: &usize| found[*column] != expected[*column];
    (0..ROW_COLUMNS.len())
        .filter(|column| ![HASH, UPDATED, SCANNED].contains(column))
        .filter(differs)
        .collect()
}

/// The same of a row that another program wrote: what means the same is the same, and columns that
/// it leaves empty or fills by rules of its own are passed over.
pub(super) fn differing_in_meaning(found: &Values, expected: &Values) -> Vec<usize> {
    let begin_ns = time(expected, START).unwrap_or_default();
    let means_the_same = |column: usize| {
        let (one, two) = (&found[column], &expected[column]);
        if one == two {
            return true;
        }
        match column {
            CHANNEL => text(found, column)
                .zip(text(expected, column))
                .is_some_and(|(one, two)| names_channel(one, two)),
            START => near(time(found, column), time(expected, column), EPOCH_ERROR_NS),
            END => time(found, column)
                .zip(time(expected, column))
                .is_some_and(|(one, two)| same_end(one, two, begin_ns)),
            RATE => number(one)
                .zip(number(two))
                .is_some_and(|(one, two)| near_rate(one, two)),
            TIME_INDEX => of_texts(found, expected, column, same_time_index),
            SPANS => of_texts(found, expected, column, |one, two| {
                same_spans(one, two, begin_ns)
            }),
            RATES => of_texts(found, expected, column, same_rates),
            VERSION => *one == Value::Null,
            _ => false,
        }
    };
    [
        NETWORK, STATION, LOCATION, CHANNEL, VERSION, START, END, RATE, OFFSET, BYTES, TIME_INDEX,
        SPANS, RATES,
    ]
    .into_iter()
    .filter(|column| !means_the_same(*column))
    .collect()
}

/// Compare two texts, where there are two: an empty column is no fault.
fn of_texts(
    found: &Values,
    expected: &Values,
    column: usize,
    same: impl Fn(&str, &str) -> bool,
) -> bool {
    text(found, column)
        .zip(text(expected, column))
        .is_none_or(|(one, two)| same(one, two))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Real(number) => Some(*number),
        Value::Integer(number) => Some(*number as f64),
        _ => None,
    }
}

fn near(one: Option<i64>, two: Option<i64>, tolerance_ns: i64) -> bool {
    one.zip(two)
        .is_some_and(|(one, two)| one.abs_diff(two) <= tolerance_ns as u64)
}

fn near_rate(one: f64, two: f64) -> bool {
    (one - two).abs() <= RATE_ERROR * two.abs()
}

/// Whether two times are the same end. mseedindex does not look at the flag of a leap second: where
/// a month ends in a run, its end may be a second off.
fn same_end(found_ns: i64, expected_ns: i64, begin_ns: i64) -> bool {
    let near_expected = |time_ns| near(Some(time_ns), Some(expected_ns), EPOCH_ERROR_NS);
    let month = |time_ns| {
        let civil = to_civil(time_ns);
        (civil.year, civil.month)
    };
    near_expected(found_ns)
        || (month(begin_ns) != month(found_ns.max(expected_ns))
            && (near_expected(found_ns.saturating_sub(NS_PER_S))
                || near_expected(found_ns.saturating_add(NS_PER_S))))
}

/// Another program may set its entries at other intervals: the first is the same, and the time of
/// each record that both name. Where records are out of order it has them all the same, and nobody may
/// go by them.
fn same_time_index(found: &str, expected: &str) -> bool {
    let parsed = schema::parse_time_index;
    let Some((found, expected)) = parsed(found).zip(parsed(expected)) else {
        return false;
    };
    let first = |index: &TimeIndex| index.entries.first().map(|entry| entry.1);
    let same = |entry: &(i64, u64)| {
        let other = expected.entries.binary_search_by_key(&entry.1, |e| e.1);
        other.is_err()
            || other
                .is_ok_and(|at| near(Some(entry.0), Some(expected.entries[at].0), EPOCH_ERROR_NS))
    };
    found.in_order == expected.in_order
        && first(&found) == first(&expected)
        && (!expected.in_order || found.entries.iter().all(same))
}

fn same_spans(found: &str, expected: &str, begin_ns: i64) -> bool {
    let (found, expected) = (schema::parse_spans(found), schema::parse_spans(expected));
    let mut pairs = found.iter().zip(&expected);
    found.len() == expected.len()
        && pairs.all(|(one, two)| {
            near(Some(one.0), Some(two.0), EPOCH_ERROR_NS) && same_end(one.1, two.1, begin_ns)
        })
}

fn same_rates(found: &str, expected: &str) -> bool {
    let rates = |text| schema::each_rate(text).map(Option::unwrap_or_default);
    rates(found).count() == rates(expected).count()
        && rates(found)
            .zip(rates(expected))
            .all(|(one, two)| near_rate(one, two))
}

/// A value in a message.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => brief(text, 0),
        Value::Blob(bytes) => format!("a BLOB of {} bytes", bytes.len()),
    }
}

/// `COLUMN found, expected …`; of long lists the first entry that differs.
pub(super) fn difference(column: usize, found: &Values, expected: &Values) -> String {
    let (one, two) = (&found[column], &expected[column]);
    let (one, two) = match (one, two) {
        (Value::Text(one), Value::Text(two)) => {
            let same = one.bytes().zip(two.bytes()).take_while(|(a, b)| a == b);
            let from = one.as_bytes()[..same.count()]
                .iter()
                .rposition(|byte| *byte == b',')
                .map_or(0, |comma| comma + 1);
            (brief(one, from), brief(two, from))
        }
        _ => (shown(one), shown(two)),
    };
    format!("{} {one}, expected {two}", ROW_COLUMNS[column])
}

/// A text, or where it is long a part of it from a byte on.
fn brief(text: &str, from: usize) -> String {
    const SHORT: usize = 64;
    if text.is_empty() {
        return "''".into();
    }
    if text.len() <= SHORT {
        return text.to_owned();
    }
    let before = if from > 0 { "…" } else { "" };
    let part: String = text[from..].chars().take(SHORT).collect();
    let after = if from + part.len() < text.len() {
        "…"
    } else {
        ""
    };
    format!("{before}{part}{after}")
}
