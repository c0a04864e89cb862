//! PyO3 glue: check, borrow, call, wrap. No algorithm lives here.
#![deny(unsafe_code)]

use pyo3::prelude::*;

mod archive;
mod checkindex;
mod chunk;
mod encode;
mod enter;
mod error;
mod fork;
mod inspect;
mod makeindex;
mod read;
mod wrap;

/// The Rust core of credit_fast; the public names are in the package itself.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(checkindex::check_index, module)?)?;
    module.add_function(wrap_pyfunction!(chunk::compress_chunks, module)?)?;
    module.add_function(wrap_pyfunction!(chunk::decompress_chunks, module)?)?;
    module.add_function(wrap_pyfunction!(encode::encode_mseed2, module)?)?;
    module.add_function(wrap_pyfunction!(encode::encode_mseed3, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::find_files, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::inspect_file, module)?)?;
    module.add_function(wrap_pyfunction!(makeindex::makeindex, module)?)?;
    module.add_function(wrap_pyfunction!(read::read_file, module)?)?;
    module.add_function(wrap_pyfunction!(read::read_bytes, module)?)?;
    module.add_class::<archive::Archive>()?;
    fork::register(module.py())
}
