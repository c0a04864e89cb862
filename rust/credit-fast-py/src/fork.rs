//! Forks of the interpreter and SQLite: see `mseed_archive::fork`.

use mseed_archive::fork::{after_fork, before_fork};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict};

/// Close the gate around every `os.fork`; the GIL is released while a query ends.
pub(crate) fn register(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    if !os.hasattr("register_at_fork")? {
        return Ok(());
    }
    let before = PyCFunction::new_closure(py, None, None, |args, _| {
        args.py().detach(before_fork);
    })?;
    let after = PyCFunction::new_closure(py, None, None, |_, _| after_fork())?;
    let hooks = PyDict::new(py);
    hooks.set_item("before", before)?;
    hooks.set_item("after_in_parent", &after)?;
    hooks.set_item("after_in_child", &after)?;
    os.call_method("register_at_fork", (), Some(&hooks))?;
    Ok(())
}
