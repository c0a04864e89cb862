//! libmseed, called as its users do (see `shim.c`).

use std::ffi::{c_char, c_void};

unsafe extern "C" {
    fn shim_decode(buffer: *const c_char, length: u64, last: *mut i32, room: u64) -> i64;
    fn ms_decode_data(
        input: *const c_void,
        input_bytes: u64,
        encoding: u8,
        samples: u64,
        output: *mut c_void,
        output_bytes: u64,
        sample_type: *mut c_char,
        swap: i8,
        source: *const c_char,
        verbose: i8,
    ) -> i64;
    fn shim_pack(
        samples: *const i32,
        npts: i64,
        record_length: i32,
        encoding: i32,
        out: *mut c_char,
        room: u64,
    ) -> i64;
}

/// Parse and decode all records of `bytes`; returns the number of samples. Those of the last
/// record stand at the front of `last`.
#[must_use]
pub fn decode(bytes: &[u8], last: &mut [i32]) -> usize {
    // SAFETY: both pointers go with their lengths.
    let samples = unsafe {
        shim_decode(
            bytes.as_ptr().cast(),
            bytes.len() as u64,
            last.as_mut_ptr(),
            last.len() as u64,
        )
    };
    usize::try_from(samples).expect("libmseed reads what we wrote")
}

/// Decode a big-endian payload into `out`; returns the number of samples.
#[must_use]
pub fn decode_payload(payload: &[u8], encoding: u8, npts: usize, out: &mut [i32]) -> usize {
    assert!(out.len() >= npts);
    let mut sample_type: c_char = 0;
    // SAFETY: both pointers go with their lengths, and libmseed writes at most `npts` samples.
    let samples = unsafe {
        ms_decode_data(
            payload.as_ptr().cast(),
            payload.len() as u64,
            encoding,
            npts as u64,
            out.as_mut_ptr().cast(),
            (out.len() * 4) as u64,
            &mut sample_type,
            1,
            std::ptr::null(),
            0,
        )
    };
    usize::try_from(samples).expect("libmseed decodes what we wrote")
}

/// Pack `samples` as miniSEED 2 records into `out`; returns the number of bytes.
#[must_use]
pub fn pack(samples: &[i32], record_length: usize, encoding: u8, out: &mut [u8]) -> usize {
    // SAFETY: both pointers go with their lengths; libmseed does not write to the samples.
    let bytes = unsafe {
        shim_pack(
            samples.as_ptr(),
            samples.len() as i64,
            record_length as i32,
            i32::from(encoding),
            out.as_mut_ptr().cast(),
            out.len() as u64,
        )
    };
    usize::try_from(bytes).expect("libmseed writes these samples")
}
