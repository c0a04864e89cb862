//! Bytes of one HDF5 chunk: shuffle, then deflate. No HDF5 library.

use libdeflater::{CompressionLvl, Compressor};

use crate::Error;

/// HDF5 shuffle filter: first bytes of all elements, then all second bytes, and so on. Bytes
/// behind the last whole element stay as they are, as the filter of the HDF5 library leaves them.
fn shuffle(data: &[u8], element_bytes: usize) -> Vec<u8> {
    let elements = data.len() / element_bytes;
    let mut out = Vec::with_capacity(data.len());
    for byte in 0..element_bytes {
        out.extend((0..elements).map(|i| data[i * element_bytes + byte]));
    }
    out.extend_from_slice(&data[elements * element_bytes..]);
    out
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
    if element_bytes == 0 {
        return Err(Error::Argument(
            "element size 0: expected at least 1".into(),
        ));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffle_puts_equal_bytes_together() {
        assert_eq!(shuffle(&[1, 2, 3, 4, 5, 6, 7], 2), [1, 3, 5, 2, 4, 6, 7]);
    }

    #[test]
    fn a_chunk_inflates_to_its_shuffled_bytes() {
        let data: Vec<u8> = (0..4000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        let packed = compress_chunk(&data, 4, 4, true).expect("valid arguments");
        assert!(packed.len() < data.len() / 3);
        let mut back = vec![0; data.len()];
        libdeflater::Decompressor::new()
            .zlib_decompress(&packed, &mut back)
            .expect("valid stream");
        assert_eq!(back, shuffle(&data, 4));
    }

    #[test]
    fn impossible_arguments_are_refused() {
        assert!(compress_chunk(&[], 0, 4, true).is_err());
        assert!(compress_chunk(&[], 4, 0, true).is_err());
        assert!(compress_chunk(&[], 4, 13, true).is_err());
    }
}
