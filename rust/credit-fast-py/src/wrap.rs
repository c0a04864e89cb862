//! Rust values → the tuples that the Python layer builds its objects from.

use mseed_archive::Problem;
use mseed_archive::window::{Answer, Samples, Segment};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// `(path, reason, kind, offset, length, count)`.
pub(crate) type ProblemTuple = (String, String, &'static str, Option<u64>, u64, u64);

/// `(network, station, location, channel, start_ns, rate_hz, data, quality, encoding, records)`.
type SegmentTuple<'py> = (
    String,
    String,
    String,
    String,
    i64,
    f64,
    Bound<'py, PyAny>,
    Option<String>,
    &'static str,
    usize,
);

pub(crate) fn problem(problem: Problem) -> ProblemTuple {
    (
        problem.path,
        problem.reason,
        problem.kind.as_str(),
        problem.offset,
        problem.length,
        problem.count,
    )
}

/// The samples become numpy's without a copy: the array takes the buffer over.
fn segment(py: Python<'_>, segment: Segment) -> SegmentTuple<'_> {
    let data = match segment.samples {
        Samples::Int32(v) => PyArray1::from_vec(py, v).into_any(),
        Samples::Float32(v) => PyArray1::from_vec(py, v).into_any(),
        Samples::Float64(v) => PyArray1::from_vec(py, v).into_any(),
        Samples::Text(v) => PyArray1::from_vec(py, v).into_any(),
    };
    (
        segment.source.network.to_string(),
        segment.source.station.to_string(),
        segment.source.location.to_string(),
        segment.source.channel.to_string(),
        segment.start_ns,
        segment.rate_hz,
        data,
        segment.quality.map(|q| char::from(q).to_string()),
        segment.encoding,
        segment.records,
    )
}

/// Two lists: segments and problems.
pub(crate) fn answer(
    py: Python<'_>,
    answer: Answer,
) -> PyResult<(Bound<'_, PyList>, Bound<'_, PyList>)> {
    let segments = PyList::empty(py);
    for found in answer.segments {
        segments.append(segment(py, found))?;
    }
    let problems = PyList::empty(py);
    for found in answer.problems {
        problems.append(problem(found))?;
    }
    Ok((segments, problems))
}
