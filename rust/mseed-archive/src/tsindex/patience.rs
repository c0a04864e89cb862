//! Waiting for another program that holds the index.

use std::time::{Duration, Instant};

use rusqlite::ErrorCode;

use crate::{Error, fork};

/// How long SQLite itself waits; longer would keep a fork, and all who wait behind it, waiting.
pub(super) const BUSY: Duration = Duration::from_millis(100);

/// How long anybody waits for another program before giving up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Do something inside SQLite that another program may be in the way of, for a minute. Between
/// two tries nobody is inside SQLite, and `go_on` says whether to try again. `explain` says what a
/// failure means.
pub(super) fn patiently<T>(
    explain: impl FnOnce(rusqlite::Error) -> Error,
    mut go_on: impl FnMut() -> Result<(), Error>,
    mut work: impl FnMut() -> rusqlite::Result<T>,
) -> Result<T, Error> {
    let began = Instant::now();
    loop {
        let result = {
            let _inside = fork::enter();
            work()
        };
        if !is_busy(&result) || began.elapsed() > PATIENCE {
            return result.map_err(explain);
        }
        go_on()?;
    }
}

fn is_busy<T>(result: &rusqlite::Result<T>) -> bool {
    matches!(result, Err(e) if matches!(
        e.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    ))
}
