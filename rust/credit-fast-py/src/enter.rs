//! The one way from Python into Rust: release the GIL, work, map errors.

use pyo3::prelude::*;

use crate::error::to_python;

/// Run `work` without the GIL.
pub(crate) fn enter<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce() -> Result<T, mseed_archive::Error> + Send,
{
    py.detach(work).map_err(|error| to_python(py, &error))
}
