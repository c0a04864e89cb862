//! Archive → index.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use mseed_archive::makeindex::{Job, Progress, make_index};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::enter::enter;
use crate::wrap;

/// Index `roots` into `index`; `progress(found, done, bytes)` is called about ten times a second.
///
/// Returns the figures of the run as a dict.
#[pyfunction]
#[pyo3(signature = (roots, index, threads, pattern, progress))]
pub(crate) fn makeindex<'py>(
    py: Python<'py>,
    roots: Vec<PathBuf>,
    index: PathBuf,
    threads: Option<usize>,
    pattern: Option<String>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let job = Job {
        roots,
        index,
        pattern,
        threads: threads.and_then(NonZeroUsize::new),
    };
    // An exception of the callback, Ctrl-C included, ends the run and is raised again.
    let mut raised = None;
    let mut on_tick = |now: &Progress| {
        Python::attach(|py| {
            let told = py.check_signals().and_then(|()| match &progress {
                Some(tell) => tell.call1(py, (now.found, now.done, now.bytes)).map(drop),
                None => Ok(()),
            });
            told.map_err(|error| raised = Some(error)).is_ok()
        })
    };
    let result = enter(py, || make_index(&job, &mut on_tick));
    if let Some(error) = raised {
        return Err(error);
    }
    let report = result?;
    let problems = PyList::empty(py);
    for problem in report.problems {
        problems.append(wrap::problem(problem))?;
    }
    let figures = PyDict::new(py);
    figures.set_item("files_found", report.files_found)?;
    figures.set_item("files_added", report.files_added)?;
    figures.set_item("files_replaced", report.files_replaced)?;
    figures.set_item("files_unchanged", report.files_unchanged)?;
    figures.set_item("files_without_records", report.files_without_records)?;
    figures.set_item("records", report.records)?;
    figures.set_item("bytes", report.bytes)?;
    figures.set_item("rows", report.totals.rows)?;
    figures.set_item("channels", report.totals.channels)?;
    figures.set_item("start_ns", report.totals.start_ns)?;
    figures.set_item("end_ns", report.totals.end_ns)?;
    figures.set_item("problems", problems)?;
    figures.set_item("seconds", report.seconds)?;
    Ok(figures)
}
