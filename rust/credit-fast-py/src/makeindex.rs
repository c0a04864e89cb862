//! Archive → index.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use mseed_archive::makeindex::{Job, make_index};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::enter::enter_counting;
use crate::wrap;

/// How an archive is indexed.
#[derive(FromPyObject)]
pub(crate) struct Options {
    #[pyo3(item)]
    threads: Option<usize>,
    #[pyo3(item)]
    pattern: Option<String>,
    #[pyo3(item)]
    prune: bool,
    #[pyo3(item)]
    hash: bool,
    #[pyo3(item)]
    relative: Option<bool>,
}

/// Index `roots` into `index`; `progress(found, done, bytes, is_waiting)` is called about ten times a
/// second, the last one 1 while another run is at work on the index, else 0.
///
/// Returns the figures of the run as a dict.
#[pyfunction]
#[pyo3(signature = (roots, index, options, progress))]
pub(crate) fn makeindex<'py>(
    py: Python<'py>,
    roots: Vec<PathBuf>,
    index: PathBuf,
    options: Options,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let job = Job {
        roots,
        index,
        pattern: options.pattern,
        threads: options.threads.and_then(NonZeroUsize::new),
        prune: options.prune,
        hash: options.hash,
        relative: options.relative,
    };
    let report = enter_counting(py, progress.as_ref(), |count| {
        make_index(&job, &mut |now| {
            count([now.found, now.done, now.bytes, now.is_waiting.into()])
        })
    })?;
    let problems = PyList::empty(py);
    for problem in report.problems {
        problems.append(wrap::problem(problem))?;
    }
    let figures = PyDict::new(py);
    figures.set_item("files_found", report.files_found)?;
    figures.set_item("files_added", report.files_added)?;
    figures.set_item("files_replaced", report.files_replaced)?;
    figures.set_item("files_grown", report.files_grown)?;
    figures.set_item("files_moved", report.files_moved)?;
    figures.set_item("files_touched", report.files_touched)?;
    figures.set_item("files_unchanged", report.files_unchanged)?;
    figures.set_item("files_vanished", report.files_vanished)?;
    figures.set_item("files_pruned", report.files_pruned)?;
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
