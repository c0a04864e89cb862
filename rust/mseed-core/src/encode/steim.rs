//! Steim1 and Steim2 packing: as many differences into each word as fit (SEED manual 2.4,
//! appendix B).
//!
//! A word holds up to seven differences, and the more it holds the narrower they must be: for each
//! difference there is a largest number of differences that a word with it can hold, its *room*.
//! From the place `p` the first `n` differences fit one word when each of them has room for `n`, so
//! the longest word at `p` has `min over j of max(j, room[p + j])` differences. That is computed
//! for every place of a block at once, without a branch; packing then only steps from word to word.

use super::Packed;
use crate::decode::Encoding;
use crate::error::{Error, Kind};

const FRAME: usize = 64;

/// Places of a block: its arrays stay in the first-level cache.
const BLOCK: usize = 2048;

/// Most differences of a word, and so how far the choice of a word looks ahead.
const MOST: usize = 7;

/// Most differences of a frame: the block is filled anew before a frame may run past it.
const FRAME_MOST: usize = 15 * MOST;

/// Differences that fit 30 bits.
const THIRTY_BITS: std::ops::Range<i64> = -(1 << 29)..1 << 29;

/// How a word with a certain number of differences is put together. A difference is cut to its
/// bits by `mask` and moved to its place by `factor`, a power of two: vectors of every CPU multiply,
/// but not all shift by different amounts.
#[derive(Clone, Copy)]
pub(super) struct Packing {
    code: u32,
    high: u32,
    mask: [u32; 8],
    factor: [u32; 8],
}

const fn packing(count: usize, bits: u32, code: u32, high: u32) -> Packing {
    let (mut mask, mut factor) = ([0; 8], [0; 8]);
    let mut i = 0;
    while i < count {
        mask[i] = u32::MAX >> (32 - bits);
        factor[i] = 1 << (bits * (count - 1 - i) as u32);
        i += 1;
    }
    Packing {
        code,
        high,
        mask,
        factor,
    }
}

/// What tells Steim1 from Steim2.
pub(super) trait Variant {
    /// Most differences of a word.
    const TOP: u8;
    /// By number of differences.
    const PACKINGS: [Packing; 8];
    /// Room of a difference by its magnitude (of a negative one: minus one minus it).
    fn room(magnitude: i32) -> u8;
    /// The nearest lower number of differences that words come in.
    fn settle(count: usize) -> usize;
}

pub(super) struct Steim1;

impl Variant for Steim1 {
    const TOP: u8 = 4;
    const PACKINGS: [Packing; 8] = {
        let mut all = [packing(0, 32, 0, 0); 8];
        all[1] = packing(1, 32, 3, 0);
        all[2] = packing(2, 16, 2, 0);
        all[4] = packing(4, 8, 1, 0);
        all
    };

    #[inline(always)]
    fn room(magnitude: i32) -> u8 {
        1 + (magnitude < 1 << 15) as u8 + 2 * (magnitude < 1 << 7) as u8
    }

    #[inline(always)]
    fn settle(count: usize) -> usize {
        count - usize::from(count == 3)
    }
}

pub(super) struct Steim2;

impl Variant for Steim2 {
    const TOP: u8 = 7;
    const PACKINGS: [Packing; 8] = [
        packing(0, 32, 0, 0),
        packing(1, 30, 2, 1 << 30),
        packing(2, 15, 2, 2 << 30),
        packing(3, 10, 2, 3 << 30),
        packing(4, 8, 1, 0),
        packing(5, 6, 3, 0),
        packing(6, 5, 3, 1 << 30),
        packing(7, 4, 3, 2 << 30),
    ];

    #[inline(always)]
    fn room(magnitude: i32) -> u8 {
        (magnitude < 1 << 29) as u8
            + (magnitude < 1 << 14) as u8
            + (magnitude < 1 << 9) as u8
            + (magnitude < 1 << 7) as u8
            + (magnitude < 1 << 5) as u8
            + (magnitude < 1 << 4) as u8
            + (magnitude < 1 << 3) as u8
    }

    #[inline(always)]
    fn settle(count: usize) -> usize {
        count
    }
}

/// Difference that leads to sample `at`; the first one of a series leads from zero distance.
fn difference(samples: &[i32], at: usize) -> i64 {
    if at == 0 {
        0
    } else {
        i64::from(samples[at]) - i64::from(samples[at - 1])
    }
}

/// A series on its way into records, with the block of it that is being packed.
pub(super) struct Packer<'a> {
    samples: &'a [i32],
    /// First sample of the block.
    base: usize,
    /// Samples whose words are known: they may be packed without a look at the next block.
    known: usize,
    differences: Vec<u32>,
    rooms: Vec<u8>,
    counts: Vec<u8>,
}

impl<'a> Packer<'a> {
    pub(super) fn new(samples: &'a [i32]) -> Self {
        Self {
            samples,
            base: 0,
            known: 0,
            differences: vec![0; BLOCK + 8],
            rooms: vec![0; BLOCK + 8],
            counts: vec![0; BLOCK],
        }
    }

    /// Fill `payload` with whole frames of the samples from `from` on, at most `most` of them.
    ///
    /// # Errors
    /// [`Kind::Unfit`] when a difference does not fit.
    pub(super) fn pack<V: Variant>(
        &mut self,
        from: usize,
        most: usize,
        payload: &mut [u8],
    ) -> Result<Packed, Error> {
        let end = self.samples.len().min(from.saturating_add(most));
        self.need::<V>(from);
        self.begin_record::<V>(from);
        let (frames, _) = payload.as_chunks_mut::<FRAME>();
        let mut next = from;
        let mut done = 0;
        for frame in frames {
            if next == end {
                break;
            }
            self.need::<V>(next);
            let words = self.frame::<V>(&mut next, end, if done == 0 { 3 } else { 1 })?;
            for (bytes, word) in frame.as_chunks_mut::<4>().0.iter_mut().zip(words) {
                *bytes = word.to_be_bytes();
            }
            done += 1;
        }
        if done > 0 {
            payload[4..8].copy_from_slice(&self.samples[from].to_be_bytes());
            payload[8..12].copy_from_slice(&self.samples[next - 1].to_be_bytes());
        }
        Ok(Packed {
            npts: next - from,
            bytes: done * FRAME,
            frames: done,
        })
    }

    /// The words of one frame; `next` moves behind its last sample.
    #[inline]
    fn frame<V: Variant>(
        &self,
        next: &mut usize,
        end: usize,
        first_word: usize,
    ) -> Result<[u32; 16], Error> {
        let mut words = [0; 16];
        let mut codes = 0;
        for (at, place_of_word) in words.iter_mut().enumerate().skip(first_word) {
            if *next == end {
                break;
            }
            let place = *next - self.base;
            let count = V::settle(usize::from(self.counts[place]).min(end - *next));
            if count == 0 {
                return Err(self.unfit(*next));
            }
            let packing = &V::PACKINGS[count & 7];
            let mut word = packing.high;
            for (i, difference) in self.differences[place..place + 8].iter().enumerate() {
                word |= (difference & packing.mask[i]).wrapping_mul(packing.factor[i]);
            }
            *place_of_word = word;
            codes |= packing.code << (30 - 2 * at);
            *next += count;
        }
        words[0] = codes;
        Ok(words)
    }

    /// Make sure that the words of a frame that begins at `next` are known.
    #[inline]
    fn need<V: Variant>(&mut self, next: usize) {
        if next + FRAME_MOST > self.base + self.known && self.base + self.known < self.samples.len()
        {
            self.fill::<V>(next);
        }
    }

    /// Differences, rooms and longest words of the block that begins at `base`.
    fn fill<V: Variant>(&mut self, base: usize) {
        self.base = base;
        let rest = &self.samples[base..];
        let available = rest.len().min(BLOCK + MOST);
        let differences = &mut self.differences[..available];
        let rooms = &mut self.rooms[..available];
        let before = if base == 0 { 0 } else { base - 1 };
        let earlier = &self.samples[before..][..available];
        // The first sample of all leads from itself; all others from the one before.
        let skip = usize::from(base == 0);
        differences[..skip].fill(0);
        rooms[..skip].fill(V::TOP);
        let pairs = earlier.iter().zip(&rest[skip..available]);
        let made = differences[skip..].iter_mut().zip(&mut rooms[skip..]);
        for ((a, b), (difference, room)) in pairs.zip(made) {
            let d = b.wrapping_sub(*a);
            // All bits but the sign where the difference is beyond 32 bits.
            let beyond = (((a ^ b) & (b ^ d)) >> 31) & i32::MAX;
            *difference = d as u32;
            *room = V::room((d ^ (d >> 31)) | beyond);
        }
        // Behind the last sample there is room for nothing.
        self.rooms[available..].fill(0);
        self.known = available.min(BLOCK);
        let counts = &mut self.counts[..self.known];
        counts.fill(V::TOP);
        // Pass by pass and not place by place: each pass is one loop of vectors of bytes.
        for ahead in 0..MOST {
            for (count, room) in counts.iter_mut().zip(&self.rooms[ahead..]) {
                *count = (*count).min((*room).max(ahead as u8));
            }
        }
    }

    /// The first difference of a record is not needed to decode it: where it is beyond 30 bits it
    /// is written as zero.
    fn begin_record<V: Variant>(&mut self, from: usize) {
        if from < self.samples.len() && !THIRTY_BITS.contains(&difference(self.samples, from)) {
            let place = from - self.base;
            self.differences[place] = 0;
            self.rooms[place] = V::TOP;
            self.counts[place] = longest::<V>(&self.rooms, place);
        }
    }

    #[cold]
    fn unfit(&self, sample: usize) -> Error {
        Error::new(
            Kind::Unfit {
                encoding: Encoding::Steim2,
                sample,
                value: self.samples[sample],
                difference: Some(difference(self.samples, sample)),
            },
            0,
        )
    }
}

/// Most differences that a word which begins at `place` can hold.
fn longest<V: Variant>(rooms: &[u8], place: usize) -> u8 {
    let mut count = V::TOP;
    for ahead in 0..MOST {
        count = count.min(rooms[place + ahead].max(ahead as u8));
    }
    count
}
