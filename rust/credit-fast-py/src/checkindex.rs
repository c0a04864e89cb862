//! Index and archive → what is wrong.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use mseed_archive::checkindex::{self, Job};
use mseed_archive::window::PathMap;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::enter::enter_counting;
use crate::wrap;

/// What to check, as a dict of the Python layer.
#[derive(FromPyObject)]
pub(crate) struct Asked {
    #[pyo3(item)]
    index: PathBuf,
    #[pyo3(item)]
    path_map: Vec<(String, String)>,
    #[pyo3(item)]
    roots: Vec<PathBuf>,
    #[pyo3(item)]
    pattern: Option<String>,
    #[pyo3(item)]
    deep: bool,
    #[pyo3(item)]
    threads: Option<usize>,
}

/// Check an index; `progress(files, done, bytes)` is called about ten times a second.
///
/// Returns the figures of the check as a dict.
#[pyfunction]
pub(crate) fn check_index(
    py: Python<'_>,
    asked: Asked,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'_, PyDict>> {
    let job = Job {
        index: asked.index,
        paths: PathMap::new(asked.path_map),
        roots: asked.roots,
        pattern: asked.pattern,
        deep: asked.deep,
        threads: asked.threads.and_then(NonZeroUsize::new),
    };
    let report = enter_counting(py, progress.as_ref(), |count| {
        checkindex::check_index(&job, &mut |now| count([now.files, now.done, now.bytes]))
    })?;
    let problems = PyList::empty(py);
    for problem in report.problems {
        problems.append(wrap::problem(problem))?;
    }
    let figures = PyDict::new(py);
    figures.set_item("files", report.files)?;
    figures.set_item("rows", report.rows)?;
    figures.set_item("bytes", report.bytes)?;
    figures.set_item("files_found", report.files_found)?;
    figures.set_item("problems", problems)?;
    figures.set_item("notes", report.notes)?;
    figures.set_item("seconds", report.seconds)?;
    Ok(figures)
}
