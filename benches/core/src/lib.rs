//! What is measured: a series like that of a seismometer, and libmseed's way to handle it.

pub mod libmseed;
pub mod series;
