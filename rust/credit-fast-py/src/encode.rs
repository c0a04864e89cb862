//! Arrays → miniSEED 2 records.

use mseed_archive::Error;
use mseed_core::Encoding;
use mseed_core::encode::{Header, Samples, write_v2};
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
        other => {
            return Err(PyValueError::new_err(format!(
                "encoding {other:?}: expected STEIM1, STEIM2, INT16, INT32, FLOAT32 or FLOAT64"
            )));
        }
    })
}

/// Write a contiguous one-dimensional int16, int32, float32 or float64 array as miniSEED 2 records.
#[pyfunction]
#[pyo3(signature = (network, station, location, channel, start_ns, rate_hz, data, encoding,
                    reclen=512, sequence=1, quality="D"))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn encode_mseed2<'py>(
    py: Python<'py>,
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
) -> PyResult<Bound<'py, PyBytes>> {
    let header = Header {
        network,
        station,
        location,
        channel,
        quality: quality.bytes().next().unwrap_or(b'D'),
        start_ns,
        rate_hz,
        encoding: self::encoding(encoding)?,
        record_length: reclen,
        sequence,
    };
    let write = |samples: Samples<'_>| {
        enter(py, || {
            let mut out = Vec::new();
            write_v2(&header, samples, &mut out)
                .map(|()| out)
                .map_err(|error| Error::Argument(error.kind.to_string()))
        })
    };
    let bytes = if let Ok(array) = data.extract::<PyReadonlyArray1<'_, i32>>() {
        write(Samples::Int32(array.as_slice()?))?
    } else if let Ok(array) = data.extract::<PyReadonlyArray1<'_, i16>>() {
        let wide: Vec<i32> = array.as_array().iter().map(|v| i32::from(*v)).collect();
        write(Samples::Int32(&wide))?
    } else if let Ok(array) = data.extract::<PyReadonlyArray1<'_, f32>>() {
        write(Samples::Float32(array.as_slice()?))?
    } else if let Ok(array) = data.extract::<PyReadonlyArray1<'_, f64>>() {
        write(Samples::Float64(array.as_slice()?))?
    } else {
        return Err(PyTypeError::new_err(
            "data: expected a one-dimensional numpy array of int16, int32, float32 or float64",
        ));
    };
    Ok(PyBytes::new(py, &bytes))
}
