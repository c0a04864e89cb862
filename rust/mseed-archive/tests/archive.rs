//! Index and windows of small archives, healthy and damaged.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{Archive, SECOND, START_NS, counting, kinds, values};
use mseed_archive::Error;
use mseed_archive::makeindex::make_index;
use mseed_archive::problem::ProblemKind;
use mseed_archive::run::Ticker;
use mseed_archive::tsindex::{IndexReader, Selection};
use mseed_archive::window::{Choice, Edge, Request, Samples, read_bytes, read_window};
use mseed_core::Encoding;
use mseed_core::encode::{Header, Samples as Written, write_v2};

#[test]
fn a_window_over_two_files_comes_back_whole() {
    let archive = Archive::new();
    archive.write("b", &counting("HHZ", 5000, 5000));
    archive.write("a", &counting("HHZ", 0, 5000));
    let report = archive.run();
    assert_eq!((report.files_added, report.totals.channels), (2, 1));
    assert_eq!(report.problems, []);
    for (from, to) in [
        (4990, 5010),
        (0, 9999),
        (4999, 5000),
        (5000, 5000),
        (17, 17),
    ] {
        let answer = archive.window(from, to);
        assert_eq!(values(&answer), [(from as i32, to as i32)]);
    }
    assert_eq!(values(&archive.window(-50, 20)), [(0, 20)]);
    assert!(archive.window(10_050, 10_060).segments.is_empty());
}

#[test]
fn a_damaged_record_costs_itself_alone() {
    let archive = Archive::new();
    let mut bytes = counting("HHZ", 0, 5000);
    bytes[512..512 + 48].fill(0xEE);
    archive.write("a", &bytes);
    let report = archive.run();
    assert_eq!(report.problems.len(), 1);
    let problem = &report.problems[0];
    assert_eq!((problem.offset, problem.length), (Some(512), 256));
    let answer = archive.window(0, 4999);
    assert_eq!(answer.segments.len(), 2);
    assert_eq!(values(&answer)[1].1, 4999);
}

#[test]
fn a_record_that_fails_its_check_is_a_gap_where_that_is_asked() {
    let archive = Archive::new();
    let mut bytes = counting("HHZ", 0, 5000);
    let last_sample = 512 + 64 + 8; // frame 1, word 2 of the third record
    bytes[last_sample] ^= 0x40;
    archive.write("a", &bytes);
    assert_eq!(archive.run().problems, []);
    let kept = archive.window_with(0, 4999, true);
    assert_eq!(values(&kept), [(0, 4999)]);
    let left_out = archive.window_with(0, 4999, false);
    let [(0, end), (begin, 4999)] = values(&left_out)[..] else {
        panic!("{:?}", values(&left_out));
    };
    // Windows with the gap at their ends, and one inside it.
    let around = archive.window_with(i64::from(end) - 2, i64::from(end) + 2, false);
    assert_eq!(values(&around), [(end - 2, end)]);
    let inside = archive.window_with(i64::from(end) + 1, i64::from(begin) - 1, false);
    assert_eq!(values(&inside), []);
    for answer in [kept, left_out, around, inside] {
        assert_eq!(kinds(&answer.problems), [ProblemKind::Integrity]);
        assert_eq!(answer.problems[0].offset, Some(512));
        assert_eq!(answer.failed_records.len(), 1);
        assert_eq!(answer.failed_records[0].to_string(), "XX.AAA..HHZ");
    }
}

#[test]
fn a_steim_payload_that_ends_early_gives_its_samples_everywhere_and_is_flagged() {
    let archive = Archive::new();
    let mut bytes = counting("HHZ", 0, 5000);
    // The codes of the second frame of the third record: nothing in any of its words.
    let first = 2 * 256;
    bytes[first + 128..first + 132].fill(0);
    archive.write("a", &bytes);
    // makeindex reads headers: all that they declare is in the index.
    assert_eq!(archive.run().problems, []);
    let window = archive.window(0, 4999);
    let read = read_bytes(&bytes, "a", 1);
    for answer in [window, read] {
        assert_eq!(answer.problems.len(), 1);
        let problem = &answer.problems[0];
        assert_eq!(problem.offset, Some(first as u64));
        assert!(problem.reason.contains("payload holds"), "{problem:?}");
        let lengths: Vec<_> = answer
            .segments
            .iter()
            .map(|segment| match &segment.samples {
                Samples::Int32(v) => v.clone(),
                _ => panic!(),
            })
            .collect();
        assert_eq!(lengths.len(), 2);
        // What stands before the end of the payload is right, and what is behind the hole.
        let (early, late) = (&lengths[0], &lengths[1]);
        let behind = late[0] as usize;
        assert_eq!(late.len(), 5000 - behind);
        assert!(early.len() > 600 && early.len() < behind);
        let good = early.len() - 400;
        assert!(
            early[..good]
                .iter()
                .enumerate()
                .all(|(i, v)| *v == i as i32)
        );
    }
}

#[test]
fn foreign_and_cut_files_are_lines_in_the_report() {
    let archive = Archive::new();
    archive.write(
        "a.txt",
        b"not miniSEED, but longer than a header of forty-eight bytes",
    );
    archive.write("b.empty", b"");
    let whole = counting("HHZ", 0, 5000);
    archive.write("c.cut", &whole[..whole.len() - 100]);
    let report = archive.run();
    assert_eq!(
        kinds(&report.problems),
        [
            ProblemKind::NotMiniSeed,
            ProblemKind::NotMiniSeed,
            ProblemKind::Truncated
        ]
    );
    assert_eq!(report.problems[2].offset, Some(whole.len() as u64 - 256));
    assert_eq!(report.files_without_records, 2);
    assert_eq!(values(&archive.window(0, 100)), [(0, 100)]);
}

#[test]
fn a_second_run_passes_over_what_did_not_change() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.write("b", b"no data");
    archive.run();
    let again = archive.run();
    let counts = (again.files_unchanged, again.files_added, again.records);
    assert_eq!(counts, (2, 0, 0));
    assert_eq!(kinds(&again.problems), [ProblemKind::NotMiniSeed]);
    archive.write("a", &counting("HHZ", 0, 3000));
    archive.write("c", &counting("HHN", 0, 1000));
    let third = archive.run();
    let counts = (
        third.files_replaced,
        third.files_added,
        third.files_unchanged,
    );
    assert_eq!(counts, (1, 1, 1));
    assert_eq!(third.totals.channels, 2);
    assert_eq!(values(&archive.window(2990, 2995)), [(2990, 2995)]);
}

#[test]
fn files_that_vanished_or_changed_are_problems_of_the_answer() {
    let archive = Archive::new();
    let a = archive.write("a", &counting("HHZ", 0, 1000));
    let b = archive.write("b", &counting("HHZ", 1000, 1000));
    let c = archive.write("c", &counting("HHZ", 2000, 1000));
    archive.write("d", &counting("HHZ", 3000, 1000));
    archive.run();
    fs::remove_file(a).unwrap();
    fs::write(b, counting("HHN", 1000, 1000)).unwrap();
    let whole = fs::read(&c).unwrap();
    fs::write(&c, &whole[..256]).unwrap();
    let answer = archive.window(0, 3999);
    let mut found = kinds(&answer.problems);
    found.sort_by_key(|k| k.as_str());
    assert_eq!(
        found,
        [
            ProblemKind::Changed,
            ProblemKind::Changed,
            ProblemKind::Unreadable
        ]
    );
    assert_eq!(values(&answer).last(), Some(&(3000, 3999)));
}

#[test]
fn hidden_names_and_second_ways_to_a_file_are_left_out() {
    let archive = Archive::new();
    let a = archive.write("a", &counting("HHZ", 0, 1000));
    archive.write(".hidden", &counting("HHN", 0, 1000));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&a, archive.data().join("link")).unwrap();
        std::os::unix::fs::symlink(archive.data(), archive.data().join("loop")).unwrap();
    }
    let report = archive.run();
    assert_eq!((report.files_added, report.totals.channels), (1, 1));
    let loops_only = report
        .problems
        .iter()
        .all(|p| p.reason.contains("link back"));
    assert!(loops_only, "{:?}", report.problems);
}

#[test]
fn a_missing_index_is_an_error_and_stays_missing() {
    let path = Path::new("no-such-folder").join("index.db");
    assert!(matches!(IndexReader::open(&path), Err(Error::Io { .. })));
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_index_is_refused_by_reader_and_writer() {
    let archive = Archive::new();
    let text = b"text that is long enough to be taken for the header of a database";
    fs::write(archive.index(), text).unwrap();
    let read = IndexReader::open(&archive.index());
    assert!(matches!(read, Err(Error::NotAnIndex { .. })));
    let written = make_index(&archive.job(), &mut |_| true);
    assert!(matches!(written, Err(Error::NotAnIndex { .. })));
    assert_eq!(fs::read(archive.index()).unwrap(), text);
}

#[test]
fn a_cancelled_run_leaves_a_valid_index() {
    let archive = Archive::new();
    for i in 0..50 {
        archive.write(&format!("{i}"), &counting("HHZ", i * 5000, 5000));
    }
    let result = make_index(&archive.job(), &mut |_| false);
    // The first tick may come only when all is done: then the run is whole.
    assert!(matches!(result, Err(Error::Cancelled) | Ok(_)));
    assert!(IndexReader::open(&archive.index()).is_ok());
    assert_eq!(archive.run().totals.rows, 50);
}

/// Locks that this process holds on a file, as the kernel lists them. A list that is read while
/// other tests lock and unlock may lack some, or have some twice: several are read, and put together.
#[cfg(target_os = "linux")]
fn locks_on(path: &Path) -> BTreeSet<String> {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(":{}", fs::metadata(path).unwrap().ino());
    let own = std::process::id().to_string();
    let mut locks = BTreeSet::new();
    for _ in 0..20 {
        for line in fs::read_to_string("/proc/locks").unwrap().lines() {
            let fields: Vec<_> = line.split_whitespace().skip(1).collect();
            if fields.contains(&own.as_str()) && fields.iter().any(|f| f.ends_with(&inode)) {
                locks.insert(fields.join(" "));
            }
        }
    }
    locks
}

#[test]
#[cfg(target_os = "linux")]
fn opening_and_scanning_an_index_leaves_the_locks_of_this_process_alone() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    // The other index lies in the archive, as a user's may.
    let other = archive.data().join("other.db");
    fs::copy(archive.index(), &other).unwrap();
    let writer = rusqlite::Connection::open(&other).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = locks_on(&other);
    assert!(!before.is_empty());
    let reader = IndexReader::open(&other).unwrap();
    assert_eq!(
        reader
            .channels(&Selection::new("*", "*", "*", "*"))
            .unwrap()
            .len(),
        1
    );
    assert!(locks_on(&other).is_superset(&before));
    let report = archive.run();
    assert_eq!(kinds(&report.problems), [ProblemKind::NotMiniSeed]);
    assert!(locks_on(&other).is_superset(&before));
}

#[test]
fn a_database_of_another_program_is_not_written_to() {
    let archive = Archive::new();
    let foreign = rusqlite::Connection::open(archive.index()).unwrap();
    foreign
        .execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .unwrap();
    let refused = make_index(&archive.job(), &mut |_| true);
    let Err(Error::NotAnIndex { reason, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("bookmarks"), "{reason}");
}

#[test]
fn an_index_that_was_replaced_is_read_anew() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    let reader = IndexReader::open(&archive.index()).unwrap();
    let all = Selection::new("*", "*", "*", "*");
    assert_eq!(reader.channels(&all).unwrap().len(), 1);
    fs::remove_file(archive.index()).unwrap();
    assert!(matches!(reader.channels(&all), Err(Error::Io { .. })));
    archive.write("b", &counting("HHN", 0, 1000));
    archive.run();
    assert_eq!(reader.channels(&all).unwrap().len(), 2);
}

#[test]
fn overlapping_records_at_a_border_of_the_time_index_all_come() {
    // Nine seconds that cross the hour, and five that begin later and cross it too.
    let archive = Archive::new();
    let hour = 3600 * 100;
    let mut bytes = counting("HHZ", 0, hour - 1000);
    bytes.extend(counting("HHZ", hour - 1000, 1900));
    bytes.extend(counting("HHZ", hour - 700, 1500));
    archive.write("a", &bytes);
    archive.run();
    let (from, to) = (i64::from(hour) - 600, i64::from(hour) - 200);
    let found = values(&archive.window(from, to));
    assert_eq!(found, [(hour - 600, hour - 200); 2]);
}

#[test]
fn records_that_scatter_around_their_grid_lose_no_sample_at_the_edges() {
    let archive = Archive::new();
    let mut bytes = counting("HHZ", 0, 500);
    // The next record comes 4.5 ms late: less than half a sample.
    let late = Header {
        network: "XX",
        station: "AAA",
        location: "",
        channel: "HHZ",
        quality: b'D',
        start_ns: START_NS + 5 * SECOND + 4_500_000,
        rate_hz: 100.0,
        encoding: Encoding::Int32,
        record_length: 256,
        sequence: 2,
    };
    let samples: Vec<i32> = (500..520).collect();
    write_v2(&late, Written::Int32(&samples), &mut bytes).unwrap();
    archive.write("a", &bytes);
    archive.run();
    let opened = archive.opened();
    let selection = Selection::new("XX", "AAA", "", "HHZ");
    for (from_ms, to_ms, expected) in [(4990, 4996, 499..501), (4995, 4998, 500..501)] {
        let request = Request {
            selection: &selection,
            start_ns: START_NS + from_ms * 1_000_000,
            end_ns: START_NS + to_ms * 1_000_000,
            edge: Edge::default(),
            choice: &Choice::default(),
            join_files: true,
            keep_failed: true,
            threads: 1,
        };
        let answer = read_window(&opened, &request, &mut Ticker::new(&mut || true)).unwrap();
        let found = values(&answer);
        assert_eq!(found, [(expected.start, expected.end - 1)]);
    }
}

#[test]
fn records_far_behind_foreign_bytes_are_found() {
    let archive = Archive::new();
    let mut bytes = vec![0; 20_000_000];
    bytes.extend(counting("HHZ", 0, 1000));
    archive.write("a", &bytes);
    let report = archive.run();
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert_eq!(report.problems[0].length, 20_000_000);
    assert_eq!(values(&archive.window(0, 999)), [(0, 999)]);
}

#[test]
fn files_that_are_gone_are_reported_and_keep_their_rows() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    let gone = archive.write("b", &counting("HHN", 0, 1000));
    archive.run();
    fs::remove_file(gone).unwrap();
    let report = archive.run();
    assert_eq!((report.files_vanished, report.totals.rows), (1, 2));
    assert_eq!(kinds(&report.problems), [ProblemKind::Vanished]);
}
