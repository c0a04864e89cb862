//! A check beside other programs and threads: waiting, stopping, forks.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::{Archive, counting, kinds};
use mseed_archive::Error;
use mseed_archive::checkindex::{Job, Report, check_index};
use mseed_archive::fork::{after_fork, before_fork};
use mseed_archive::problem::ProblemKind;
use mseed_archive::window::PathMap;

fn job(archive: &Archive) -> Job {
    Job {
        index: archive.index(),
        paths: PathMap::default(),
        roots: vec![archive.data()],
        pattern: None,
        deep: true,
        threads: None,
    }
}

fn check(archive: &Archive) -> Report {
    check_index(&job(archive), &mut |_| true).unwrap()
}

#[test]
fn what_the_index_has_of_the_archive_is_right() {
    let archive = Archive::new();
    let file = archive.write("a", &counting("HHZ", 0, 5000));
    let mut spoiled = counting("HHN", 0, 5000);
    spoiled[512..512 + 48].fill(0xEE);
    archive.write("b", &spoiled);
    assert_eq!(kinds(&archive.run().problems), [ProblemKind::Skipped]);
    let report = check(&archive);
    assert_eq!(report.problems, []);
    assert_eq!((report.files, report.files_found, report.rows), (2, 2, 3));
    std::fs::remove_file(file).unwrap();
    archive.write("c", b"new");
    let found = kinds(&check(&archive).problems);
    assert_eq!(found, [ProblemKind::Vanished, ProblemKind::NotIndexed]);
}

#[test]
fn a_check_that_waits_for_another_program_lets_forks_through_and_can_be_stopped() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    let other = rusqlite::Connection::open(archive.index()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    thread::scope(|scope| {
        let mut ticks = 0;
        let (job, began) = (job(&archive), Instant::now());
        let waiting = scope.spawn(move || {
            check_index(&job, &mut |_| {
                ticks += 1;
                ticks < 10
            })
        });
        thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished());
        let forking = Instant::now();
        before_fork();
        after_fork();
        assert!(forking.elapsed() < Duration::from_secs(2));
        let result = waiting.join().unwrap();
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
        assert!(began.elapsed() < Duration::from_secs(20));
    });
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(check(&archive).problems, []);
}

#[test]
fn when_a_check_tells_of_its_end_it_keeps_nobody_waiting() {
    let archive = Archive::new();
    archive.write("a", &counting("HHZ", 0, 1000));
    archive.run();
    let mut written = false;
    let report = check_index(&job(&archive), &mut |_| {
        // The last tick: the threads of the check are gone, and so are their connections.
        let other = rusqlite::Connection::open(archive.index()).unwrap();
        other.execute_batch("DELETE FROM tsindex_summary").unwrap();
        written = true;
        true
    });
    assert_eq!(report.unwrap().problems, []);
    assert!(written);
    assert_eq!(kinds(&check(&archive).problems), [ProblemKind::Summary]);
}
