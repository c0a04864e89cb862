//! Rows that cannot be right, whatever the file holds.

use rusqlite::types::Value;

use super::columns::{
    BYTES, END, EPOCH_ERROR_NS, HASH, NETWORK, OFFSET, PARTS, RATE, RATES, SPANS, START,
    TIME_INDEX, VERSION, integer, row_name, shown, text, time,
};
use super::findings::OfFile;
use crate::problem::ProblemKind;
use crate::scan::Stretch;
use crate::tsindex::listing::Values;
use crate::tsindex::schema;
use crate::tsindex::tables::ROW_COLUMNS;

/// A row whose place in its file is known.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    /// First byte.
    pub(super) begin: u64,
    /// The byte behind the last one.
    pub(super) end: u64,
    /// The row.
    pub(super) row: &'a Values,
    /// Where its records stand, when those of other channels stand between them, as far as that has
    /// a sense.
    parts: Vec<Stretch>,
}

impl Placed<'_> {
    /// Whether records of other channels may stand between its first byte and its last one.
    pub(super) fn has_parts(&self) -> bool {
        self.row[PARTS] != Value::Null
    }

    /// Begin and end of each stretch of bytes that are its own.
    fn own_bytes(&self) -> impl Iterator<Item = (u64, u64)> {
        let whole = (!self.has_parts()).then_some((self.begin, self.end));
        let of_part = |part: &Stretch| (part.byte_offset, part.byte_offset + part.bytes);
        whole.into_iter().chain(self.parts.iter().map(of_part))
    }
}

/// Check the rows of a file, each and together. Returns those whose place is known, in the order
/// of the file, each once.
pub(super) fn check<'a>(rows: &'a [Values], told: &mut OfFile<'_>) -> Vec<Placed<'a>> {
    let mut placed = Vec::with_capacity(rows.len());
    for row in rows {
        let place = place_of(row);
        let at = place.map(|(begin, _)| begin);
        let parts = check_row(row, place, &mut |text| {
            told.add(ProblemKind::Row, at, format!("{}: {text}", row_name(row)));
        });
        placed.extend(place.map(|(begin, end)| Placed {
            begin,
            end,
            row,
            parts,
        }));
    }
    let key = |placed: &Placed<'_>| (placed.begin, placed.end);
    placed.sort_by(|a, b| {
        let by_place = key(a).cmp(&key(b));
        by_place.then_with(|| identity(a.row).cmp(&identity(b.row)))
    });
    placed.dedup_by(|next, before| {
        let is_twice = key(next) == key(before) && identity(next.row) == identity(before.row);
        if is_twice {
            let reason = format!(
                "{} is in the index twice: expected once",
                row_name(next.row)
            );
            told.add(ProblemKind::Duplicate, Some(next.begin), reason);
        }
        is_twice
    });
    check_overlaps(&placed, told);
    placed
}

/// Codes and version.
fn identity(row: &Values) -> ([Option<&str>; 4], Option<i64>) {
    let code = |number| text(row, NETWORK + number);
    (std::array::from_fn(code), integer(row, VERSION))
}

/// First byte, and the one behind the last, where they have a sense.
fn place_of(row: &Values) -> Option<(u64, u64)> {
    let (begin, bytes) = (integer(row, OFFSET)?, integer(row, BYTES)?);
    let end = begin.checked_add(bytes)?;
    (begin >= 0 && bytes > 0).then_some((begin as u64, end as u64))
}

fn check_overlaps(placed: &[Placed<'_>], told: &mut OfFile<'_>) {
    let mut all = Vec::new();
    for row in placed {
        all.extend(row.own_bytes().map(|bytes| (bytes, row.row)));
    }
    // Rows are in the order of the file, and their parts take turns.
    all.sort_by_key(|(bytes, _)| *bytes);
    let mut furthest: Option<((u64, u64), &Values)> = None;
    for next in all {
        let ((begin, end), row) = next;
        if let Some(((from, to), before)) = furthest.filter(|((_, to), _)| begin < *to) {
            let reason = format!(
                "{} has the bytes {begin} to {end}: expected none of those of the {}, {from} to {to}",
                row_name(row),
                row_name(before),
            );
            told.add(ProblemKind::Overlap, Some(begin), reason);
        }
        if furthest.is_none_or(|((_, to), _)| end > to) {
            furthest = Some(next);
        }
    }
}

/// Check a row. Returns its parts, if they have a sense.
fn check_row(row: &Values, place: Option<(u64, u64)>, say: &mut dyn FnMut(String)) -> Vec<Stretch> {
    if place.is_none() {
        say(format!(
            "byteoffset {}, bytes {}: expected a place in the file and at least one byte",
            shown(&row[OFFSET]),
            shown(&row[BYTES])
        ));
    }
    let is_number = match row[RATE] {
        Value::Null | Value::Integer(_) => true,
        Value::Real(rate) => rate.is_finite(),
        _ => false,
    };
    if !is_number {
        say(format!(
            "samplerate {}: expected a number",
            shown(&row[RATE])
        ));
    }
    let ends = check_ends(row, say);
    check_time_index(row, place, ends, say);
    check_spans(row, ends, say);
    check_parts(row, place, ends, say)
}

/// First and last time, where they have a sense.
fn check_ends(row: &Values, say: &mut dyn FnMut(String)) -> Option<(i64, i64)> {
    for column in [START, END] {
        if time(row, column).is_none() {
            say(format!(
                "{} {}: expected YYYY-MM-DDTHH:MM:SS.ffffff",
                ROW_COLUMNS[column],
                shown(&row[column])
            ));
        }
    }
    let (start_ns, end_ns) = time(row, START).zip(time(row, END))?;
    if end_ns < start_ns {
        let end = shown(&row[END]);
        say(format!("endtime {end}: expected none before starttime"));
        return None;
    }
    Some((start_ns, end_ns))
}

/// Whether a time lies between two, as well as epoch seconds tell it.
fn is_between((start_ns, end_ns): (i64, i64), time_ns: i64) -> bool {
    time_ns >= start_ns.saturating_sub(EPOCH_ERROR_NS)
        && time_ns <= end_ns.saturating_add(EPOCH_ERROR_NS)
}

fn check_time_index(
    row: &Values,
    place: Option<(u64, u64)>,
    ends: Option<(i64, i64)>,
    say: &mut dyn FnMut(String),
) {
    if row[TIME_INDEX] == Value::Null {
        return;
    }
    let Some(index) = text(row, TIME_INDEX).and_then(schema::parse_time_index) else {
        let found = shown(&row[TIME_INDEX]);
        return say(format!(
            "timeindex {found}: expected epoch=>offset,…,latest=>1"
        ));
    };
    let is_outside =
        |offset: u64| place.is_some_and(|(begin, end)| !(begin..end).contains(&offset));
    if let Some((_, offset)) = index.entries.iter().find(|entry| is_outside(entry.1)) {
        let (begin, end) = place.unwrap_or_default();
        say(format!(
            "timeindex names the byte {offset}: expected {begin} to {end}"
        ));
    } else if let Some(pair) = index.entries.windows(2).find(|pair| pair[1].1 <= pair[0].1) {
        say(format!(
            "timeindex names the byte {} behind {}: expected them in order",
            pair[1].1, pair[0].1
        ));
    }
    let is_early = |time_ns: i64| ends.is_some_and(|ends| !is_between(ends, time_ns));
    if let Some((time_ns, _)) = index.entries.iter().find(|entry| is_early(entry.0)) {
        say(format!(
            "timeindex names the time {}: expected one between starttime and endtime",
            schema::time_text(*time_ns)
        ));
    }
}

fn check_spans(row: &Values, ends: Option<(i64, i64)>, say: &mut dyn FnMut(String)) {
    if row[SPANS] != Value::Null {
        let spans: Option<Vec<_>> =
            text(row, SPANS).and_then(|text| schema::each_span(text).collect());
        let Some(spans) = spans else {
            let found = shown(&row[SPANS]);
            return say(format!("timespans {found}: expected [epoch:epoch],…"));
        };
        let is_wrong = |(start_ns, end_ns): &&(i64, i64)| {
            let is_outside = |ends| !is_between(ends, *start_ns) || !is_between(ends, *end_ns);
            end_ns < start_ns || ends.is_some_and(is_outside)
        };
        if let Some((start_ns, end_ns)) = spans.iter().find(is_wrong) {
            say(format!(
                "timespans has {} to {}: expected spans between starttime and endtime",
                schema::time_text(*start_ns),
                schema::time_text(*end_ns)
            ));
        }
        check_rates(row, Some(spans.len()), say);
    } else {
        check_rates(row, None, say);
    }
}

/// As many rates as spans, or none.
fn check_rates(row: &Values, spans: Option<usize>, say: &mut dyn FnMut(String)) {
    if row[RATES] == Value::Null {
        return;
    }
    let rates: Option<Vec<f64>> =
        text(row, RATES).and_then(|text| schema::each_rate(text).collect());
    let is_right = rates.is_some_and(|rates| {
        rates.iter().all(|rate| rate.is_finite()) && spans.is_none_or(|spans| spans == rates.len())
    });
    if !is_right {
        let found = shown(&row[RATES]);
        let expected = spans.map_or("numbers".to_owned(), |spans| format!("{spans} numbers"));
        say(format!(
            "timerates {found}: expected {expected}, one for each span"
        ));
    }
}

/// The parts of a row; none when it has none, or they have no sense.
fn check_parts(
    row: &Values,
    place: Option<(u64, u64)>,
    ends: Option<(i64, i64)>,
    say: &mut dyn FnMut(String),
) -> Vec<Stretch> {
    if row[PARTS] == Value::Null {
        return Vec::new();
    }
    if let Some(hash) = text(row, HASH).filter(|hash| !hash.is_empty()) {
        say(format!(
            "hash {hash}: expected none, as other records stand between its own"
        ));
    }
    let Some(parts) = text(row, PARTS).and_then(schema::parse_parts) else {
        let found = shown(&row[PARTS]);
        say(format!(
            "parts {found}: expected [[seconds,microseconds,seconds,microseconds,offset,bytes],…]"
        ));
        return Vec::new();
    };
    let Some((begin, end)) = place else {
        return Vec::new();
    };
    let mut at = begin;
    for part in &parts {
        let (from, to) = (part.byte_offset, part.byte_offset + part.bytes);
        if part.bytes == 0 || from < at || to > end {
            say(format!(
                "parts has the bytes {from} to {to}: expected some between {at} and {end}"
            ));
            return Vec::new();
        }
        at = to;
    }
    let first = parts.first().map(|part| part.byte_offset);
    if first != Some(begin) || at != end {
        say(format!(
            "parts has the bytes {} to {at}: expected {begin} to {end}, those of the row",
            first.unwrap_or(begin)
        ));
    }
    let is_wrong = |part: &&Stretch| {
        let is_outside =
            |ends| !is_between(ends, part.earliest_ns) || !is_between(ends, part.latest_ns);
        part.latest_ns < part.earliest_ns || ends.is_some_and(is_outside)
    };
    if let Some(part) = parts.iter().find(is_wrong) {
        say(format!(
            "parts has {} to {}: expected times between starttime and endtime",
            schema::time_text(part.earliest_ns),
            schema::time_text(part.latest_ns)
        ));
    }
    parts
}
