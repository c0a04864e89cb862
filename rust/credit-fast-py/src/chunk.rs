//! Arrays ↔ bytes of an HDF5 chunk.

use mseed_archive::chunk::{self, Filters};
use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::enter::enter;

/// The bytes of a whole chunk as HDF5's shuffle and deflate filters would write them. `data` is a
/// contiguous one-dimensional array.
#[pyfunction]
#[pyo3(signature = (data, level, shuffle))]
pub(crate) fn compress_chunk<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    level: i32,
    shuffle: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let element_bytes: usize = data.getattr("itemsize")?.extract()?;
    let bytes: PyReadonlyArray1<'py, u8> = data.call_method1("view", ("uint8",))?.extract()?;
    let bytes = bytes.as_slice()?;
    let packed = enter(py, || {
        chunk::compress_chunk(bytes, element_bytes, level, shuffle)
    })?;
    Ok(PyBytes::new(py, &packed))
}

/// The way back, into `out`: a contiguous one-dimensional array that holds the whole chunk.
#[pyfunction]
#[pyo3(signature = (stored, out, *, deflated, shuffled))]
pub(crate) fn decompress_chunk(
    py: Python<'_>,
    stored: &[u8],
    out: &Bound<'_, PyAny>,
    deflated: bool,
    shuffled: bool,
) -> PyResult<()> {
    let element_bytes: usize = out.getattr("itemsize")?.extract()?;
    let mut bytes: PyReadwriteArray1<'_, u8> = out.call_method1("view", ("uint8",))?.extract()?;
    let bytes = bytes.as_slice_mut()?;
    let filters = Filters { shuffled, deflated };
    enter(py, || {
        chunk::decompress_chunk(stored, element_bytes, filters, bytes)
    })
}
