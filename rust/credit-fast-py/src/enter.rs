//! The one way from Python into Rust: release the GIL, work, poll Ctrl-C, map errors.

use std::sync::Mutex;

use mseed_archive::Error;
use mseed_archive::run::Ticker;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::to_python;

/// Run `work` without the GIL.
pub(crate) fn enter<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce() -> Result<T, Error> + Send,
{
    py.detach(work).map_err(|error| to_python(py, &error))
}

/// Run `work` without the GIL; about ten times a second `tell` is called with it, after a look at
/// the signals. What `tell` raises, or a Ctrl-C, ends the work and is raised.
pub(crate) fn enter_ticking<T, F, P>(py: Python<'_>, mut tell: P, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce(&mut dyn FnMut() -> bool) -> Result<T, Error> + Send,
    P: FnMut(Python<'_>) -> PyResult<()> + Send,
{
    let mut raised = None;
    let result = py.detach(|| {
        work(&mut || {
            Python::attach(|py| {
                let told = py.check_signals().and_then(|()| tell(py));
                told.map_err(|error| raised = Some(error)).is_ok()
            })
        })
    });
    match raised {
        Some(error) => Err(error),
        None => result.map_err(|error| to_python(py, &error)),
    }
}

/// The same for work that counts: its last numbers are what `progress` is called with.
pub(crate) fn enter_counting<T, F, const N: usize>(
    py: Python<'_>,
    progress: Option<&Py<PyAny>>,
    work: F,
) -> PyResult<T>
where
    T: Send,
    F: FnOnce(&mut dyn FnMut([u64; N]) -> bool) -> Result<T, Error> + Send,
{
    let last = Mutex::new([0; N]);
    let tell = |py: Python<'_>| match progress {
        Some(progress) => {
            let now = last.lock().map_or([0; N], |now| *now);
            progress.call1(py, PyTuple::new(py, now)?).map(drop)
        }
        None => Ok(()),
    };
    enter_ticking(py, tell, |on_tick| {
        work(&mut |now| {
            if let Ok(mut last) = last.lock() {
                *last = now;
            }
            on_tick()
        })
    })
}

/// The same for work that only wants to be interruptible.
pub(crate) fn enter_interruptible<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce(&mut Ticker<'_>) -> Result<T, Error> + Send,
{
    enter_ticking(py, |_| Ok(()), |on_tick| work(&mut Ticker::new(on_tick)))
}
