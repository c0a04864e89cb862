//! A row of the index as the texts that stand in its columns.

use mseed_core::SourceId;
use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;

use super::schema::{
    self, parts_text, rate_value, rates_text, spans_text, time_index_text, time_text,
};
use super::tables::{ROW_COLUMNS, RowTable};
use crate::scan::{Row, Section, Span, SpanList, next_hour};

/// What a row says of its records; not of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct RowTexts {
    /// Network, station, location, channel.
    pub codes: [String; 4],
    /// Publication version.
    pub version: Option<i64>,
    /// Earliest sample.
    pub start: String,
    /// Latest sample.
    pub end: String,
    /// Rate of the first record.
    pub rate: Option<f64>,
    /// First byte.
    pub byte_offset: i64,
    /// Number of bytes.
    pub bytes: i64,
    /// MD5, empty where it was not formed.
    pub hash: String,
    /// Times and offsets.
    pub time_index: Option<String>,
    /// Gapless spans.
    pub spans: Option<String>,
    /// Rates of the spans, where they differ.
    pub rates: Option<String>,
    /// Where the records stand, when those of other channels stand between them.
    pub parts: Option<String>,
}

/// The columns that [`RowTexts`] holds, but for the parts.
pub(super) const TEXT_COLUMNS: &str = "network,station,location,channel,version,starttime,\
     endtime,samplerate,byteoffset,bytes,hash,timeindex,timespans,timerates";

impl RowTexts {
    /// Those of a row of a scan.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let section = &row.section;
        let source = &row.source;
        Self {
            codes: [
                &source.network,
                &source.station,
                &source.location,
                &source.channel,
            ]
            .map(|code| code.as_str().to_owned()),
            version: Some(i64::from(row.version)),
            start: time_text(section.earliest_ns),
            end: time_text(section.latest_ns),
            rate: Some(rate_value(section.declared_rate)),
            byte_offset: section.byte_offset as i64,
            bytes: section.bytes as i64,
            // mseedindex compares hashes as text: one that was not formed is empty, not NULL.
            hash: section.hash.clone().unwrap_or_default(),
            time_index: Some(time_index_text(section)),
            spans: spans_text(&section.spans),
            rates: rates_text(section),
            parts: parts_text(&row.stretches),
        }
    }

    /// Those of a row of an index: [`TEXT_COLUMNS`], then the parts.
    pub(super) fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        let code = |at| {
            row.get::<_, Option<String>>(at)
                .map(Option::unwrap_or_default)
        };
        Ok(Self {
            codes: [code(0)?, code(1)?, code(2)?, code(3)?],
            version: row.get(4)?,
            start: row.get(5)?,
            end: row.get(6)?,
            rate: row.get(7)?,
            byte_offset: row.get(8)?,
            bytes: row.get(9)?,
            hash: code(10)?,
            time_index: row.get(11)?,
            spans: row.get(12)?,
            rates: row.get(13)?,
            parts: row.get(14)?,
        })
    }

    /// The values of [`ROW_COLUMNS`], in their order: of a file of a name that was changed and scanned
    /// at these times.
    pub(crate) fn values<'a>(
        &'a self,
        name: &'a str,
        changed: &'a str,
        scanned: &'a str,
    ) -> [ValueRef<'a>; ROW_COLUMNS.len()] {
        fn text(text: &str) -> ValueRef<'_> {
            ValueRef::Text(text.as_bytes())
        }
        fn any(text: &Option<String>) -> ValueRef<'_> {
            ValueRef::from(text.as_deref())
        }
        let [network, station, location, channel] = self.codes.each_ref().map(|code| text(code));
        // quality and format: mseedindex 3 leaves quality NULL; NULL format is miniSEED.
        [
            network,
            station,
            location,
            channel,
            ValueRef::Null,
            self.version.map_or(ValueRef::Null, ValueRef::Integer),
            text(&self.start),
            text(&self.end),
            self.rate.map_or(ValueRef::Null, ValueRef::Real),
            text(name),
            ValueRef::Integer(self.byte_offset),
            ValueRef::Integer(self.bytes),
            text(&self.hash),
            any(&self.time_index),
            any(&self.spans),
            any(&self.rates),
            ValueRef::Null,
            text(changed),
            text(changed),
            text(scanned),
            any(&self.parts),
        ]
    }

    /// The row that a scan goes on with, when the file has grown; `None` when the texts do not tell
    /// enough, or something else. `last_start_ns` is that of the last record.
    #[must_use]
    pub fn to_row(&self, last_start_ns: i64) -> Option<Row> {
        if self.parts.is_some() || !self.hash.is_empty() {
            return None;
        }
        let [network, station, location, channel] = self
            .codes
            .each_ref()
            .map(|code| mseed_core::Code::from_field(code.as_bytes()));
        let time_index = schema::parse_time_index(self.time_index.as_deref()?)?;
        let given = schema::parse_spans(self.spans.as_deref().unwrap_or_default());
        let rates = self.rates.as_deref().map(schema::parse_rates);
        let rate = self.rate?;
        let latest_ns = schema::parse_time(&self.end)?;
        let mut spans = SpanList::default();
        for (number, (start_ns, end_ns)) in given.iter().enumerate() {
            let rate_hz = match &rates {
                Some(rates) => *rates.get(number)?,
                None => schema::hertz(rate),
            };
            spans.add(Span {
                start_ns: *start_ns,
                end_ns: *end_ns,
                rate_hz,
            });
        }
        let row = Row {
            source: SourceId {
                network,
                station,
                location,
                channel,
            },
            version: u8::try_from(self.version?).ok()?,
            section: Section {
                earliest_ns: schema::parse_time(&self.start)?,
                latest_ns,
                last_start_ns,
                declared_rate: rate,
                byte_offset: u64::try_from(self.byte_offset).ok()?,
                bytes: u64::try_from(self.bytes).ok()?,
                next_index_ns: next_hour(time_index.entries.first()?.0, latest_ns),
                time_index: time_index.entries,
                in_order: time_index.in_order,
                spans,
                rates_differ: rates.is_some(),
                hash: None,
            },
            stretches: Vec::new(),
        };
        (Self::of(&row) == *self).then_some(row)
    }
}

impl RowTable {
    /// A query for the texts of rows, without its condition.
    pub(super) fn select_texts(self) -> String {
        format!(
            "SELECT {TEXT_COLUMNS},{} FROM {}",
            self.parts(),
            self.name()
        )
    }
}
