//! Uncompressed samples in either byte order.

use super::Packed;
use crate::decode::Encoding;
use crate::error::{Error, Kind};

/// Write as many samples as fit, in the byte order that `bytes_of` gives.
pub(super) fn each<T: Copy, const N: usize>(
    samples: &[T],
    payload: &mut [u8],
    bytes_of: impl Fn(T) -> [u8; N],
) -> Packed {
    let (places, _) = payload.as_chunks_mut::<N>();
    let npts = places.len().min(samples.len());
    for (place, sample) in places.iter_mut().zip(samples) {
        *place = bytes_of(*sample);
    }
    Packed {
        npts,
        bytes: npts * N,
        frames: 0,
    }
}

/// The same for integers that must fit 16 bits.
pub(super) fn int16(
    samples: &[i32],
    from: usize,
    payload: &mut [u8],
    bytes_of: impl Fn(i16) -> [u8; 2],
) -> Result<Packed, Error> {
    let samples = &samples[from..];
    let npts = samples.len().min(payload.len() / 2);
    let unfit = samples[..npts]
        .iter()
        .position(|v| i16::try_from(*v).is_err());
    if let Some(at) = unfit {
        return Err(Error::new(
            Kind::Unfit {
                encoding: Encoding::Int16,
                sample: from + at,
                value: samples[at],
                difference: None,
            },
            0,
        ));
    }
    Ok(each(samples, payload, |v| bytes_of(v as i16)))
}
