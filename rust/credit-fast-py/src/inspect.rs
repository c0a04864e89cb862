//! Files → what they hold, without samples.

use std::collections::HashSet;
use std::path::PathBuf;

use mseed_archive::inspect::{self, Inspection};
use mseed_archive::names::Names;
use mseed_archive::walk::{FileWalk, Found};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::enter::enter_interruptible;
use crate::wrap::{self, ProblemTuple};

/// Files below a folder, as makeindex finds them, and problems of names that cannot be followed.
#[pyfunction]
pub(crate) fn find_files(
    py: Python<'_>,
    root: PathBuf,
) -> PyResult<(Vec<String>, Vec<ProblemTuple>)> {
    let (files, problems) = enter_interruptible(py, |ticker| {
        let (mut files, mut problems) = (Vec::new(), Vec::new());
        let mut going_on = Ok(());
        FileWalk::new(None, HashSet::new(), Names::Absolute).root(&root, &mut |found| {
            match found {
                Found::File(file) => files.push(file.path),
                Found::Problem(problem) => problems.push(problem),
                Found::LedTo(_) => {}
            }
            going_on = ticker.poll();
            going_on.is_ok()
        });
        going_on?;
        files.sort();
        Ok((files, problems))
    })?;
    Ok((files, problems.into_iter().map(wrap::problem).collect()))
}

/// What one file holds, as a dict; `records` asks for a tuple for each record.
#[pyfunction]
pub(crate) fn inspect_file(
    py: Python<'_>,
    path: PathBuf,
    records: bool,
) -> PyResult<Bound<'_, PyDict>> {
    let found = enter_interruptible(py, |ticker| inspect::inspect_file(&path, records, ticker))?;
    let figures = PyDict::new(py);
    figures.set_item("bytes", found.bytes)?;
    figures.set_item("records", found.records)?;
    figures.set_item("records_without_samples", found.records_without_samples)?;
    figures.set_item("opaque_records", found.opaque_records)?;
    figures.set_item("samples", found.samples)?;
    figures.set_item("control_bytes", found.control_bytes)?;
    figures.set_item("skipped_bytes", found.skipped_bytes)?;
    figures.set_item("traces", traces(py, &found)?)?;
    figures.set_item("breaks", breaks(py, &found)?)?;
    figures.set_item("list", lines(py, &found)?)?;
    let problems = found.problems.into_iter().map(wrap::problem);
    figures.set_item("problems", problems.collect::<Vec<_>>())?;
    Ok(figures)
}

/// `(id, format, version, start_ns, end_ns, rate_hz, npts, records, encodings, record_lengths)`.
fn traces<'py>(py: Python<'py>, found: &Inspection) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for trace in &found.traces {
        list.append((
            trace.source.to_string(),
            trace.format,
            &trace.version,
            trace.start_ns,
            trace.end_ns,
            trace.rate_hz,
            trace.npts,
            trace.records,
            trace.encodings.iter().copied().collect::<Vec<_>>(),
            trace.record_lengths.iter().copied().collect::<Vec<_>>(),
        ))?;
    }
    Ok(list)
}

/// `(id, version, before_ns, after_ns, samples)`.
fn breaks<'py>(py: Python<'py>, found: &Inspection) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for place in &found.breaks {
        let id = place.source.to_string();
        let (before_ns, after_ns) = (place.before_ns, place.after_ns);
        list.append((id, &place.version, before_ns, after_ns, place.samples))?;
    }
    Ok(list)
}

/// `(offset, length, format, version, id, start_ns, npts, rate_hz, encoding, flags, fault)`.
fn lines<'py>(py: Python<'py>, found: &Inspection) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for line in &found.list {
        list.append((
            line.offset,
            line.length,
            line.format,
            &line.version,
            &line.id,
            line.start_ns,
            line.npts,
            line.rate_hz,
            line.encoding,
            &line.flags,
            line.fault.as_deref(),
        ))?;
    }
    Ok(list)
}
