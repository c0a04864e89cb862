//! Bytes of one HDF5 chunk: shuffle, then deflate, and back. No HDF5 library.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::Mutex;

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
fn shuffle(data: &[u8], element_bytes: usize, out: &mut [u8]) {
    match element_bytes {
        2 => shuffle_fixed::<2>(data, out),
        4 => shuffle_fixed::<4>(data, out),
        8 => shuffle_fixed::<8>(data, out),
        _ => shuffle_any(data, element_bytes, out),
    }
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
    TOOLS.with_borrow_mut(|tools| {
        let is_shuffled = shuffled && element_bytes > 1;
        if is_shuffled {
            tools.planes.resize(data.len(), 0);
            shuffle(data, element_bytes, &mut tools.planes);
        }
        let input = if is_shuffled { &tools.planes } else { data };
        let noise = if is_shuffled && i32::from(level) <= FAST_LEVELS {
            noisy_bytes(input, element_bytes)
        } else {
            0
        };
        let kept = tools.compressor.take().filter(|(of, _)| *of == level);
        let (_, compressor) = tools
            .compressor
            .insert(kept.unwrap_or_else(|| (level, Compressor::new(level))));
        let length = deflate(input, noise, compressor, &mut tools.out)?;
        let packed = tools.out[..length].to_vec();
        if data.len() > KEPT_BYTES {
            (tools.planes, tools.out) = (Vec::new(), Vec::new());
        }
        Ok(packed)
    })
}

/// What a thread keeps from one chunk to the next: fresh memory costs as much as shuffling.
#[derive(Default)]
struct Tools {
    planes: Vec<u8>,
    out: Vec<u8>,
    compressor: Option<(CompressionLvl, Compressor)>,
}

/// Of the largest chunk whose memory is kept.
const KEPT_BYTES: usize = 1 << 21;

thread_local! {
    static TOOLS: RefCell<Tools> = RefCell::default();
}

/// Up to this level speed counts more than size.
const FAST_LEVELS: i32 = 3;
/// Bits of information in a byte from which on a plane is noise. At these levels it is stored as it
/// is: deflate could save a sixteenth of it, for most of the time that a chunk takes, both ways.
const NOISE_BITS: f64 = 7.5;
/// Bytes of a plane that are looked at, in pieces from all over it.
const SAMPLED: usize = 16_384;
const PIECE: usize = 1024;

/// Length of the shuffled planes at the front that are noise: the lower bytes of the samples.
fn noisy_bytes(planes: &[u8], element_bytes: usize) -> usize {
    let elements = planes.len() / element_bytes;
    if elements < SAMPLED {
        return 0;
    }
    let noisy = planes
        .chunks_exact(elements)
        .take_while(|plane| is_noise(plane));
    noisy.count() * elements
}

/// Whether neither the single bytes nor their order hold anything that deflate could use.
fn is_noise(plane: &[u8]) -> bool {
    let mut counts = [0u32; 256];
    let mut repeated = 0;
    let pieces = SAMPLED / PIECE;
    for number in 0..pieces {
        let at = (plane.len() - PIECE) * number / (pieces - 1);
        let piece = &plane[at..at + PIECE];
        for &byte in piece {
            counts[usize::from(byte)] += 1;
        }
        repeated += piece.windows(2).filter(|pair| pair[0] == pair[1]).count();
    }
    let shares = counts.iter().map(|&n| f64::from(n) / SAMPLED as f64);
    let bits: f64 = shares
        .filter(|&share| share > 0.0)
        .map(|share| -share * share.log2())
        .sum();
    // A slow wave goes through all values, and stays at each for a while.
    bits >= NOISE_BITS && repeated < SAMPLED / 8
}

/// A zlib stream into `out`, of which the first `noise` bytes are in stored blocks; its length.
fn deflate(
    input: &[u8],
    noise: usize,
    compressor: &mut Compressor,
    out: &mut Vec<u8>,
) -> Result<usize, Error> {
    const HEADER: [u8; 2] = [0x78, 0x01];
    const CHECKSUM: usize = 4;
    const MOST_STORED: usize = 65_535;
    let (noise, rest) = input.split_at(noise);
    let stored = noise.len() + 5 * noise.len().div_ceil(MOST_STORED);
    let bound = HEADER.len() + stored + compressor.deflate_compress_bound(rest.len()) + CHECKSUM;
    if out.len() < bound {
        out.resize(bound, 0);
    }
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&HEADER);
    for block in noise.chunks(MOST_STORED) {
        let length = block.len() as u16;
        put(&[0]); // not the last block, stored
        put(&length.to_le_bytes());
        put(&(!length).to_le_bytes());
        put(block);
    }
    at += compressor
        .deflate_compress(rest, &mut out[at..])
        .map_err(|_| Error::Argument("the deflate bound is too small for the chunk".into()))?;
    out[at..at + CHECKSUM].copy_from_slice(&libdeflater::adler32(input).to_be_bytes());
    Ok(at + CHECKSUM)
}

/// A chunk to be undone: its stored bytes, and where its samples go, which has its full length.
#[derive(Debug)]
pub struct StoredChunk<'a> {
    /// The bytes in the file.
    pub stored: &'a [u8],
    /// Size of a sample.
    pub element_bytes: usize,
    /// What was done to the samples.
    pub filters: Filters,
    /// Memory for the samples.
    pub out: &'a mut [u8],
}

/// Of samples, for each thread: with less, it costs more than it saves.
const BYTES_FOR_A_THREAD: usize = 1 << 20;

/// Undo chunks, on `threads` threads where that pays.
///
/// # Errors
/// The number of the first chunk that failed, and why; then all memory for samples holds anything.
pub fn decompress_chunks(
    chunks: Vec<StoredChunk<'_>>,
    threads: usize,
) -> Result<(), (usize, Error)> {
    let bytes: usize = chunks.iter().map(|chunk| chunk.out.len()).sum();
    let useful = chunks.len().min(bytes / BYTES_FOR_A_THREAD);
    let threads = threads.min(useful).max(1);
    let queue = Mutex::new(chunks.into_iter().enumerate());
    let work = || {
        let mut planes = Vec::new();
        loop {
            let next = queue.lock().map(|mut queue| queue.next()).unwrap_or(None);
            let Some((number, chunk)) = next else {
                return Ok(());
            };
            decompress(chunk, &mut planes).map_err(|error| (number, error))?;
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut results = vec![work()];
        for other in others {
            // A panic of a thread is one of the caller.
            results.push(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        let failures = results.into_iter().filter_map(Result::err);
        failures
            .min_by_key(|(number, _)| *number)
            .map_or(Ok(()), Err)
    })
}

/// One chunk; `planes` is memory that is used again.
fn decompress(chunk: StoredChunk<'_>, planes: &mut Vec<u8>) -> Result<(), Error> {
    let StoredChunk {
        stored,
        element_bytes,
        filters,
        out,
    } = chunk;
    check_element(element_bytes)?;
    let shuffled = filters.shuffled && element_bytes > 1;
    match (filters.deflated, shuffled) {
        (true, true) => {
            planes.resize(out.len(), 0);
            inflate(stored, planes)?;
            unshuffle(planes, element_bytes, out);
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

    fn shuffled(data: &[u8], element_bytes: usize) -> Vec<u8> {
        let mut out = vec![0xAA; data.len()];
        shuffle(data, element_bytes, &mut out);
        out
    }

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

    fn decompress_chunk(
        stored: &[u8],
        element_bytes: usize,
        filters: Filters,
        out: &mut [u8],
    ) -> Result<(), Error> {
        let chunk = StoredChunk {
            stored,
            element_bytes,
            filters,
            out,
        };
        decompress(chunk, &mut Vec::new())
    }

    /// Bytes below a limit, each as often as any other.
    fn noise(length: usize, values: u32) -> Vec<u8> {
        let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        let states = std::iter::successors(Some(7), next).take(length);
        states.map(|state| ((state >> 16) % values) as u8).collect()
    }

    fn made(length: usize) -> Vec<u8> {
        let low = noise(length.div_ceil(4), 256);
        let byte = |i: usize| if i.is_multiple_of(4) { low[i / 4] } else { 0 };
        (0..length).map(byte).collect()
    }

    #[test]
    fn shuffle_puts_equal_bytes_together() {
        assert_eq!(shuffled(&[1, 2, 3, 4, 5, 6, 7], 2), [1, 3, 5, 2, 4, 6, 7]);
    }

    #[test]
    fn shuffle_is_as_described_and_unshuffle_its_inverse() {
        for element_bytes in [1, 2, 3, 4, 5, 8, 12] {
            for length in [0, 1, 7, 8, 63, 64, 65, 255, 256, 257, 511, 1021, 4099] {
                let data = made(length);
                let planes = shuffled(&data, element_bytes);
                assert_eq!(planes, slow_shuffle(&data, element_bytes));
                let mut back = vec![0xAA; length];
                unshuffle(&planes, element_bytes, &mut back);
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
        decompress_chunk(&shuffled(&data, 4), 4, raw(true), &mut back).expect("of equal length");
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

    #[test]
    fn many_chunks_on_many_threads_are_those_of_one() {
        let data = made(1 << 19);
        let packed = compress_chunk(&data, 4, 2, true).expect("valid arguments");
        for threads in [0, 1, 3, 100] {
            let mut outs = vec![vec![0xAA; data.len()]; 7];
            let chunks = outs.iter_mut().map(|out| StoredChunk {
                stored: &packed,
                element_bytes: 4,
                filters: BOTH,
                out,
            });
            decompress_chunks(chunks.collect(), threads).expect("what was just made");
            assert!(outs.iter().all(|out| *out == data));
        }
        decompress_chunks(Vec::new(), 2).expect("nothing to do");
    }

    #[test]
    fn the_first_of_many_chunks_that_is_damaged_is_named() {
        let data = made(1 << 19);
        let packed = compress_chunk(&data, 4, 2, true).expect("valid arguments");
        for threads in [1, 3] {
            let mut outs = vec![vec![0; data.len()]; 7];
            let chunks = outs
                .iter_mut()
                .enumerate()
                .map(|(number, out)| StoredChunk {
                    stored: if number < 4 { &packed } else { &packed[..9] },
                    element_bytes: 4,
                    filters: BOTH,
                    out,
                });
            let failure = decompress_chunks(chunks.collect(), threads);
            assert_eq!(failure.expect_err("three are damaged").0, 4);
        }
    }

    /// Samples whose lowest byte is noise, and whose second byte rises slowly through all values.
    fn noise_on_a_slow_wave(samples: usize) -> Vec<u8> {
        let low = noise(samples, 256);
        let sample = |i: usize| [low[i], (i / 150) as u8, 0, 0];
        (0..samples).flat_map(sample).collect()
    }

    #[test]
    fn only_noise_is_stored_and_only_at_the_fast_levels() {
        let data = noise_on_a_slow_wave(70_000);
        let planes = shuffled(&data, 4);
        assert_eq!(noisy_bytes(&planes, 4), 70_000);
        let packed = compress_chunk(&data, 4, FAST_LEVELS, true).expect("valid arguments");
        assert_eq!(packed[..7], [0x78, 0x01, 0, 0xFF, 0xFF, 0, 0]);
        assert_eq!(packed[7..7 + 65_535], planes[..65_535]);
        assert!(packed.len() < 72_000);
        let small = compress_chunk(&data, 4, FAST_LEVELS + 1, true).expect("valid arguments");
        assert_ne!(small[..7], packed[..7]);
    }

    #[test]
    fn a_chunk_with_stored_planes_comes_back() {
        let all_noise = noise(4 * 20_000, 256);
        assert_eq!(noisy_bytes(&shuffled(&all_noise, 4), 4), all_noise.len());
        for data in [noise_on_a_slow_wave(70_000), all_noise] {
            let packed = compress_chunk(&data, 4, 1, true).expect("valid arguments");
            let mut back = vec![0xAA; data.len()];
            decompress_chunk(&packed, 4, BOTH, &mut back).expect("what was just made");
            assert_eq!(back, data);
        }
    }

    #[test]
    fn a_plane_of_which_deflate_saves_a_sixteenth_is_no_noise() {
        // 7.3 and 7.7 bits in a byte.
        for (values, expected) in [(128, false), (160, false), (208, true), (256, true)] {
            assert_eq!(is_noise(&noise(70_000, values)), expected, "{values}");
        }
    }

    #[test]
    fn a_plane_where_one_byte_in_eight_is_that_before_is_no_noise() {
        for (every, expected) in [(2, false), (3, false), (7, false), (9, true)] {
            let mut plane = noise(70_000, 256);
            for at in (1..plane.len()).filter(|at| at % every == 0) {
                plane[at] = plane[at - 1];
            }
            assert_eq!(is_noise(&plane), expected, "every {every}th");
        }
    }

    #[test]
    fn a_plane_with_noise_in_one_half_is_none() {
        for quiet in [0..35_000, 17_500..52_500, 35_000..70_000] {
            let mut plane = noise(70_000, 256);
            plane[quiet.clone()].fill(0);
            assert!(!is_noise(&plane), "{quiet:?}");
        }
    }

    #[test]
    fn a_level_is_that_of_a_thread_that_knows_no_other() {
        let data = noise_on_a_slow_wave(10_000);
        let packed = |level| compress_chunk(&data, 4, level, true).expect("valid arguments");
        assert_ne!(packed(1), packed(9));
        for level in [1, 9, 12, 2] {
            let alone = std::thread::scope(|scope| scope.spawn(|| packed(level)).join());
            assert_eq!(packed(level), alone.expect("no panic"), "level {level}");
        }
    }
}
