//! SQLite and forks: no fork happens while any thread is inside SQLite.
//!
//! SQLite has locks of its own, for its memory and its list of open files. A child that is forked
//! while another thread holds one of them inherits it locked, for ever. So every use of SQLite
//! passes a gate, and a fork closes the gate for the moment that it takes: the binding calls
//! [`before_fork`] and [`after_fork`] around each fork of the interpreter.
//!
//! Nobody may wait for the interpreter while inside the gate: the thread that forks holds it.

use std::cell::{Cell, RefCell};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static CLOSED: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Being inside; the outermost one of a thread holds the gate open.
#[derive(Debug)]
pub(crate) struct Inside {
    _open: Option<RwLockReadGuard<'static, ()>>,
}

/// Enter the gate; waits while another thread forks.
pub(crate) fn enter() -> Inside {
    let depth = DEPTH.get();
    let open = (depth == 0).then(|| GATE.read().unwrap_or_else(PoisonError::into_inner));
    DEPTH.set(depth + 1);
    Inside { _open: open }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Close the gate: waits until no thread is inside SQLite.
pub fn before_fork() {
    if DEPTH.get() == 0 {
        let closed = GATE.write().unwrap_or_else(PoisonError::into_inner);
        CLOSED.set(Some(closed));
    }
}

/// Open the gate again, in the parent and in the child.
pub fn after_fork() {
    CLOSED.set(None);
}
