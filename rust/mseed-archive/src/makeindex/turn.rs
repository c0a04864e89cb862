//! One run at a time on an index: a lock of the system on a file beside it, which goes with the
//! process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;

use crate::Error;
use crate::run::{TICK, Ticker};
use crate::tsindex::opened::identity;
use crate::walk::lock_file;

/// The turn of this run; dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Turn {
    file: File,
    path: PathBuf,
}

impl Turn {
    /// Wait until no other run is at work on an index; `wait` is called while one is. `None` where
    /// there are no locks: then SQLite alone keeps the batches of several runs apart.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the ticker says so.
    pub(super) fn take(
        index: &Path,
        wait: &dyn Fn(),
        ticker: &mut Ticker<'_>,
    ) -> Result<Option<Self>, Error> {
        let path = lock_file(index);
        loop {
            let Some(file) = open(&path) else {
                return Ok(None);
            };
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Some(Self { file, path })),
                // The run before has removed it meanwhile.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    wait();
                    thread::sleep(TICK);
                    ticker.poll()?;
                }
                Err(TryLockError::Error(_)) => {
                    let _ = std::fs::remove_file(&path);
                    return Ok(None);
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before the lock goes: nobody else has it then, and who waits sees that it is not the file.
        let _ = std::fs::remove_file(&self.path);
        // Closing alone would leave it to processes that were forked meanwhile.
        let _ = self.file.unlock();
    }
}

/// The file to be locked; another user may have made it.
fn open(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    options.open(path).or_else(|_| File::open(path)).ok()
}

/// Whether an open file is still the one of a path.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(found)) = (file.metadata(), path.metadata()) else {
        return false;
    };
    identity(&open) == identity(&found)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn take(index: &Path, wait: &dyn Fn(), go_on: bool) -> Result<Option<Turn>, Error> {
        Turn::take(index, wait, &mut Ticker::new(&mut || go_on))
    }

    #[test]
    fn the_second_waits_until_the_first_is_done_and_no_file_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let index = folder.path().join("index.db");
        let first = take(&index, &|| panic!("nobody is there"), true).expect("a turn");
        assert!(first.is_some());
        let first = Cell::new(first);
        let waits = Cell::new(0);
        let wait = || {
            waits.set(waits.get() + 1);
            if waits.get() == 2 {
                first.take();
            }
        };
        let second = take(&index, &wait, true).expect("a turn");
        assert!(second.is_some());
        assert_eq!(waits.get(), 2);
        drop(second);
        assert_eq!(folder.path().read_dir().expect("folder").count(), 0);
    }

    #[test]
    fn who_waits_can_be_stopped_and_leaves_the_first_its_turn() {
        let folder = tempfile::tempdir().expect("folder");
        let index = folder.path().join("index.db");
        let first = take(&index, &|| {}, true).expect("a turn");
        for _ in 0..2 {
            let second = take(&index, &|| {}, false);
            assert!(matches!(second, Err(Error::Cancelled)));
        }
        drop(first);
        assert!(take(&index, &|| {}, false).is_ok_and(|turn| turn.is_some()));
    }

    #[test]
    fn a_file_that_a_killed_run_left_is_taken_over() {
        let folder = tempfile::tempdir().expect("folder");
        let index = folder.path().join("index.db");
        File::create(lock_file(&index)).expect("a file");
        let turn = take(&index, &|| panic!("nobody is there"), true).expect("a turn");
        assert!(turn.is_some());
        drop(turn);
        assert!(!lock_file(&index).exists());
    }

    #[test]
    fn where_no_file_can_be_made_the_run_goes_on() {
        let index = Path::new("/no such folder/index.db");
        assert!(take(index, &|| {}, true).is_ok_and(|turn| turn.is_none()));
    }
}
