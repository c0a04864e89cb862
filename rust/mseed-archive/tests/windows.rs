//! Windows of archives that are hard to cut: overlaps, holes, rates, files that changed.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::fs;

use common::{Archive, SECOND, START_NS, counting, header, kinds, records, values};
use mseed_archive::problem::ProblemKind;
use mseed_archive::window::{Answer, Samples};
use mseed_core::Encoding;
use mseed_core::encode::Header;

/// Start in seconds, and first and last sample, of each segment.
fn seconds(answer: &Answer) -> Vec<(f64, i32, i32)> {
    answer
        .segments
        .iter()
        .map(|segment| {
            let Samples::Int32(v) = &segment.samples else {
                panic!()
            };
            let start_s = (segment.start_ns - START_NS) as f64 / 1e9;
            (start_s, v[0], v[v.len() - 1])
        })
        .collect()
}

#[test]
fn a_long_record_that_overlaps_an_entry_of_the_time_index_is_not_missed() {
    // Two hours in one record; then one that begins inside of it, ends behind it, beyond the next
    // hour, and so has an entry of the time index of its own.
    let archive = Archive::new();
    let record = |start_s: i64, npts: i32| {
        let header = Header {
            record_length: 8192,
            ..header("LHZ", START_NS + start_s * SECOND, 1.0)
        };
        let first = start_s as i32;
        let bytes = records(&header, &(first..first + npts).collect::<Vec<_>>());
        assert_eq!(bytes.len(), 8192);
        bytes
    };
    archive.write("a", &[record(0, 7200), record(3000, 5000)].concat());
    archive.run();
    let at = |second: i64| START_NS + second * SECOND;
    let answer = archive.window_ns("LHZ", at(4000), at(4500), true);
    assert_eq!(seconds(&answer), [(4000.0, 4000, 4500); 2]);
    let behind = archive.window_ns("LHZ", at(7500), at(7600), true);
    assert_eq!(seconds(&behind), [(7500.0, 7500, 7600)]);
}

#[test]
fn a_gap_of_less_than_a_sample_leaves_the_records_behind_it_their_own_times() {
    for (late_ms, expected) in [(7, vec![(5.0, 500, 509), (5.107, 510, 519)]), (4, vec![])] {
        let archive = Archive::new();
        let start_ns = START_NS + 5 * SECOND;
        let second = header("HHZ", start_ns + 100_000_000 + late_ms * 1_000_000, 100.0);
        let mut bytes = records(
            &header("HHZ", start_ns, 100.0),
            &(500..510).collect::<Vec<_>>(),
        );
        bytes.extend(records(&second, &(510..520).collect::<Vec<_>>()));
        archive.write("a", &bytes);
        archive.run();
        let whole = seconds(&archive.window_ns("HHZ", start_ns, start_ns + SECOND, true));
        let behind_ns = start_ns + 150_000_000;
        let behind = seconds(&archive.window_ns("HHZ", behind_ns, behind_ns + SECOND, true));
        if late_ms == 7 {
            assert_eq!(whole, expected);
            assert_eq!(behind, [(5.147, 514, 519)]);
        } else {
            // Joined, and on the grid of the first.
            assert_eq!(whole, [(5.0, 500, 519)]);
            assert_eq!(behind, [(5.15, 515, 519)]);
        }
    }
}

#[test]
fn a_record_that_decodes_short_costs_its_samples_and_nothing_behind_it() {
    let archive = Archive::new();
    let mut bytes = counting("HHZ", 0, 5000);
    archive.write("a", &bytes);
    archive.run();
    let whole = archive.window(0, 4999);
    assert_eq!(values(&whole), [(0, 4999)]);
    // The second frame of the third record: its control word says that there is nothing in it.
    let frame = 2 * 256 + 128;
    bytes[frame..frame + 64].fill(0);
    archive.write("a", &bytes);
    let answer = archive.window(0, 4999);
    let found = values(&answer);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[0].0, found[1].1), (0, 4999));
    assert!(found[0].1 + 1 < found[1].0);
    assert!(!answer.problems.is_empty());
    assert!(answer.problems.iter().all(|p| p.offset == Some(512)));
}

#[test]
fn two_rates_of_one_channel_do_not_chain() {
    let archive = Archive::new();
    // At 50 Hz from the very moment at which the next sample at 100 Hz would come.
    let slower = header("HHZ", START_NS + 5 * SECOND, 50.0);
    let mut bytes = counting("HHZ", 0, 500);
    bytes.extend(records(&slower, &(0..250).collect::<Vec<_>>()));
    archive.write("a", &bytes);
    archive.run();
    let answer = archive.window_ns("HHZ", START_NS, START_NS + 10 * SECOND, true);
    let rates: Vec<_> = answer.segments.iter().map(|s| s.rate_hz).collect();
    assert_eq!(rates, [100.0, 50.0]);
    assert_eq!(seconds(&answer), [(0.0, 0, 499), (5.0, 0, 249)]);
}

#[test]
fn records_over_the_border_of_a_chunk_are_whole() {
    // A file is scanned in chunks of 8 MiB; the first record is a short one, so that no border of
    // the others falls on that of the chunk.
    let archive = Archive::new();
    let long = Header {
        encoding: Encoding::Int32,
        record_length: 512,
        ..header("HHZ", START_NS + SECOND / 2, 100.0)
    };
    let first = counting("HHZ", 0, 50);
    assert_eq!(first.len(), 256);
    let rest = records(&long, &(50..2_400_000).collect::<Vec<_>>());
    assert!(rest.len() > 9 * 1024 * 1024);
    archive.write("a", &[&first[..], &rest].concat());
    let report = archive.run();
    assert_eq!(report.problems, []);
    assert_eq!(report.records, 1 + rest.len() as u64 / 512);
    assert_eq!(report.totals.rows, 1);
    // 112 samples a record: around the record that lies over the border.
    let border = (8 * 1024 * 1024 - 256) / 512 * 112 + 50;
    let answer = archive.window(border - 500, border + 500);
    let (from, to) = (border as i32 - 500, border as i32 + 500);
    assert_eq!(values(&answer), [(from, to)]);
}

#[test]
fn a_file_that_holds_other_times_by_now_is_reported_and_not_returned() {
    // Later and earlier ones, partly in a window that the old times reach into.
    for (by_now, from, to) in [(3200, 2900, 3500), (800, 1500, 2500)] {
        let archive = Archive::new();
        archive.write("a", &counting("HHZ", 2000, 1000));
        archive.run();
        archive.write("a", &counting("HHZ", by_now, 1000));
        let answer = archive.window(from, to);
        assert!(answer.segments.is_empty());
        assert_eq!(kinds(&answer.problems), [ProblemKind::Changed]);
    }
}

#[test]
fn a_number_sign_is_part_of_a_name_in_an_index_of_our_own() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    let versioned = archive.write("a#1", &counting("HHZ", 1000, 1000));
    archive.run();
    assert_eq!(values(&archive.window(0, 1999)), [(0, 1999)]);
    fs::remove_file(versioned).unwrap();
    let answer = archive.window(0, 1999);
    assert_eq!(values(&answer), [(0, 999)]);
    assert_eq!(kinds(&answer.problems), [ProblemKind::Unreadable]);
    assert!(answer.problems[0].path.ends_with("a#1"));
}

/// A channel with a sample every `period_s` from `START_NS` on, beside one at 100 Hz.
fn slow_archive(period_s: i64) -> Archive {
    let archive = Archive::new();
    let slow = header("UHZ", START_NS, 1.0 / period_s as f64);
    archive.write("slow", &records(&slow, &(0..20).collect::<Vec<_>>()));
    archive.write("fast", &counting("HHZ", 0, 1000));
    archive.run();
    archive
}

/// Windows of ten seconds before, inside and behind the data, each with the sample that is due.
fn check_slow_windows(archive: &Archive, period_s: i64) {
    let half_s = period_s / 2;
    let last_s = 19 * period_s;
    for (at_s, due) in [
        (0, vec![0]),
        (-half_s + 10, vec![0]),
        (-half_s - 20, vec![]),
        (5 * period_s + half_s - 20, vec![5]),
        (5 * period_s + half_s + 10, vec![6]),
        (last_s + half_s - 20, vec![19]),
        (last_s + half_s + 10, vec![]),
    ] {
        let start_ns = START_NS + at_s * SECOND;
        let answer = archive.window_ns("UHZ", start_ns, start_ns + 10 * SECOND, true);
        let found: Vec<_> = seconds(&answer).iter().map(|s| s.1).collect();
        assert_eq!(found, due, "{period_s} s, window at {at_s} s");
    }
}

#[test]
fn windows_of_slow_channels_have_the_nearest_sample_however_far_it_is() {
    for period_s in [60, 3500, 3600, 4000, 30_000] {
        check_slow_windows(&slow_archive(period_s), period_s);
    }
}

#[test]
fn windows_of_slow_channels_are_the_same_by_an_index_of_another_program() {
    for (period_s, samplerate) in [(30_000, None), (30_000, Some(-30_000.0)), (4000, None)] {
        let archive = slow_archive(period_s);
        let index = rusqlite::Connection::open(archive.index()).unwrap();
        index
            .execute_batch("DROP TABLE credit_fast_files; DROP INDEX credit_fast_slow_idx;")
            .unwrap();
        if let Some(rate) = samplerate {
            // As mseedindex writes what a miniSEED 3 header says.
            index
                .execute(
                    "UPDATE tsindex SET samplerate=? WHERE channel='UHZ'",
                    [rate],
                )
                .unwrap();
        }
        drop(index);
        check_slow_windows(&archive, period_s);
    }
}

#[test]
fn rows_of_slow_channels_are_found_by_an_sql_index_that_holds_no_others() {
    let archive = slow_archive(30_000);
    let index = rusqlite::Connection::open(archive.index()).unwrap();
    let rows: i64 = index
        .query_row(
            "SELECT count(*) FROM tsindex INDEXED BY credit_fast_slow_idx WHERE \
             (samplerate<-3500 OR (samplerate>0 AND samplerate<0.000285) OR timerates IS NOT NULL)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn a_row_that_ends_beyond_all_nanoseconds_can_be_asked_for() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    let index = rusqlite::Connection::open(archive.index()).unwrap();
    index
        .execute(
            "UPDATE tsindex SET endtime='9999-12-31T23:59:59.999999'",
            [],
        )
        .unwrap();
    drop(index);
    assert_eq!(values(&archive.window(990, 995)), [(990, 995)]);
    assert!(archive.window(500_000, 500_010).segments.is_empty());
}
