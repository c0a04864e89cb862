//! Arrays ↔ bytes of an HDF5 chunk.

use mseed_archive::chunk::{self, Filters, StoredChunk};
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

/// The way back, for many chunks at once: `(stored, out, deflated, shuffled)` of each, where `out`
/// is a contiguous one-dimensional array that holds the whole chunk. Returns the number of the first
/// damaged chunk, counted from 0, and its fault; None when all are sound.
#[pyfunction]
#[pyo3(signature = (chunks, threads))]
pub(crate) fn decompress_chunks(
    py: Python<'_>,
    chunks: Vec<(PyReadonlyArray1<'_, u8>, Bound<'_, PyAny>, bool, bool)>,
    threads: usize,
) -> PyResult<Option<(usize, String)>> {
    let mut outs = Vec::with_capacity(chunks.len());
    for (_, out, ..) in &chunks {
        let element_bytes: usize = out.getattr("itemsize")?.extract()?;
        let bytes: PyReadwriteArray1<'_, u8> = out.call_method1("view", ("uint8",))?.extract()?;
        outs.push((element_bytes, bytes));
    }
    let mut stored = Vec::with_capacity(chunks.len());
    for ((bytes, _, deflated, shuffled), (element_bytes, out)) in chunks.iter().zip(&mut outs) {
        stored.push(StoredChunk {
            stored: bytes.as_slice()?,
            element_bytes: *element_bytes,
            filters: Filters {
                shuffled: *shuffled,
                deflated: *deflated,
            },
            out: out.as_slice_mut()?,
        });
    }
    enter(py, || {
        let failure = chunk::decompress_chunks(stored, threads).err();
        Ok(failure.map(|(number, error)| (number, error.to_string())))
    })
}
