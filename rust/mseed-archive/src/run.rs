//! Threads of a run, and its cancel flag.

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

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
