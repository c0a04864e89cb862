//! Uncompressed samples in either byte order. Each function returns how many it wrote.

/// Decode `N`-byte samples, one after the other.
pub(super) fn each<const N: usize, T>(
    payload: &[u8],
    big_endian: bool,
    out: &mut [T],
    mut from_be: impl FnMut([u8; N]) -> T,
) -> usize {
    let (samples, _) = payload.as_chunks::<N>();
    let npts = samples.len().min(out.len());
    for (value, bytes) in out.iter_mut().zip(samples) {
        let mut bytes = *bytes;
        if !big_endian {
            bytes.reverse();
        }
        *value = from_be(bytes);
    }
    npts
}

pub(super) fn text(payload: &[u8], out: &mut [u8]) -> usize {
    let npts = payload.len().min(out.len());
    out[..npts].copy_from_slice(&payload[..npts]);
    npts
}

pub(super) fn int16(payload: &[u8], big_endian: bool, out: &mut [i32]) -> usize {
    each(payload, big_endian, out, |b| {
        i32::from(i16::from_be_bytes(b))
    })
}

pub(super) fn int24(payload: &[u8], big_endian: bool, out: &mut [i32]) -> usize {
    each(payload, big_endian, out, |[a, b, c]: [u8; 3]| {
        i32::from_be_bytes([a, b, c, 0]) >> 8
    })
}

pub(super) fn int32(payload: &[u8], big_endian: bool, out: &mut [i32]) -> usize {
    each(payload, big_endian, out, i32::from_be_bytes)
}

pub(super) fn float32(payload: &[u8], big_endian: bool, out: &mut [f32]) -> usize {
    each(payload, big_endian, out, f32::from_be_bytes)
}

pub(super) fn float64(payload: &[u8], big_endian: bool, out: &mut [f64]) -> usize {
    each(payload, big_endian, out, f64::from_be_bytes)
}
