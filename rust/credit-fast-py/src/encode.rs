//! Arrays → miniSEED records.

use mseed_archive::Error;
use mseed_core::Encoding;
use mseed_core::encode::{Header, HeaderV3, Samples, with_fallback, write_v2, write_v3};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::enter::enter;

fn encoding(name: &str) -> PyResult<Encoding> {
    Ok(match name {
        "STEIM1" => Encoding::Steim1,
        "STEIM2" => Encoding::Steim2,
        "INT16" => Encoding::Int16,
        "INT32" => Encoding::Int32,
        "FLOAT32" => Encoding::Float32,
        "FLOAT64" => Encoding::Float64,
        "TEXT" => Encoding::Text,
        other => {
            return Err(PyValueError::new_err(format!(
                "encoding {other:?}: expected STEIM1, STEIM2, INT16, INT32, FLOAT32, FLOAT64 or TEXT"
            )));
        }
    })
}

/// Encode the samples of an array without the GIL and without a copy; with `fallback`, in the next
/// encoding that holds them.
fn encode<'py>(
    data: &Bound<'py, PyAny>,
    encoding: &str,
    fallback: bool,
    write: impl Fn(Encoding, Samples<'_>, &mut Vec<u8>) -> Result<(), mseed_core::Error> + Sync,
) -> PyResult<Bound<'py, PyBytes>> {
    let (py, encoding) = (data.py(), self::encoding(encoding)?);
    let run = |samples: Samples<'_>| {
        enter(py, || {
            let mut out = Vec::new();
            let written = if fallback {
                with_fallback(encoding, |encoding| write(encoding, samples, &mut out))
            } else {
                write(encoding, samples, &mut out)
            };
            written
                .map(|()| out)
                .map_err(|error| Error::Argument(error.kind.to_string()))
        })
    };
    let bytes = if let Ok(array) = data.extract::<PyReadonlyArray1<'_, i32>>() {
        run(Samples::Int32(array.as_slice()?))?
    } else if let Ok(array) = data.extract::<PyReadonlyArray1<'_, i16>>() {
        run(Samples::Int16(array.as_slice()?))?
    } else if let Ok(array) = data.extract::<PyReadonlyArray1<'_, f32>>() {
        run(Samples::Float32(array.as_slice()?))?
    } else if let Ok(array) = data.extract::<PyReadonlyArray1<'_, f64>>() {
        run(Samples::Float64(array.as_slice()?))?
    } else if let Ok(array) = data.extract::<PyReadonlyArray1<'_, u8>>() {
        run(Samples::Text(array.as_slice()?))?
    } else {
        return Err(PyTypeError::new_err(
            "data: expected a one-dimensional numpy array of int16, int32, float32, float64, or \
             uint8 for text",
        ));
    };
    Ok(PyBytes::new(py, &bytes))
}

/// Write a contiguous one-dimensional array as miniSEED 2 records.
#[pyfunction]
#[pyo3(signature = (network, station, location, channel, start_ns, rate_hz, data, encoding,
                    reclen=512, sequence=1, quality="D", fallback=false))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn encode_mseed2<'py>(
    network: &str,
    station: &str,
    location: &str,
    channel: &str,
    start_ns: i64,
    rate_hz: f64,
    data: &Bound<'py, PyAny>,
    encoding: &str,
    reclen: usize,
    sequence: u32,
    quality: &str,
    fallback: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let &[quality] = quality.as_bytes() else {
        return Err(PyValueError::new_err(format!(
            "quality {quality:?}: expected one of D, R, Q, M"
        )));
    };
    encode(data, encoding, fallback, |encoding, samples, out| {
        let header = Header {
            network,
            station,
            location,
            channel,
            quality,
            start_ns,
            rate_hz,
            encoding,
            record_length: reclen,
            sequence,
        };
        write_v2(&header, samples, out)
    })
}

/// Write a contiguous one-dimensional array as miniSEED 3 records of at most `reclen` bytes.
#[pyfunction]
#[pyo3(signature = (network, station, location, channel, start_ns, rate_hz, data, encoding,
                    reclen=4096, version=0, extra_headers=None, fallback=false))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn encode_mseed3<'py>(
    network: &str,
    station: &str,
    location: &str,
    channel: &str,
    start_ns: i64,
    rate_hz: f64,
    data: &Bound<'py, PyAny>,
    encoding: &str,
    reclen: usize,
    version: u8,
    extra_headers: Option<&[u8]>,
    fallback: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    encode(data, encoding, fallback, |encoding, samples, out| {
        let header = HeaderV3 {
            network,
            station,
            location,
            channel,
            version,
            start_ns,
            rate_hz,
            encoding,
            max_record_length: reclen,
            extra_headers: extra_headers.unwrap_or_default(),
        };
        write_v3(&header, samples, out)
    })
}
