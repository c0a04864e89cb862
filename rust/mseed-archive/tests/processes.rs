//! Several threads and programs at one index: waiting, forks, descriptors; and very bad files.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use common::{Archive, counting, kinds, values};
use mseed_archive::fork::{after_fork, before_fork};
use mseed_archive::problem::{MAX_TOLD, ProblemKind};
use mseed_archive::tsindex::{IndexReader, Selection};

#[test]
fn a_reader_that_waits_for_another_program_keeps_no_fork_waiting() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    let all = Selection::new("*", "*", "*", "*");
    let reader = IndexReader::open(&archive.index()).unwrap();
    let other = rusqlite::Connection::open(archive.index()).unwrap();
    for is_open in [true, false] {
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        thread::scope(|scope| {
            // One thread waits with a connection, the other before it has one.
            let waiting = scope.spawn(|| match is_open {
                true => reader.channels(&all).map(|found| found.len()),
                false => IndexReader::open(&archive.index()).map(|_| 1),
            });
            thread::sleep(Duration::from_millis(300));
            assert!(!waiting.is_finished());
            let began = Instant::now();
            before_fork();
            after_fork();
            let waited = began.elapsed();
            assert!(waited < Duration::from_secs(2), "{waited:?}");
            assert!(!waiting.is_finished());
            other.execute_batch("ROLLBACK").unwrap();
            assert_eq!(waiting.join().unwrap().unwrap(), 1);
        });
    }
}

#[test]
fn a_writer_whose_commit_a_reader_is_in_the_way_of_tries_again() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    let other = rusqlite::Connection::open(archive.index()).unwrap();
    other.execute_batch("BEGIN").unwrap();
    let rows: i64 = other
        .query_row("SELECT count(*) FROM tsindex", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
    archive.write("b", &counting("HHZ", 1000, 1000));
    thread::scope(|scope| {
        let writing = scope.spawn(|| archive.run());
        thread::sleep(Duration::from_millis(500));
        assert!(!writing.is_finished());
        // Between two tries nobody is inside SQLite: a fork comes through.
        let began = Instant::now();
        before_fork();
        after_fork();
        assert!(began.elapsed() < Duration::from_secs(2));
        other.execute_batch("COMMIT").unwrap();
        let report = writing.join().unwrap();
        assert_eq!((report.files_added, report.totals.rows), (1, 2));
    });
    assert_eq!(values(&archive.window(0, 1999)), [(0, 1999)]);
}

/// Descriptors of this process that lead to a file of a name.
#[cfg(target_os = "linux")]
fn descriptors_of(name: &str) -> usize {
    fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter(|path| path.to_string_lossy().contains(name))
        .count()
}

#[test]
#[cfg(target_os = "linux")]
fn databases_in_the_archive_cost_no_descriptor() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    for number in 0..50 {
        let copy = archive.data().join(format!("base-{number}.sqlite"));
        fs::copy(archive.index(), copy).unwrap();
    }
    let report = archive.run();
    assert_eq!(kinds(&report.problems), [ProblemKind::NotMiniSeed; 50]);
    assert_eq!(descriptors_of("base-"), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn an_open_index_in_the_archive_is_not_opened_again() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    let other = archive.data().join("open-index.db");
    fs::copy(archive.index(), &other).unwrap();
    let reader = IndexReader::open(&other).unwrap();
    let before = descriptors_of("open-index");
    for _ in 0..3 {
        assert_eq!(kinds(&archive.run().problems), [ProblemKind::NotMiniSeed]);
        // Another size: the next run looks at it again.
        let length = fs::metadata(&other).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(&other).unwrap();
        file.set_len(length + 4096).unwrap();
    }
    assert_eq!(descriptors_of("open-index"), before);
    drop(reader);
}

#[test]
#[cfg(target_os = "linux")]
fn hundreds_of_indexes_stay_open_and_thousands_do_not() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    let all = Selection::new("*", "*", "*", "*");
    let readers: Vec<_> = (0..300)
        .map(|number| {
            let copy = archive.index().with_file_name(format!("many-{number}.db"));
            fs::copy(archive.index(), &copy).unwrap();
            IndexReader::open(&copy).unwrap()
        })
        .collect();
    let ask = |readers: &[IndexReader]| {
        for reader in readers {
            assert_eq!(reader.channels(&all).unwrap().len(), 1);
        }
        descriptors_of("many-")
    };
    // Other tests of this process have a few connections, too.
    assert!((200..=256).contains(&ask(&readers)));
    thread::scope(|scope| {
        // Another thread always has some of its own.
        let there = scope.spawn(|| ask(&readers)).join().unwrap();
        assert!((264..=320).contains(&there), "{there}");
    });
    assert!((200..=256).contains(&ask(&readers)));
}

#[test]
fn a_file_of_bad_records_is_a_thousand_lines_and_a_count_in_each_run() {
    let archive = Archive::new();
    let good = counting("HHZ", 0, 1_500_000);
    let records = good.len() / 256;
    let mut bytes = good;
    let mut damaged = 0;
    for record in (1..records).step_by(2) {
        bytes[record * 256..record * 256 + 48].fill(0xEE);
        damaged += 1;
    }
    assert!(damaged > 2 * MAX_TOLD as u64, "{damaged}");
    archive.write("a", &bytes);
    for _ in 0..2 {
        let report = archive.run();
        assert_eq!(report.problems.len(), MAX_TOLD + 1);
        let counted: u64 = report.problems.iter().map(|p| p.count).sum();
        assert_eq!(counted, damaged);
        let last = &report.problems[MAX_TOLD];
        assert_eq!(last.count, damaged - MAX_TOLD as u64);
        assert!(last.reason.contains(&last.count.to_string()));
    }
}

#[test]
fn an_answer_tells_a_thousand_bad_records_of_a_file_and_counts_the_rest() {
    let archive = Archive::new();
    let mut bytes = counting("HHZ", 0, 1_000_000);
    let records = bytes.len() / 256;
    for record in 0..records {
        // The last sample as the first frame states it.
        bytes[record * 256 + 64 + 8] ^= 0x55;
    }
    archive.write("a", &bytes);
    assert_eq!(archive.run().problems, []);
    let answer = archive.window(0, 1_000_000);
    assert_eq!(values(&answer), [(0, 999_999)]);
    assert_eq!(answer.problems.len(), MAX_TOLD + 1);
    let counted: u64 = answer.problems.iter().map(|p| p.count).sum();
    assert_eq!(counted, records as u64);
}
