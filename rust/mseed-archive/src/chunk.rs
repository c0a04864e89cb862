//! Bytes of one HDF5 chunk: shuffle, then deflate, and back. No HDF5 library.

use libdeflater::{CompressionLvl, Compressor, DecompressionError, Decompressor};

use crate::Error;

/// How the bytes of a chunk are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters {
    /// Equal bytes of all elements lie together.
    pub shuffled: bool,
    /// Compressed, in a zlib stream.
    pub deflated: bool,
}

/// Elements whose bytes are moved at once: a few cache lines of each plane.
const BLOCK: usize = 64;

/// HDF5 shuffle filter: first bytes of all elements, then all second bytes, and so on. Bytes
/// behind the last whole element stay as they are, as the filter of the HDF5 library leaves them.
fn shuffle(data: &[u8], element_bytes: usize) -> Vec<u8> {
    let mut out = vec![0; data.len()];
    match element_bytes {
        2 => shuffle_fixed::<2>(data, &mut out),
        4 => shuffle_fixed::<4>(data, &mut out),
        8 => shuffle_fixed::<8>(data, &mut out),
        _ => shuffle_any(data, element_bytes, &mut out),
    }
    out
}

fn shuffle_any(data: &[u8], element_bytes: usize, out: &mut [u8]) {
    let elements = data.len() / element_bytes;
    let whole = elements * element_bytes;
    for (byte, plane) in out[..whole].chunks_exact_mut(elements.max(1)).enumerate() {
        for (to, element) in plane.iter_mut().zip(data.chunks_exact(element_bytes)) {
            *to = element[byte];
        }
    }
    out[whole..].copy_from_slice(&data[whole..]);
}

/// The same for a size that the compiler knows: blocks that stay in registers and the first cache.
fn shuffle_fixed<const N: usize>(data: &[u8], out: &mut [u8]) {
    let elements = data.len() / N;
    let (whole, rest) = data.split_at(elements * N);
    let (planes, out_rest) = out.split_at_mut(elements * N);
    let (whole, _) = whole.as_chunks::<N>();
    for (number, block) in whole.chunks(BLOCK).enumerate() {
        for byte in 0..N {
            let at = byte * elements + number * BLOCK;
            for (to, element) in planes[at..at + block.len()].iter_mut().zip(block) {
                *to = element[byte];
            }
        }
    }
    out_rest.copy_from_slice(rest);
}

/// The way back; `data` and `out` have the same length.
fn unshuffle(data: &[u8], element_bytes: usize, out: &mut [u8]) {
    match element_bytes {
        2 => unshuffle_fixed::<2>(data, out),
        4 => unshuffle_fixed::<4>(data, out),
        8 => unshuffle_fixed::<8>(data, out),
        _ => unshuffle_any(data, element_bytes, out),
    }
}

fn unshuffle_any(data: &[u8], element_bytes: usize, out: &mut [u8]) {
    let elements = data.len() / element_bytes;
    let whole = elements * element_bytes;
    for (byte, plane) in data[..whole].chunks_exact(elements.max(1)).enumerate() {
        for (element, &from) in out.chunks_exact_mut(element_bytes).zip(plane) {
            element[byte] = from;
        }
    }
    out[whole..].copy_from_slice(&data[whole..]);
}

fn unshuffle_fixed<const N: usize>(data: &[u8], out: &mut [u8]) {
    let elements = data.len() / N;
    let (planes, rest) = data.split_at(elements * N);
    let (whole, out_rest) = out.split_at_mut(elements * N);
    let (whole, _) = whole.as_chunks_mut::<N>();
    for (number, block) in whole.chunks_mut(BLOCK).enumerate() {
        let at = number * BLOCK;
        let parts: [&[u8]; N] =
            std::array::from_fn(|byte| &planes[byte * elements + at..][..block.len()]);
        for (index, element) in block.iter_mut().enumerate() {
            *element = std::array::from_fn(|byte| parts[byte][index]);
        }
    }
    out_rest.copy_from_slice(rest);
}

fn check_element(element_bytes: usize) -> Result<(), Error> {
    if element_bytes == 0 {
        return Err(Error::Argument(
            "element size 0: expected at least 1".into(),
        ));
    }
    Ok(())
}

/// The bytes of a whole chunk as HDF5's shuffle and deflate filters would write them.
///
/// # Errors
/// [`Error::Argument`] for an element size of 0 or a level outside of 1 to 12.
pub fn compress_chunk(
    data: &[u8],
    element_bytes: usize,
    level: i32,
    shuffled: bool,
) -> Result<Vec<u8>, Error> {
    check_element(element_bytes)?;
    let level = CompressionLvl::new(level)
        .ok()
        .filter(|_| (1..=12).contains(&level))
        .ok_or_else(|| Error::Argument(format!("compression level {level}: expected 1 to 12")))?;
    let input = if shuffled && element_bytes > 1 {
        &shuffle(data, element_bytes)
    } else {
        data
    };
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.zlib_compress_bound(input.len())];
    let length = compressor
        .zlib_compress(input, &mut out)
        .map_err(|_| Error::Argument("the deflate bound is too small for the chunk".into()))?;
    out.truncate(length);
    Ok(out)
}

/// The samples of a chunk, from its stored bytes into `out`, which has its full length.
///
/// # Errors
/// [`Error::Argument`] for an element size of 0, and when the stored bytes are damaged or have
/// another length than `out`: then `out` holds anything.
pub fn decompress_chunk(
    stored: &[u8],
    element_bytes: usize,
    filters: Filters,
    out: &mut [u8],
) -> Result<(), Error> {
    check_element(element_bytes)?;
    let shuffled = filters.shuffled && element_bytes > 1;
    match (filters.deflated, shuffled) {
        (true, true) => {
            let mut planes = vec![0; out.len()];
            inflate(stored, &mut planes)?;
            unshuffle(&planes, element_bytes, out);
        }
        (true, false) => inflate(stored, out)?,
        (false, _) => {
            if stored.len() != out.len() {
                return Err(wrong_length(&stored.len().to_string(), out.len()));
            }
            if shuffled {
                unshuffle(stored, element_bytes, out);
            } else {
                out.copy_from_slice(stored);
            }
        }
    }
    Ok(())
}

/// Inflate to exactly `out`: however much the stream claims, no more is written or taken.
fn inflate(stored: &[u8], out: &mut [u8]) -> Result<(), Error> {
    match Decompressor::new().zlib_decompress(stored, out) {
        Ok(length) if length == out.len() => Ok(()),
        Ok(length) => Err(wrong_length(&length.to_string(), out.len())),
        Err(DecompressionError::InsufficientSpace) => Err(wrong_length("more", out.len())),
        Err(DecompressionError::BadData) => Err(Error::Argument(
            "the zlib stream or its checksum is damaged".into(),
        )),
    }
}

fn wrong_length(found: &str, expected: usize) -> Error {
    Error::Argument(format!(
        "{found} bytes in a chunk: expected {expected} bytes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Filters = Filters {
        shuffled: true,
        deflated: true,
    };

    /// The filter as its description says it, byte by byte.
    fn slow_shuffle(data: &[u8], element_bytes: usize) -> Vec<u8> {
        let elements = data.len() / element_bytes;
        let mut out = data.to_vec();
        for element in 0..elements {
            for byte in 0..element_bytes {
                out[byte * elements + element] = data[element * element_bytes + byte];
            }
        }
        out
    }

    fn made(length: usize) -> Vec<u8> {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length)
            .map(|i| if i % 4 == 0 { next() } else { 0 })
            .collect()
    }

    #[test]
    fn shuffle_puts_equal_bytes_together() {
        assert_eq!(shuffle(&[1, 2, 3, 4, 5, 6, 7], 2), [1, 3, 5, 2, 4, 6, 7]);
    }

    #[test]
    fn shuffle_is_as_described_and_unshuffle_its_inverse() {
        for element_bytes in [1, 2, 3, 4, 5, 8, 12] {
            for length in [0, 1, 7, 8, 63, 64, 65, 255, 256, 257, 511, 1021, 4099] {
                let data = made(length);
                let shuffled = shuffle(&data, element_bytes);
                assert_eq!(shuffled, slow_shuffle(&data, element_bytes));
                let mut back = vec![0xAA; length];
                unshuffle(&shuffled, element_bytes, &mut back);
                assert_eq!(back, data, "{length} bytes, elements of {element_bytes}");
            }
        }
    }

    #[test]
    fn a_chunk_comes_back_through_each_pair_of_filters() {
        let data = made(40_004);
        for level in [1, 2, 9, 12] {
            for element_bytes in [1, 4, 8] {
                for shuffled in [false, true] {
                    let filters = Filters { shuffled, ..BOTH };
                    let packed = compress_chunk(&data, element_bytes, level, shuffled)
                        .expect("valid arguments");
                    assert!(packed.len() < data.len() / 2);
                    let mut back = vec![0xAA; data.len()];
                    decompress_chunk(&packed, element_bytes, filters, &mut back)
                        .expect("what was just made");
                    assert_eq!(back, data);
                }
            }
        }
        let mut back = vec![0xAA; data.len()];
        let raw = |shuffled| Filters {
            shuffled,
            deflated: false,
        };
        decompress_chunk(&shuffle(&data, 4), 4, raw(true), &mut back).expect("of equal length");
        assert_eq!(back, data);
        decompress_chunk(&data, 4, raw(false), &mut back).expect("of equal length");
        assert_eq!(back, data);
    }

    #[test]
    fn a_chunk_of_another_length_is_an_error() {
        let packed = compress_chunk(&made(400), 4, 2, true).expect("valid arguments");
        for (length, text) in [
            (396, "more bytes in a chunk: expected 396"),
            (404, "400 bytes in a chunk: expected 404"),
            (0, "more bytes in a chunk: expected 0"),
        ] {
            let error = decompress_chunk(&packed, 4, BOTH, &mut vec![0; length]);
            assert!(error.is_err_and(|error| error.to_string().contains(text)));
        }
        for shuffled in [false, true] {
            let raw = Filters {
                shuffled,
                deflated: false,
            };
            assert!(decompress_chunk(&[0; 8], 4, raw, &mut [0; 12]).is_err());
            assert!(decompress_chunk(&[0; 12], 4, raw, &mut [0; 8]).is_err());
        }
    }

    #[test]
    fn every_damaged_byte_and_every_cut_of_a_chunk_is_an_error() {
        let data = made(400);
        let packed = compress_chunk(&data, 4, 2, true).expect("valid arguments");
        let mut out = vec![0; data.len()];
        for at in 0..packed.len() {
            assert!(decompress_chunk(&packed[..at], 4, BOTH, &mut out).is_err());
            for bit in 0..8 {
                let mut damaged = packed.clone();
                damaged[at] ^= 1 << bit;
                // Some bits of the stream say nothing: then the samples are the right ones.
                if decompress_chunk(&damaged, 4, BOTH, &mut out).is_ok() {
                    assert_eq!(out, data, "byte {at}, bit {bit}");
                }
            }
        }
    }

    #[test]
    fn impossible_arguments_are_refused() {
        assert!(compress_chunk(&[], 0, 4, true).is_err());
        assert!(compress_chunk(&[], 4, 0, true).is_err());
        assert!(compress_chunk(&[], 4, 13, true).is_err());
        assert!(decompress_chunk(&[], 0, BOTH, &mut []).is_err());
    }
}
