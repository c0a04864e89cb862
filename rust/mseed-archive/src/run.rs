//! Threads of a run, and its cancel flag.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// More threads than any machine has cores are a slip of the pen.
const MAX_THREADS: usize = 1024;

/// Jobs, and results, that may wait: bounds the memory of a run.
pub(crate) const QUEUE: usize = 256;

/// Tells every thread of a run to stop at the next file.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Stop the run.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run shall stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often a caller is asked whether a run shall go on.
pub const TICK: Duration = Duration::from_millis(100);

/// Asks the caller of a long run, about ten times a second, whether it shall go on.
pub struct Ticker<'a> {
    last: Instant,
    on_tick: &'a mut dyn FnMut() -> bool,
}

impl<'a> Ticker<'a> {
    /// A ticker that calls `on_tick`; false ends the run.
    pub fn new(on_tick: &'a mut dyn FnMut() -> bool) -> Self {
        Self {
            last: Instant::now(),
            on_tick,
        }
    }

    /// Ask, if it is time to.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the caller says that the run shall end.
    pub fn poll(&mut self) -> Result<(), Error> {
        if self.last.elapsed() >= TICK {
            self.last = Instant::now();
            if !(self.on_tick)() {
                return Err(Error::Cancelled);
            }
        }
        Ok(())
    }
}

/// Number of threads: what was asked for, else one for each core.
#[must_use]
pub fn threads(asked: Option<NonZeroUsize>) -> usize {
    // The system is asked once: its answer costs as much as a window.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, NonZeroUsize::get));
    asked.map_or_else(|| *CORES, NonZeroUsize::get)
}

/// The same, refusing absurd numbers.
///
/// # Errors
/// [`Error::Argument`].
pub(crate) fn sane_threads(asked: Option<NonZeroUsize>) -> Result<usize, Error> {
    match threads(asked) {
        threads if threads > MAX_THREADS => Err(Error::Argument(format!(
            "threads {threads}: expected 1 to {MAX_THREADS}"
        ))),
        threads => Ok(threads),
    }
}

/// One thread finds jobs, several do them, and this one takes the results, in any order, and asks
/// the caller meanwhile whether to go on. What `find` calls says whether it shall find more. When
/// anything fails `cancel` is set, and all threads end.
///
/// # Errors
/// [`Error::Cancelled`] when the ticker says so, else what `find` gives.
pub(crate) fn pipeline<J: Send, R: Send>(
    threads: usize,
    cancel: &Cancel,
    ticker: &mut Ticker<'_>,
    find: impl FnOnce(&dyn Fn(J) -> bool) -> Result<(), Error> + Send,
    work: impl Fn(J) -> R + Sync,
    mut take: impl FnMut(R),
) -> Result<(), Error> {
    thread::scope(|scope| {
        let (jobs_in, jobs_out) = sync_channel(QUEUE);
        let (results_in, results_out) = sync_channel(QUEUE);
        let jobs_out = Arc::new(Mutex::new(jobs_out));
        for _ in 0..threads {
            let (jobs, results, work) = (Arc::clone(&jobs_out), results_in.clone(), &work);
            scope.spawn(move || {
                // A poisoned lock means that another thread panicked: this one ends too.
                while let Ok(Ok(job)) = jobs.lock().map(|jobs| jobs.recv()) {
                    if cancel.is_set() || results.send(work(job)).is_err() {
                        return;
                    }
                }
            });
        }
        // Only the working threads may keep these alive: when they are gone, all is done.
        drop((jobs_out, results_in));
        let finding = scope.spawn(move || {
            let found = find(&|job| !cancel.is_set() && jobs_in.send(job).is_ok());
            if found.is_err() {
                cancel.set();
            }
            found
        });
        let mut until_done = || loop {
            match results_out.recv_timeout(TICK) {
                Ok(result) => take(result),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            ticker.poll()?;
        };
        let taken = until_done();
        if taken.is_err() {
            cancel.set();
        }
        // Whoever waits to hand results over is told by this end of the channel going.
        drop(results_out);
        let found = finding.join().unwrap_or_else(|panic| resume_unwind(panic));
        taken.and(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once() {
        for (jobs, threads) in [(0, 2), (1, 2), (1000, 3)] {
            let mut done = Vec::new();
            let mut go_on = || true;
            let result = pipeline(
                threads,
                &Cancel::default(),
                &mut Ticker::new(&mut go_on),
                |hand_on| {
                    assert!((0..jobs).all(hand_on));
                    Ok(())
                },
                |job: u32| job * 2,
                |result| done.push(result),
            );
            assert!(result.is_ok());
            done.sort_unstable();
            assert_eq!(done, (0..jobs).map(|job| job * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_caller_who_gives_up_ends_all_threads() {
        let mut give_up = || false;
        let cancel = Cancel::default();
        let result = pipeline(
            2,
            &cancel,
            &mut Ticker::new(&mut give_up),
            |hand_on| {
                while hand_on(()) {}
                Ok(())
            },
            |()| thread::sleep(TICK / 10),
            |()| {},
        );
        assert!(matches!(result, Err(Error::Cancelled)) && cancel.is_set());
    }

    #[test]
    fn what_ends_the_finding_ends_the_run() {
        let mut go_on = || true;
        let result = pipeline(
            1,
            &Cancel::default(),
            &mut Ticker::new(&mut go_on),
            |hand_on| {
                hand_on(1);
                Err(Error::Argument("no more".into()))
            },
            |job| job,
            |_| {},
        );
        assert!(matches!(result, Err(Error::Argument(_))));
    }
}
