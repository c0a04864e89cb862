//! Random damage to real and made records: nothing panics, hangs or takes memory that the bytes
//! cannot justify, and every record that is not damaged comes back.
//!
//! `make mutations` runs the full number. A failure names its seed and case; the two together run
//! it alone: `CREDIT_FAST_SEED=… CREDIT_FAST_CASE=… cargo test -p mseed-archive --test mutations`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stderr,
    unreachable_pub,
    dead_code
)]

#[path = "../../mseed-core/tests/common/mod.rs"]
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mseed_archive::inspect::inspect_bytes;
use mseed_archive::scan::scan_bytes;
use mseed_archive::window::{Samples, read_bytes};
use mseed_core::{FormatVersion, Item, Walker, limits, record};

/// Cases of a plain `cargo test`.
const FEW: u64 = 6000;

/// No case may take longer; most take a fraction of a millisecond.
const LONGEST: Duration = Duration::from_secs(5);

/// Failures after which no more are looked for.
const MOST_FAILURES: usize = 50;

/// Neighbours of the damaged record on each side.
const NEIGHBOURS: usize = 3;

/// A generator of numbers, the same for a seed on every machine (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let zeros = self.below(4) == 0;
        (0..length)
            .map(|_| if zeros { 0 } else { self.next() as u8 })
            .collect()
    }
}

/// Records that follow each other in a file that is read without any problem.
struct Source {
    name: String,
    records: Vec<Vec<u8>>,
    /// Whether each record says itself how long it is; if not, its length depends on what follows.
    sure_lengths: bool,
}

fn source(name: String, bytes: &[u8]) -> Option<Source> {
    let mut records = Vec::new();
    let mut sure_lengths = true;
    for item in Walker::new(bytes) {
        if let Item::Record(_, record) = item {
            sure_lengths &= record.format == FormatVersion::V3
                || record::blockettes(&record).any(|b| b.kind == 1000);
            records.push(record.bytes.to_vec());
        }
        if records.len() == 60 {
            break;
        }
    }
    (!records.is_empty()).then_some(Source {
        name,
        records,
        sure_lengths,
    })
}

fn data_folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("CREDIT_FAST_DATA") {
        Some(named) => PathBuf::from(named),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    folder.is_dir().then_some(folder)
}

/// Every miniSEED file below a folder, in the order of their names.
fn collect(folder: &Path, sources: &mut Vec<Source>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, sources);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let begin = &bytes[..bytes.len().min(1_000_000)];
            sources.extend(source(path.to_string_lossy().into_owned(), begin));
        }
    }
}

fn sources() -> Vec<Source> {
    let mut sources: Vec<_> = common::files()
        .into_iter()
        .filter_map(|(name, file)| source(name.to_owned(), &file.bytes))
        .collect();
    assert_eq!(sources.len(), 7);
    match data_folder() {
        Some(folder) => {
            collect(&folder.join("oddities"), &mut sources);
            collect(&folder.join("waveforms"), &mut sources);
        }
        None => eprintln!("real data not found: set CREDIT_FAST_DATA; only made records are used"),
    }
    match std::env::var_os("CREDIT_FAST_OBSPY") {
        Some(folder) => collect(Path::new(&folder), &mut sources),
        None => eprintln!("CREDIT_FAST_OBSPY is not set: ObsPy's files are not used"),
    }
    sources
}

/// Overwrite a field that declares a size, a place, a number or a code.
fn lie(record: &mut [u8], dice: &mut Dice) {
    let v3 = record.starts_with(b"MS\x03");
    // (first byte, length): number of samples, rates, lengths, offsets, encodings.
    let fields: &[(usize, usize)] = match v3 {
        true => &[
            (24, 4),
            (16, 8),
            (33, 1),
            (34, 2),
            (36, 4),
            (15, 1),
            (8, 4),
            (4, 4),
        ],
        false => &[
            (30, 2),
            (32, 4),
            (44, 2),
            (46, 2),
            (50, 2),
            (54, 1),
            (52, 2),
            (39, 1),
            (20, 8),
            (40, 4),
            (48, 2),
        ],
    };
    let (at, length) = fields[dice.below(fields.len())];
    let Some(field) = record.get_mut(at..at + length) else {
        return;
    };
    match dice.below(5) {
        0 => field.fill(0),
        1 => field.fill(0xFF),
        2 => field.copy_from_slice(&dice.bytes(length)),
        3 => field[dice.below(length)] ^= 1 << dice.below(8),
        _ => {
            let byte = &mut field[dice.below(length)];
            *byte = byte.wrapping_add(dice.below(9) as u8).wrapping_sub(4);
        }
    }
    // Half of the lies of miniSEED 3 have a CRC that confirms them.
    if v3 && record.len() >= 40 && dice.below(2) == 0 {
        common::sign(record);
    }
}

fn flip(record: &mut [u8], dice: &mut Dice) {
    for _ in 0..=dice.below(8) {
        // The header is small and decides: half of the flips go there.
        let reach = if dice.below(2) == 0 { 64 } else { record.len() };
        let at = dice.below(reach.min(record.len()));
        record[at] ^= 1 << dice.below(8);
    }
}

/// Damage one record.
fn mutate(record: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = record.to_vec();
    for _ in 0..=dice.below(8) / 6 {
        if bytes.is_empty() {
            break;
        }
        let at = dice.below(bytes.len());
        match dice.below(9) {
            0 | 1 => flip(&mut bytes, dice),
            2 => {
                let length = 1 + dice.below(300);
                let foreign = dice.bytes(length);
                drop(bytes.splice(at..at, foreign));
            }
            3 => {
                let end = bytes.len().min(at + 1 + dice.below(300));
                drop(bytes.drain(at..end));
            }
            4 => bytes.truncate(at),
            5 | 6 => lie(&mut bytes, dice),
            7 => {
                let end = bytes.len().min(at + 1 + dice.below(600));
                let noise = dice.bytes(end - at);
                bytes[at..end].copy_from_slice(&noise);
            }
            _ => {
                // The begin of a record again, at another place of it.
                let length = (bytes.len() - at).min(64 + dice.below(100));
                let begin = record[..length.min(record.len())].to_vec();
                bytes[at..at + begin.len()].copy_from_slice(&begin);
            }
        }
    }
    if dice.below(12) == 0 {
        bytes = [&bytes[..], record, record].concat();
    }
    bytes
}

/// One case: some records of a file, one of them damaged.
fn one(sources: &[Source], dice: &mut Dice) {
    let source = &sources[dice.below(sources.len())];
    let number = dice.below(source.records.len());
    let before = &source.records[number.saturating_sub(NEIGHBOURS)..number];
    let after = &source.records[number + 1..source.records.len().min(number + 1 + NEIGHBOURS)];
    let damaged = mutate(&source.records[number], dice);
    let mut bytes = before.concat();
    let damage_from = bytes.len();
    bytes.extend(&damaged);
    let damage_to = bytes.len();
    // Sometimes the file ends with the damage.
    let after = if dice.below(10) == 0 { &[][..] } else { after };
    bytes.extend(after.concat());

    let found = walk(&bytes);
    let mut expected = Vec::new();
    let mut at = 0;
    for record in before {
        expected.push((at, record.len()));
        at += record.len();
    }
    at = damage_to;
    for record in after {
        expected.push((at, record.len()));
        at += record.len();
    }
    if source.sure_lengths {
        for place in expected {
            assert!(
                found.contains(&place),
                "{}, record {number} damaged from {damage_from} to {damage_to}: {place:?} is lost: \
                 {found:?}",
                source.name
            );
        }
    }
    uses(&bytes, dice);
}

/// Places of the records; checks that all bytes are accounted for and that sizes are bounded.
fn walk(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut position = 0;
    for item in Walker::new(bytes) {
        match item {
            Item::Record(at, record) => {
                // The end of a record may be the begin of the next one's number, too.
                assert!(at <= position && position - at <= limits::MAX_SHARED_BYTES);
                position = at + record.bytes.len();
                found.push((at, record.bytes.len()));
                let most = limits::max_samples(record.encoding, record.payload().len());
                assert!(record.npts <= most);
            }
            Item::Skipped(skipped) => {
                assert_eq!(skipped.offset, position);
                assert!(skipped.length > 0);
                position += skipped.length;
            }
        }
    }
    assert_eq!(position, bytes.len());
    found
}

/// All that reads a file reads these bytes.
fn uses(bytes: &[u8], dice: &mut Dice) {
    let scan = scan_bytes(bytes, "mutated", bytes.len() + 1);
    if dice.below(8) == 0 {
        let part = 1 + dice.below(2 * bytes.len());
        let in_parts = scan_bytes(bytes, "mutated", part.max(40));
        assert_eq!(in_parts, scan);
    }
    let answer = read_bytes(bytes, "mutated", 2);
    let samples: usize = answer
        .segments
        .iter()
        .map(|segment| match &segment.samples {
            Samples::Int32(v) => v.len(),
            Samples::Float32(v) => v.len(),
            Samples::Float64(v) => v.len(),
            Samples::Text(v) => v.len(),
        })
        .sum();
    let inspection = inspect_bytes(bytes, "mutated", true);
    assert_eq!(inspection.records, scan.records);
    assert_eq!(inspection.samples, samples as u64);
    assert_eq!(inspection.list.len() as u64, inspection.records);
    // Seven differences in four bytes is the most that any encoding packs.
    assert!(samples <= bytes.len() * 7 / 4);
    let told = inspection.skipped_bytes == 0 || !inspection.problems.is_empty();
    assert!(told);
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} {text:?}: expected a number")),
    )
}

#[test]
fn mutated_records_cost_nothing_but_themselves() {
    let sources = sources();
    let seed = number("CREDIT_FAST_SEED").unwrap_or(1);
    let cases = match number("CREDIT_FAST_CASE") {
        Some(case) => case..case + 1,
        None => 0..number("CREDIT_FAST_MUTATIONS").unwrap_or(FEW),
    };
    let count = cases.end - cases.start;
    let mut failures = Vec::new();
    let (began, mut longest) = (Instant::now(), (Duration::ZERO, 0));
    for case in cases {
        let mut dice = Dice(
            seed.wrapping_mul(0x2545_F491_4F6C_DD1D)
                .wrapping_add(case << 20),
        );
        let case_began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| one(&sources, &mut dice)));
        let time = case_began.elapsed();
        longest = longest.max((time, case));
        if result.is_err() || time >= LONGEST {
            failures.push(format!(
                "CREDIT_FAST_SEED={seed} CREDIT_FAST_CASE={case} ({time:?})"
            ));
        }
        if failures.len() == MOST_FAILURES {
            break;
        }
    }
    eprintln!(
        "{count} mutations of records of {} files, seed {seed}: {:?}, the longest {:?} (case {})",
        sources.len(),
        began.elapsed(),
        longest.0,
        longest.1
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
