//! Arrays ↔ bytes of an HDF5 chunk.

use mseed_archive::chunk::{self, Filters, StoredChunk};
use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::enter::enter;

/// The bytes of whole chunks as HDF5's shuffle and deflate filters would write them. Each array is a
/// contiguous one-dimensional one. All in one call: a thread that waits for the interpreter again
/// after each chunk would wait for as long as it compressed.
#[pyfunction]
#[pyo3(signature = (arrays, level, shuffle))]
pub(crate) fn compress_chunks<'py>(
    py: Python<'py>,
    arrays: Vec<Bound<'py, PyAny>>,
    level: i32,
    shuffle: bool,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let mut views = Vec::with_capacity(arrays.len());
    for array in &arrays {
        let element_bytes: usize = array.getattr("itemsize")?.extract()?;
        let bytes: PyReadonlyArray1<'py, u8> = array.call_method1("view", ("uint8",))?.extract()?;
        views.push((element_bytes, bytes));
    }
    let mut chunks = Vec::with_capacity(views.len());
    for (element_bytes, bytes) in &views {
        chunks.push((*element_bytes, bytes.as_slice()?));
    }
    let packed = enter(py, || {
        chunks
            .iter()
            .map(|(element_bytes, bytes)| {
                chunk::compress_chunk(bytes, *element_bytes, level, shuffle)
            })
            .collect::<Result<Vec<_>, _>>()
    })?;
    Ok(packed.iter().map(|bytes| PyBytes::new(py, bytes)).collect())
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
