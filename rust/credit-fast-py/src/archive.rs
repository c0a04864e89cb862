//! Questions to an archive: channels, spans, windows.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use mseed_archive::tsindex::{Question, Selection};
use mseed_archive::window::{
    self, Answer, Choice, Edge, EdgeRule, Number, PathMap, Request, Stored, Wanted, cut_windows,
};
use numpy::{Element, PyReadwriteArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::enter::{enter, enter_interruptible};
use crate::read::cores;
use crate::wrap::{self, ProblemTuple};

/// `(network, station, location, channel)`, each with wildcards.
type Codes = (String, String, String, String);

/// `(network, station, location, channel, start_ns, end_ns)`.
type Extent = (String, String, String, String, i64, i64);

/// The same, and the sample rate in hertz.
type Span = (String, String, String, String, i64, i64, f64);

/// A number that changes with the data, and the file and offset where they begin.
type StoredRow = (u64, Option<(String, u64)>);

/// Publication versions, quality letters, and whether overlaps stay as they are.
type Chosen = (Option<Vec<u8>>, Option<String>, bool);

/// A channel, and how many of its samples were dropped as identical, by version, by scan.
type Dropped = (String, u64, u64, u64);

/// Segments, problems, the channel of each record that failed its own check, dropped samples.
type Window<'py> = (
    Bound<'py, PyList>,
    Bound<'py, PyList>,
    Vec<String>,
    Vec<Dropped>,
);

/// Start in nanoseconds, rate in hertz, number of samples and of dropped ones of each window, and
/// problems.
type Cuts = (Vec<i64>, Vec<f64>, Vec<usize>, Vec<u64>, Vec<ProblemTuple>);

/// Rows, files, bytes of records, the last change of a file, problems.
type Contents = (u64, u64, u64, Option<String>, Vec<ProblemTuple>);

/// How windows are cut and joined.
#[derive(FromPyObject)]
struct Rules {
    /// "nearest", "inside" or "outside".
    #[pyo3(item)]
    edge: String,
    /// Whether the end is left out.
    #[pyo3(item)]
    half_open: bool,
    /// Whether runs of different files are joined.
    #[pyo3(item)]
    join_files: bool,
    /// Without it the samples of records that failed their own check are a gap.
    #[pyo3(item)]
    keep_failed: bool,
}

impl Rules {
    fn edge(&self) -> PyResult<Edge> {
        let rule = match self.edge.as_str() {
            "nearest" => EdgeRule::Nearest,
            "inside" => EdgeRule::Inside,
            "outside" => EdgeRule::Outside,
            other => {
                let text = format!("edge {other:?}: expected nearest, inside or outside");
                return Err(PyValueError::new_err(text));
            }
        };
        Ok(Edge {
            rule,
            half_open: self.half_open,
        })
    }

    fn request<'a>(
        &self,
        selection: &'a Selection,
        choice: &'a Choice,
        (start_ns, end_ns): (i64, i64),
        threads: usize,
    ) -> PyResult<Request<'a>> {
        Ok(Request {
            selection,
            start_ns,
            end_ns,
            edge: self.edge()?,
            choice,
            join_files: self.join_files,
            keep_failed: self.keep_failed,
            threads,
        })
    }
}

/// Where the files of an index are now.
#[derive(FromPyObject)]
enum PathRule {
    /// Pairs of a folder as the index names it and as it is called now.
    Folders(Vec<(String, String)>),
    /// A function from name to name.
    Function(Py<PyAny>),
}

impl PathRule {
    fn into_map(self) -> PathMap {
        let function = match self {
            Self::Folders(pairs) => return PathMap::new(pairs),
            Self::Function(function) => function,
        };
        PathMap::function(Arc::new(move |name: &str| {
            Python::attach(|py| {
                let made = function.call1(py, (name,));
                match made.and_then(|text| text.extract::<String>(py)) {
                    Ok(now) => (now != name).then_some(now),
                    // The file is looked for by the name that it has.
                    Err(error) => {
                        error.write_unraisable(py, Some(function.bind(py)));
                        None
                    }
                }
            })
        }))
    }
}

fn selection((network, station, location, channel): &Codes) -> Selection {
    Selection::new(network, station, location, channel)
}

fn choice((versions, qualities, keeps_overlaps): Chosen) -> Choice {
    Choice {
        versions,
        qualities: qualities.map(String::into_bytes),
        keeps_overlaps,
    }
}

fn wrapped(py: Python<'_>, mut answer: Answer) -> PyResult<Window<'_>> {
    let failed = std::mem::take(&mut answer.failed_records);
    let dropped = std::mem::take(&mut answer.dropped);
    let (segments, problems) = wrap::answer(py, answer)?;
    let failed = failed.iter().map(ToString::to_string).collect();
    let counts = |d: window::Dropped| (d.source.to_string(), d.identical, d.version, d.scan);
    let dropped = dropped.into_iter().map(counts).collect();
    Ok((segments, problems, failed, dropped))
}

/// Indexes opened for reading, asked as one.
#[pyclass(frozen, module = "credit_fast._core")]
pub(crate) struct Archive {
    opened: window::Archive,
}

#[pymethods]
impl Archive {
    /// Indexes, each with the rule where its files are.
    #[new]
    fn new(py: Python<'_>, indexes: Vec<(PathBuf, PathRule)>) -> PyResult<Self> {
        let named: Vec<_> = indexes
            .into_iter()
            .map(|(path, rule)| (path, rule.into_map()))
            .collect();
        let opened = enter(py, || {
            window::Archive::open(
                named
                    .iter()
                    .map(|(path, map)| (path.as_path(), map.clone())),
            )
        })?;
        Ok(Self { opened })
    }

    /// Rows, files, bytes of records, the last change of a file and problems of each index.
    fn contents(&self, py: Python<'_>) -> PyResult<Vec<Contents>> {
        let found = enter(py, || {
            let sources = self.opened.sources().iter();
            sources
                .map(|source| source.index.contents())
                .collect::<Result<Vec<_>, _>>()
        })?;
        let tuple = |contents: mseed_archive::tsindex::Contents| {
            let problems = contents.problems.into_iter().map(wrap::problem).collect();
            let counts = (contents.rows, contents.files, contents.data_bytes);
            (counts.0, counts.1, counts.2, contents.changed, problems)
        };
        Ok(found.into_iter().map(tuple).collect())
    }

    /// Channels of a selection.
    #[allow(clippy::needless_pass_by_value)]
    fn channels(&self, py: Python<'_>, codes: Codes) -> PyResult<Vec<Extent>> {
        let selection = selection(&codes);
        let channels = enter(py, || self.opened.channels(&selection))?;
        let extent = |channel: mseed_archive::tsindex::Channel| {
            let [network, station, location, code] = channel.codes;
            let (start_ns, end_ns) = (channel.start_ns, channel.end_ns);
            (network, station, location, code, start_ns, end_ns)
        };
        Ok(channels.into_iter().map(extent).collect())
    }

    /// What the indexes say of windows: a number, another one where what they name has changed, and
    /// the file and offset of what comes first.
    #[allow(clippy::needless_pass_by_value)]
    fn stored(&self, py: Python<'_>, rows: Vec<(Codes, i64, i64)>) -> PyResult<Vec<StoredRow>> {
        let selections: Vec<_> = rows.iter().map(|(codes, ..)| selection(codes)).collect();
        let questions = questions(&selections, &rows);
        let stored = enter(py, || self.opened.stored(&questions))?;
        let row = |one: Stored| (u64::from_be_bytes(one.digest), one.place);
        Ok(stored.into_iter().map(row).collect())
    }

    /// Have the system read what windows will need, in the order of files; file, begin and end of
    /// each range.
    #[allow(clippy::needless_pass_by_value)]
    fn read_ahead(
        &self,
        py: Python<'_>,
        rows: Vec<(Codes, i64, i64)>,
    ) -> PyResult<Vec<(String, u64, u64)>> {
        let selections: Vec<_> = rows.iter().map(|(codes, ..)| selection(codes)).collect();
        let questions = questions(&selections, &rows);
        let ranges = enter(py, || window::read_ahead(&self.opened, &questions))?;
        let row = |(name, range): (String, Range<u64>)| (name, range.start, range.end);
        Ok(ranges.into_iter().map(row).collect())
    }

    /// Gapless spans that have a part inside a window.
    #[allow(clippy::needless_pass_by_value)]
    fn spans(
        &self,
        py: Python<'_>,
        codes: Codes,
        start_ns: i64,
        end_ns: i64,
    ) -> PyResult<Vec<Span>> {
        let selection = selection(&codes);
        let spans = enter(py, || self.opened.spans(&selection, start_ns, end_ns))?;
        let span = |span: window::ChannelSpan| {
            let [network, station, location, code] = span.codes;
            let (start_ns, end_ns) = (span.start_ns, span.end_ns);
            (
                network,
                station,
                location,
                code,
                start_ns,
                end_ns,
                span.rate_hz,
            )
        };
        Ok(spans.into_iter().map(span).collect())
    }

    /// Segments and problems of a window; the channel of each record that failed its check; what
    /// channels lost to others of the same times.
    #[allow(clippy::needless_pass_by_value)]
    fn window<'py>(
        &self,
        py: Python<'py>,
        codes: Codes,
        start_ns: i64,
        end_ns: i64,
        rules: Rules,
        chosen: Chosen,
    ) -> PyResult<Window<'py>> {
        let (selection, choice) = (selection(&codes), choice(chosen));
        let request = rules.request(&selection, &choice, (start_ns, end_ns), cores(None))?;
        let answer = enter_interruptible(py, |ticker| {
            window::read_window(&self.opened, &request, ticker)
        })?;
        wrapped(py, answer)
    }

    /// The same for many windows, on several threads; answers in the order of the questions.
    #[allow(clippy::needless_pass_by_value)]
    fn windows<'py>(
        &self,
        py: Python<'py>,
        rows: Vec<(Codes, i64, i64)>,
        rules: Rules,
        chosen: Chosen,
        threads: Option<usize>,
    ) -> PyResult<Vec<Window<'py>>> {
        let choice = choice(chosen);
        let selections: Vec<_> = rows.iter().map(|(codes, ..)| selection(codes)).collect();
        let requests = selections
            .iter()
            .zip(&rows)
            .map(|(selection, (_, start_ns, end_ns))| {
                rules.request(selection, &choice, (*start_ns, *end_ns), 1)
            })
            .collect::<PyResult<Vec<_>>>()?;
        let threads = cores(threads);
        let answers = enter_interruptible(py, |ticker| {
            window::read_windows(&self.opened, &requests, threads, ticker)
        })?;
        answers
            .into_iter()
            .map(|answer| wrapped(py, answer))
            .collect()
    }

    /// Windows of `npts` samples into an array of that many for each row, float32, float64 or
    /// int32; samples that are not there leave it as it is.
    #[allow(clippy::needless_pass_by_value)]
    fn cut(
        &self,
        py: Python<'_>,
        rows: Vec<(Codes, i64)>,
        chosen: Chosen,
        npts: usize,
        out: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Cuts> {
        let wanted: Vec<_> = rows
            .iter()
            .map(|(codes, start_ns)| Wanted {
                selection: selection(codes),
                start_ns: *start_ns,
            })
            .collect();
        let cutting = Cutting {
            wanted: &wanted,
            choice: &choice(chosen),
            npts,
            threads: cores(threads),
        };
        if let Ok(mut array) = out.extract::<PyReadwriteArray1<'_, f32>>() {
            self.cut_into(py, &cutting, &mut array)
        } else if let Ok(mut array) = out.extract::<PyReadwriteArray1<'_, f64>>() {
            self.cut_into(py, &cutting, &mut array)
        } else if let Ok(mut array) = out.extract::<PyReadwriteArray1<'_, i32>>() {
            self.cut_into(py, &cutting, &mut array)
        } else {
            let text = "expected a writable 1-D array of float32, float64 or int32";
            Err(PyTypeError::new_err(text))
        }
    }
}

/// What is to be cut.
struct Cutting<'a> {
    wanted: &'a [Wanted],
    choice: &'a Choice,
    npts: usize,
    threads: usize,
}

impl Archive {
    fn cut_into<T: Number + Element>(
        &self,
        py: Python<'_>,
        cutting: &Cutting<'_>,
        array: &mut PyReadwriteArray1<'_, T>,
    ) -> PyResult<Cuts> {
        let Cutting {
            wanted,
            choice,
            npts,
            threads,
        } = *cutting;
        let out = array.as_slice_mut()?;
        let (cuts, problems) = enter_interruptible(py, |ticker| {
            cut_windows(&self.opened, wanted, choice, npts, out, threads, ticker)
        })?;
        Ok((
            cuts.iter().map(|cut| cut.start_ns).collect(),
            cuts.iter().map(|cut| cut.rate_hz).collect(),
            cuts.iter().map(|cut| cut.covered).collect(),
            cuts.iter().map(|cut| cut.dropped).collect(),
            problems.into_iter().map(wrap::problem).collect(),
        ))
    }
}

fn questions<'a>(selections: &'a [Selection], rows: &[(Codes, i64, i64)]) -> Vec<Question<'a>> {
    let pairs = selections.iter().zip(rows);
    pairs
        .map(|(selection, (_, start_ns, end_ns))| Question {
            selection,
            start_ns: *start_ns,
            end_ns: *end_ns,
        })
        .collect()
}
