//! Uncompressed samples in either byte order. Each function returns how many it wrote.
//!
//! The loops are the same on every path: the compiler turns them into the instructions of the path.

use super::path::Path;

/// Decode `N`-byte samples, one after the other.
#[inline(always)]
pub(super) fn each<const N: usize, T>(
    payload: &[u8],
    big_endian: bool,
    out: &mut [T],
    mut from_be: impl FnMut([u8; N]) -> T,
) -> usize {
    let (samples, _) = payload.as_chunks::<N>();
    // The byte order is asked once, not for each sample.
    let decoded = out.iter_mut().zip(samples);
    if big_endian {
        decoded.for_each(|(value, bytes)| *value = from_be(*bytes));
    } else {
        decoded.for_each(|(value, bytes)| {
            let mut bytes = *bytes;
            bytes.reverse();
            *value = from_be(bytes);
        });
    }
    samples.len().min(out.len())
}

/// A function that takes the path: its loop is compiled once for each.
macro_rules! by_path {
    ($name:ident, $sample:ty, $from_be:expr) => {
        pub(super) fn $name(
            path: Path,
            payload: &[u8],
            big_endian: bool,
            out: &mut [$sample],
        ) -> usize {
            #[cfg(target_arch = "x86_64")]
            if path != Path::Scalar && Path::best() != Path::Scalar {
                #[target_feature(enable = "avx2")]
                fn with_avx2(payload: &[u8], big_endian: bool, out: &mut [$sample]) -> usize {
                    each(payload, big_endian, out, $from_be)
                }
                // SAFETY: the machine has the feature that the function is compiled for.
                #[allow(unsafe_code)]
                return unsafe { with_avx2(payload, big_endian, out) };
            }
            each(payload, big_endian, out, $from_be)
        }
    };
}

by_path!(int16, i32, |b| i32::from(i16::from_be_bytes(b)));
by_path!(int24, i32, |[a, b, c]: [u8; 3]| i32::from_be_bytes([
    a, b, c, 0
]) >> 8);
by_path!(int32, i32, i32::from_be_bytes);
by_path!(float32, f32, f32::from_be_bytes);
by_path!(float64, f64, f64::from_be_bytes);

pub(super) fn text(payload: &[u8], out: &mut [u8]) -> usize {
    let npts = payload.len().min(out.len());
    out[..npts].copy_from_slice(&payload[..npts]);
    npts
}
