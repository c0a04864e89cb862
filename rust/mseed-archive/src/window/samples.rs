//! Decoded samples of one of the types that records hold.

use mseed_core::SampleType;
use mseed_core::decode::Out;

use crate::memory::zeroed;

/// Decoded samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    /// Integers.
    Int32(Vec<i32>),
    /// Single precision.
    Float32(Vec<f32>),
    /// Double precision.
    Float64(Vec<f64>),
    /// Characters.
    Text(Vec<u8>),
}

impl Samples {
    pub(super) fn new(sample_type: SampleType, npts: usize) -> Self {
        match sample_type {
            SampleType::Int32 => Self::Int32(zeroed(npts)),
            SampleType::Float32 => Self::Float32(zeroed(npts)),
            SampleType::Float64 => Self::Float64(zeroed(npts)),
            SampleType::Text => Self::Text(zeroed(npts)),
        }
    }

    /// Number of samples.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Int32(v) => v.len(),
            Self::Float32(v) => v.len(),
            Self::Float64(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// The whole buffer.
    pub(super) fn out(&mut self) -> Out<'_> {
        match self {
            Self::Int32(v) => Out::Int32(v),
            Self::Float32(v) => Out::Float32(v),
            Self::Float64(v) => Out::Float64(v),
            Self::Text(v) => Out::Text(v),
        }
    }

    /// Copy samples from the place `skip` on to the front of `out`, which is of the same type.
    pub(super) fn copy_to(&self, skip: usize, npts: usize, out: Out<'_>) {
        let range = skip..skip + npts;
        match (self, out) {
            (Self::Int32(from), Out::Int32(to)) => to[..npts].copy_from_slice(&from[range]),
            (Self::Float32(from), Out::Float32(to)) => to[..npts].copy_from_slice(&from[range]),
            (Self::Float64(from), Out::Float64(to)) => to[..npts].copy_from_slice(&from[range]),
            (Self::Text(from), Out::Text(to)) => to[..npts].copy_from_slice(&from[range]),
            // All records of a run have one type.
            _ => {}
        }
    }

    /// A part of the samples, in a buffer of its own.
    pub(super) fn slice(&self, from: usize, npts: usize) -> Self {
        let range = from..from + npts;
        match self {
            Self::Int32(v) => Self::Int32(v[range].to_vec()),
            Self::Float32(v) => Self::Float32(v[range].to_vec()),
            Self::Float64(v) => Self::Float64(v[range].to_vec()),
            Self::Text(v) => Self::Text(v[range].to_vec()),
        }
    }
}
