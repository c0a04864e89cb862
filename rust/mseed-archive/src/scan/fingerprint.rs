//! A few bytes out of a file, to tell whether it is still the same one.

use std::fs::File;
use std::io;

use md5::{Digest, Md5};

use crate::read_at::read_at;

/// Bytes that are looked at, at both ends and in between. Two files of data that are not the same
/// differ in each of their records.
const SAMPLE: usize = 1024;

/// Samples of a file, both ends included.
const SAMPLES: u64 = 5;

/// What tells a file from others of the same size: part of the MD5 of some of its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fingerprint(pub i64);

impl Fingerprint {
    /// Of the first `size` bytes of a file.
    ///
    /// # Errors
    /// What reading gives; a file that became shorter than `size` is no error, and another one.
    pub(crate) fn of(file: &File, size: u64) -> io::Result<Self> {
        Self::with(size, |bytes, at| read_at(file, bytes, at))
    }

    /// Of all bytes of a file that are in memory.
    pub(crate) fn of_bytes(whole: &[u8]) -> io::Result<Self> {
        Self::with(whole.len() as u64, |bytes, at| {
            bytes.copy_from_slice(&whole[at as usize..][..bytes.len()]);
            Ok(bytes.len())
        })
    }

    fn with(
        size: u64,
        mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
    ) -> io::Result<Self> {
        let mut hasher = Md5::new();
        let mut bytes = [0; SAMPLE];
        let last = size.saturating_sub(SAMPLE as u64);
        let steps = if last == 0 { 1 } else { SAMPLES };
        for step in 0..steps {
            let at = last / (SAMPLES - 1) * step;
            let at = if step + 1 == SAMPLES { last } else { at };
            let wanted = SAMPLE.min((size - at) as usize);
            let got = read(&mut bytes[..wanted], at)?;
            hasher.update(&bytes[..got]);
        }
        let digest = hasher.finalize();
        let mut start = [0; 8];
        start.copy_from_slice(&digest[..8]);
        Ok(Self(i64::from_le_bytes(start)))
    }
}
