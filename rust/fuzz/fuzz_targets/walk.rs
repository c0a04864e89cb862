//! Any bytes as a file: all are accounted for, parts give what the whole gives, and all that reads
//! a file agrees on what is in it.
//!
//! The last six bytes of an input say how the others are repeated and divided, and whether lies of
//! miniSEED 3 get the CRC that confirms them: no fuzzer finds it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mseed_archive::inspect::{Inspection, inspect_bytes};
use mseed_archive::scan::{Scan, scan_bytes};
use mseed_archive::window::{Samples, read_bytes};
use mseed_core::{FormatVersion, Item, Kind, Progress, Record, SourceId, Walker, limits, record};

/// Copies of the bytes behind each other, at the most: what costs much costs it again.
const MOST_COPIES: usize = 3;

/// Parts of a file, at the most: smaller ones find nothing more, and take time.
const MOST_PARTS: usize = 40;

/// What tells an item of a walk from another.
#[derive(Debug, PartialEq)]
enum Found {
    Record {
        at: usize,
        length: usize,
        source: SourceId,
        start_ns: i64,
        end_ns: i64,
        npts: usize,
        rate_bits: u64,
        encoding: u8,
        payload: (usize, usize),
        fault: Option<mseed_core::Error>,
    },
    Skipped(mseed_core::record::walk::Skipped),
}

impl Found {
    fn new(item: Item<'_>) -> Self {
        match item {
            Item::Record(at, record) => {
                check_record(&record);
                Self::Record {
                    at,
                    length: record.bytes.len(),
                    source: record.source,
                    start_ns: record.start_ns,
                    end_ns: record.end_ns(),
                    npts: record.npts,
                    rate_bits: record.rate_hz.to_bits(),
                    encoding: record.encoding.code(),
                    payload: (record.payload_start, record.payload_end),
                    fault: record.fault,
                }
            }
            Item::Skipped(skipped) => Self::Skipped(skipped),
        }
    }

    /// First byte and number of bytes.
    fn place(&self) -> (usize, usize) {
        match self {
            Self::Record { at, length, .. } => (*at, *length),
            Self::Skipped(skipped) => (skipped.offset, skipped.length),
        }
    }
}

/// What a header declares is within the limits; all else that is read from it can be asked for.
fn check_record(record: &Record<'_>) {
    let most = limits::max_samples(record.encoding, record.payload().len());
    assert!(record.npts <= most);
    assert!((0.0..=limits::MAX_RATE_HZ).contains(&record.rate_hz));
    let mut last = 0;
    for blockette in record::blockettes(record) {
        assert!(blockette.offset > last, "a chain that goes back");
        assert!(blockette.offset + blockette.bytes.len() <= record.bytes.len());
        last = blockette.offset;
        let _ = blockette.timing_500(record.header_big_endian);
    }
    assert!(record.flags().count() <= 24);
}

/// Work that a walk may spend on refused candidates, as the tests of the core have it.
fn most_vain_work(length: usize) -> u64 {
    let looks =
        limits::MAX_BLOCKETTES + limits::MAX_RECORD_LENGTH_V2 / limits::MIN_RECORD_LENGTH_V2;
    let once = limits::VAIN_WORK_SURE + limits::WORK_HEADER + limits::WORK_LOOK * looks as u64;
    let places = (length / limits::MIN_RECORD_LENGTH_V2) as u64 + 1;
    limits::VAIN_WORK_START + limits::VAIN_WORK_PER_BYTE * length as u64 + 2 * once * places
}

fn walk_whole(bytes: &[u8]) -> Vec<Found> {
    let mut walker = Walker::new(bytes);
    let items: Vec<_> = walker.by_ref().map(Found::new).collect();
    assert!(walker.work_in_vain() <= most_vain_work(bytes.len()));
    let mut position = 0;
    for item in &items {
        let (at, length) = item.place();
        // The end of a record may be the begin of the next one's number, too.
        assert!(at <= position && position - at <= limits::MAX_SHARED_BYTES);
        assert!(length > 0);
        position = at + length;
    }
    assert_eq!(position, bytes.len());
    // Damage behind control headers is told apart from them; all else is one skip.
    let is_damage =
        |item: &Found| matches!(item, Found::Skipped(s) if s.reason.kind != Kind::ControlHeader);
    assert!(
        !items.windows(2).any(|two| two.iter().all(is_damage)),
        "two skips in a row"
    );
    items
}

/// Walk as a reader does that gets bytes in parts of two sizes in turn. `late`: that the file ends
/// is known only when nothing more comes.
fn walk_parts(bytes: &[u8], sizes: [usize; 2], late: bool) -> Vec<Found> {
    let mut progress = Progress::default();
    let mut items = Vec::new();
    let mut end = 0;
    for size in sizes.into_iter().cycle() {
        let nothing_came = end == bytes.len();
        end = bytes.len().min(end + size);
        let complete = if late {
            nothing_came
        } else {
            end == bytes.len()
        };
        let part = &bytes[progress.position()..end];
        let mut walker = Walker::resume(progress, part, complete);
        items.extend(walker.by_ref().map(Found::new));
        progress = walker.into_progress();
        if complete {
            break;
        }
    }
    assert_eq!(progress.position(), bytes.len());
    items
}

/// Number of samples that `read` gives.
fn read_samples(bytes: &[u8], threads: usize) -> u64 {
    let answer = read_bytes(bytes, "fuzz", threads);
    let lengths = answer
        .segments
        .iter()
        .map(|segment| match &segment.samples {
            Samples::Int32(v) => v.len(),
            Samples::Float32(v) => v.len(),
            Samples::Float64(v) => v.len(),
            Samples::Text(v) => v.len(),
        });
    lengths.sum::<usize>() as u64
}

/// Those who read a file agree on what is in it.
fn check_uses(bytes: &[u8], items: &[Found], scan: &Scan) {
    let inspection: Inspection = inspect_bytes(bytes, "fuzz", true);
    let records = items
        .iter()
        .filter(|item| matches!(item, Found::Record { .. }));
    let record_bytes: usize = records.clone().map(|item| item.place().1).sum();
    assert_eq!(inspection.records, records.count() as u64);
    assert_eq!(scan.records, inspection.records);
    assert_eq!(inspection.list.len() as u64, inspection.records);
    let row_bytes: u64 = scan.rows.iter().map(|row| row.section.bytes).sum();
    assert_eq!(row_bytes, record_bytes as u64);
    let other_bytes = inspection.skipped_bytes + inspection.control_bytes;
    // Two records may share the digits of a number.
    let places = items.iter().map(Found::place);
    let shared: usize = places
        .clone()
        .zip(places.skip(1))
        .map(|((at, length), (next, _))| at + length - next)
        .sum();
    assert_eq!(other_bytes + row_bytes, (bytes.len() + shared) as u64);
    assert!(inspection.skipped_bytes == 0 || !inspection.problems.is_empty());
    let samples = read_samples(bytes, 2);
    assert_eq!(samples, inspection.samples);
    // Seven differences in four bytes is the most that any encoding packs.
    assert!(samples <= bytes.len() as u64 * 7 / 4);
}

/// Give each miniSEED 3 record the CRC of its bytes, the last one first: others may be inside.
fn sign_all(bytes: &mut [u8]) {
    for at in (0..bytes.len().saturating_sub(limits::FIXED_HEADER_V3)).rev() {
        if !bytes[at..].starts_with(b"MS\x03") {
            continue;
        }
        let length = match Record::parse_header(&bytes[at..]) {
            Ok(record) if record.format == FormatVersion::V3 => record.bytes.len(),
            _ => continue,
        };
        bytes[at + 28..at + 32].fill(0);
        let crc = crc32c::crc32c(&bytes[at..at + length]);
        bytes[at + 28..at + 32].copy_from_slice(&crc.to_le_bytes());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((bytes, [first0, first1, second0, second1, copies, options])) =
        input.split_last_chunk::<6>()
    else {
        return;
    };
    let mut bytes = bytes.repeat(1 + usize::from(*copies) % MOST_COPIES);
    let (late, signed) = (options & 1 != 0, options & 2 != 0);
    if signed {
        sign_all(&mut bytes);
    }
    let _ = Record::parse(&bytes);
    let items = walk_whole(&bytes);
    let sizes = [[*first0, *first1], [*second0, *second1]].map(|size| {
        let size = usize::from(u16::from_le_bytes(size));
        1 + bytes.len() / MOST_PARTS + size % (bytes.len() + 1)
    });
    assert_eq!(walk_parts(&bytes, sizes, late), items, "{sizes:?}");
    let scan = scan_bytes(&bytes, "fuzz", bytes.len() + 1);
    assert_eq!(
        scan_bytes(&bytes, "fuzz", sizes[0]),
        scan,
        "parts of {}",
        sizes[0]
    );
    check_uses(&bytes, &items, &scan);
});
