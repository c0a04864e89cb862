//! The one map from Rust errors to Python exceptions.

use mseed_archive::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// An exception of the module `credit_fast.errors`, with the place that it names.
fn of_package(py: Python<'_>, class: &str, message: &str, path: &str) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let class = py.import("credit_fast.errors")?.getattr(class)?;
        let place = PyDict::new(py);
        place.set_item("path", path)?;
        Ok(PyErr::from_value(class.call((message,), Some(&place))?))
    };
    make().unwrap_or_else(|failure| failure)
}

/// POSIX number and text of the kinds that we make ourselves; Python turns the number into
/// `FileNotFoundError` and its like.
fn number_of(kind: std::io::ErrorKind) -> Option<(i32, &'static str)> {
    match kind {
        std::io::ErrorKind::NotFound => Some((2, "No such file or directory")),
        std::io::ErrorKind::PermissionDenied => Some((13, "Permission denied")),
        std::io::ErrorKind::IsADirectory => Some((21, "Is a directory")),
        _ => None,
    }
}

/// The Python exception of a failure that ends a call.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        // OSError(errno, text, file) becomes FileNotFoundError, PermissionError, … by itself.
        Error::Io { path, source } => match source.raw_os_error() {
            Some(number) => {
                let text = py
                    .import("os")
                    .and_then(|os| os.call_method1("strerror", (number,)))
                    .and_then(|text| text.extract::<String>())
                    .unwrap_or_else(|_| source.to_string());
                PyOSError::new_err((number, text, path.display().to_string()))
            }
            // The kind of an error made by us carries no number.
            None => match number_of(source.kind()) {
                Some((number, text)) => {
                    PyOSError::new_err((number, text, path.display().to_string()))
                }
                None => PyOSError::new_err(error.to_string()),
            },
        },
        Error::NotAnIndex { path, .. } => of_package(
            py,
            "IndexFormatError",
            &error.to_string(),
            &path.to_string_lossy(),
        ),
        // PermissionError.
        Error::Unfinished {
            path,
            is_forbidden: true,
        } => PyOSError::new_err((13, error.reason(), path.display().to_string())),
        Error::Argument(text) => PyValueError::new_err(text.clone()),
        Error::Cancelled => PyKeyboardInterrupt::new_err("interrupted"),
        _ => PyOSError::new_err(error.to_string()),
    }
}
