//! Many windows at once: jobs in an order, on several threads.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::Error;
use crate::run::{Cancel, TICK, Ticker};

/// Jobs that a thread takes at once: neighbours in the order, which read the same file.
const BLOCK: usize = 16;

/// Blocks of results that may wait to be taken: bounds the memory.
const QUEUE: usize = 16;

/// Do jobs in about their order, on this thread too; each result is taken by this thread, which now
/// and then asks whether to go on. A thread does its work with tools of its own, and shall look at
/// the cancel flag.
pub(super) fn each<J: Send, T, R: Send>(
    jobs: Vec<J>,
    threads: usize,
    ticker: &mut Ticker<'_>,
    tools: impl Fn() -> T + Sync,
    work: impl Fn(&mut T, J, &Cancel) -> R + Sync,
    mut take: impl FnMut(R),
) -> Result<(), Error> {
    let cancel = Cancel::default();
    let threads = threads.min(jobs.len().div_ceil(BLOCK));
    let jobs = Mutex::new(jobs.into_iter());
    let next_block = || -> Vec<J> {
        let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.by_ref().take(BLOCK).collect()
    };
    thread::scope(|scope| {
        let (sender, results) = sync_channel(QUEUE);
        for _ in 1..threads {
            let sender = sender.clone();
            let (tools, work, next_block, cancel) = (&tools, &work, &next_block, &cancel);
            scope.spawn(move || {
                let mut tools = tools();
                loop {
                    let block = next_block();
                    if block.is_empty() || cancel.is_set() {
                        return;
                    }
                    let with_tools = |job| work(&mut tools, job, cancel);
                    let done: Vec<R> = block.into_iter().map(with_tools).collect();
                    if sender.send(done).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut here = || -> Result<(), Error> {
            let mut tools = tools();
            loop {
                let block = next_block();
                if block.is_empty() {
                    break;
                }
                for job in block {
                    ticker.poll()?;
                    take(work(&mut tools, job, &cancel));
                }
                results.try_iter().flatten().for_each(&mut take);
            }
            loop {
                match results.recv_timeout(TICK) {
                    Ok(done) => done.into_iter().for_each(&mut take),
                    Err(RecvTimeoutError::Timeout) => {}
                    // All are done; a thread that panicked is told of when the scope ends.
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
                ticker.poll()?;
            }
        };
        let result = here();
        if result.is_err() {
            cancel.set();
        }
        // Whoever waits to hand results over is told by this end of the channel going.
        drop(results);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once() {
        for (jobs, threads) in [(0, 2), (1, 2), (17, 2), (1000, 3)] {
            let (mut done, mut most_of_a_thread) = (Vec::new(), 0);
            let all = (0..jobs).collect();
            let mut go_on = || true;
            let result = each(
                all,
                threads,
                &mut Ticker::new(&mut go_on),
                || 0,
                |done_here, job: u32, _| {
                    *done_here += 1;
                    (job * 2, *done_here)
                },
                |(r, done_there): (u32, u32)| {
                    done.push(r);
                    most_of_a_thread = most_of_a_thread.max(done_there);
                },
            );
            done.sort_unstable();
            assert!(result.is_ok());
            assert_eq!(done, (0..jobs).map(|job| job * 2).collect::<Vec<_>>());
            assert!(most_of_a_thread >= jobs.div_ceil(threads as u32));
        }
    }

    #[test]
    fn a_caller_who_gives_up_ends_all_threads() {
        let mut give_up = || false;
        let here = thread::current().id();
        let work = |(): &mut (), _: u32, cancel: &Cancel| {
            while !cancel.is_set() && thread::current().id() != here {
                thread::sleep(TICK / 10);
            }
            thread::sleep(TICK / 10);
        };
        let jobs = (0..10_000).collect();
        let result = each(
            jobs,
            4,
            &mut Ticker::new(&mut give_up),
            || (),
            work,
            |()| {},
        );
        assert!(matches!(result, Err(Error::Cancelled)));
    }
}
