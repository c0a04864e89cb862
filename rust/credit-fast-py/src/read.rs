//! Files and bytes → arrays.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use mseed_archive::window;
use mseed_archive::{Error, run};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::enter::enter;
use crate::wrap;

type Lists<'py> = (Bound<'py, PyList>, Bound<'py, PyList>);

/// Threads that decode: one a core when not given.
pub(crate) fn cores(threads: Option<usize>) -> usize {
    run::threads(threads.and_then(NonZeroUsize::new))
}

/// Segments and problems of one miniSEED file.
#[pyfunction]
pub(crate) fn read_file(
    py: Python<'_>,
    path: PathBuf,
    threads: Option<usize>,
) -> PyResult<Lists<'_>> {
    let threads = cores(threads);
    let answer = enter(py, || window::read_file(&path, threads))?;
    wrap::answer(py, answer)
}

/// Segments and problems of miniSEED bytes in memory.
#[pyfunction]
pub(crate) fn read_bytes<'py>(
    py: Python<'py>,
    data: &[u8],
    threads: Option<usize>,
) -> PyResult<Lists<'py>> {
    let threads = cores(threads);
    let read = || Ok::<_, Error>(window::read_bytes(data, "<bytes>", threads));
    let answer = enter(py, read)?;
    wrap::answer(py, answer)
}
