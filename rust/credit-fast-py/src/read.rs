//! Files, bytes and windows → arrays.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use mseed_archive::tsindex::{IndexReader, Selection};
use mseed_archive::window::{self, Request};
use mseed_archive::{Error, run};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::enter::{enter, enter_interruptible};
use crate::wrap;

/// `(network, station, location, channel, start_ns, end_ns)`.
type Extent = (String, String, String, String, i64, i64);

type Lists<'py> = (Bound<'py, PyList>, Bound<'py, PyList>);

/// Threads that decode: one a core when not given.
fn cores(threads: Option<usize>) -> usize {
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

/// An index opened for reading.
#[pyclass(frozen, module = "credit_fast._core")]
pub(crate) struct Index {
    reader: IndexReader,
}

#[pymethods]
impl Index {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let reader = enter(py, || IndexReader::open(&path))?;
        Ok(Self { reader })
    }

    /// Channels of a selection as (network, station, location, channel, start_ns, end_ns).
    fn channels(
        &self,
        py: Python<'_>,
        network: &str,
        station: &str,
        location: &str,
        channel: &str,
    ) -> PyResult<Vec<Extent>> {
        let selection = Selection::new(network, station, location, channel);
        let channels = enter(py, || self.reader.channels(&selection))?;
        Ok(channels
            .into_iter()
            .map(|c| {
                let [network, station, location, channel] = c.codes;
                (network, station, location, channel, c.start_ns, c.end_ns)
            })
            .collect())
    }

    /// Gapless spans inside a window as (network, station, location, channel, start_ns, end_ns).
    #[allow(clippy::too_many_arguments)]
    fn spans(
        &self,
        py: Python<'_>,
        network: &str,
        station: &str,
        location: &str,
        channel: &str,
        start_ns: i64,
        end_ns: i64,
    ) -> PyResult<Vec<Extent>> {
        let selection = Selection::new(network, station, location, channel);
        let runs = enter(py, || self.reader.runs(&selection, start_ns, end_ns))?;
        let mut spans = Vec::new();
        for run in runs {
            let [network, station, location, channel] = &run.codes;
            for &(from, to) in &run.spans {
                if to >= start_ns && from <= end_ns {
                    spans.push((
                        network.clone(),
                        station.clone(),
                        location.clone(),
                        channel.clone(),
                        from,
                        to,
                    ));
                }
            }
        }
        Ok(spans)
    }

    /// Segments and problems of a window; without `keep_failed` the samples of records that
    /// failed their own check are a gap. Third, the channel of each such record.
    #[allow(clippy::too_many_arguments)]
    fn window<'py>(
        &self,
        py: Python<'py>,
        network: &str,
        station: &str,
        location: &str,
        channel: &str,
        start_ns: i64,
        end_ns: i64,
        join_files: bool,
        keep_failed: bool,
    ) -> PyResult<(Bound<'py, PyList>, Bound<'py, PyList>, Vec<String>)> {
        let selection = Selection::new(network, station, location, channel);
        let request = Request {
            selection: &selection,
            start_ns,
            end_ns,
            join_files,
            keep_failed,
            threads: cores(None),
        };
        let mut answer = enter_interruptible(py, |ticker| {
            window::read_window(&self.reader, &request, ticker)
        })?;
        let failed = std::mem::take(&mut answer.failed_records);
        let (segments, problems) = wrap::answer(py, answer)?;
        let failed = failed.iter().map(ToString::to_string).collect();
        Ok((segments, problems, failed))
    }
}
