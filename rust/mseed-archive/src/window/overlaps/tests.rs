use std::borrow::Cow;
use std::collections::HashMap;

use mseed_core::time::period_ns;
use mseed_core::{Encoding, SampleType};

use super::super::plan::{Run, chain_in_time};
use super::*;

const MS: i64 = 1_000_000;

fn age(scanned: i64) -> Age {
    Age {
        scanned_ns: Some(scanned),
        changed_ns: None,
    }
}

/// Records of integers, all of them in the first of as many buffers as there are ages.
#[derive(Default)]
struct Made {
    pieces: Vec<Piece>,
    bytes: Vec<u8>,
}

impl Made {
    /// A record of class (`version`, age number `buffer`).
    fn add(&mut self, start_ns: i64, rate_hz: f64, samples: &[i32], class: (u8, usize)) {
        let from = self.bytes.len();
        self.bytes
            .extend(samples.iter().flat_map(|s| s.to_le_bytes()));
        let bytes = self.bytes.len() - from;
        self.add_over(start_ns, rate_hz, (from, bytes), class);
    }

    /// The same, of samples that are there.
    fn add_over(
        &mut self,
        start_ns: i64,
        rate_hz: f64,
        (from, bytes): (usize, usize),
        (version, buffer): (u8, usize),
    ) {
        let npts = bytes / 4;
        self.pieces.push(Piece {
            source: SourceId::default(),
            quality: None,
            version,
            start_ns,
            end_ns: sample_time_ns(start_ns, rate_hz, npts as i64 - 1),
            near_leap_second: false,
            rate_hz,
            npts,
            skip: 0,
            record_npts: npts,
            sample_type: SampleType::Int32,
            encoding: Encoding::Int32,
            big_endian: false,
            header_fault: false,
            buffer,
            offset: self.pieces.len(),
            payload: (from, bytes),
            grid_start_ns: start_ns,
        });
    }

    /// What is left, and what was dropped.
    fn decide(&self, ages: &[Age]) -> (Vec<Piece>, Vec<Dropped>) {
        let in_window = |piece: &Piece, _| (0, piece.npts as i64 - 1);
        let policy = Policy {
            ages,
            keep_failed: true,
            in_window: &in_window,
        };
        // The bytes are the same in all buffers: a buffer stands for its row alone.
        let buffers: Vec<_> = ages
            .iter()
            .map(|_| Buffer {
                path: "".into(),
                base: 0,
                bytes: Cow::Borrowed(&self.bytes[..]),
                short: false,
                wholes: HashMap::new(),
            })
            .collect();
        let mut go_on = || true;
        let mut pieces = self.pieces.clone();
        let decided = policy.decide(&mut pieces, &buffers, &mut Ticker::new(&mut go_on));
        (pieces, decided.expect("nobody cancels").dropped)
    }
}

fn chain(pieces: Vec<Piece>) -> Vec<Run> {
    chain_in_time(pieces, &mut Ticker::new(&mut || true)).expect("nobody cancels")
}

/// Numbers below a bound, always the same ones.
fn numbers(mut state: u64) -> impl FnMut(u64) -> i64 {
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((state >> 33) % below) as i64
    }
}

fn half_ns(piece: &Piece) -> i64 {
    period_ns(piece.rate_hz) / 2
}

fn time_ns(piece: &Piece, at: usize) -> i64 {
    sample_time_ns(piece.start_ns, piece.rate_hz, at as i64)
}

/// The first of some pieces that has a sample at a time, or leaves no room there, with those before
/// it; and the number of its sample.
fn first_at(pieces: &[Piece], now_ns: i64) -> Option<(Piece, Option<usize>)> {
    let until = |p: &Piece| time_ns(p, p.npts - 1) + half_ns(p);
    let is_between = |a: &Piece, b: &Piece| {
        let gap_ns = b.start_ns - half_ns(b) - until(a);
        (0..=half_ns(a).min(half_ns(b))).contains(&gap_ns)
            && (until(a)..until(a) + gap_ns).contains(&now_ns)
    };
    (0..pieces.len()).find_map(|number| {
        let (piece, added) = (&pieces[number], &pieces[..=number]);
        let is_at = |n: &usize| {
            let distance_ns = now_ns - time_ns(piece, *n);
            (-half_ns(piece)..half_ns(piece)).contains(&distance_ns)
        };
        let sample = (0..piece.npts).find(is_at);
        let no_room = || added.iter().any(|a| added.iter().any(|b| is_between(a, b)));
        (sample.is_some() || no_room()).then_some((*piece, sample))
    })
}

/// Record and number of each sample that is left, and the counts, told sample by sample.
fn slowly(made: &Made, ages: &[Age]) -> (Vec<(usize, usize)>, Dropped) {
    let class = |piece: &Piece| (piece.version, ages[piece.buffer]);
    let value = |piece: &Piece, at: usize| {
        let from = piece.payload.0 + 4 * (piece.skip + at);
        &made.bytes[from..from + 4]
    };
    let mut dropped = Dropped {
        source: SourceId::default(),
        identical: 0,
        version: 0,
        scan: 0,
    };
    let mut ordered = made.pieces.clone();
    ordered.sort_by_key(|p| (std::cmp::Reverse(class(p)), p.order()));
    let mut left: Vec<Piece> = Vec::new();
    for of_class in ordered.chunk_by(|a, b| class(a) == class(b)) {
        let higher = left.clone();
        for piece in of_class {
            let mut is_left = |at: usize| {
                match first_at(&higher, time_ns(piece, at)) {
                    None => return true,
                    Some((other, Some(n)))
                        if other.rate_hz == piece.rate_hz
                            && value(&other, n) == value(piece, at) =>
                    {
                        dropped.identical += 1;
                    }
                    Some((other, _)) if other.version == piece.version => dropped.scan += 1,
                    Some(_) => dropped.version += 1,
                }
                false
            };
            let is_left: Vec<_> = (0..piece.npts).map(&mut is_left).collect();
            let mut from = 0;
            for part in is_left.chunk_by(|a, b| a == b) {
                if part[0] {
                    left.push(piece.part(from, part.len()));
                }
                from += part.len();
            }
        }
    }
    (samples_of(&left), dropped)
}

/// Record and number of each sample.
fn samples_of(pieces: &[Piece]) -> Vec<(usize, usize)> {
    let mut samples: Vec<_> = pieces
        .iter()
        .flat_map(|p| (p.skip..p.skip + p.npts).map(|at| (p.offset, at)))
        .collect();
    samples.sort_unstable();
    samples
}

#[test]
fn what_is_left_is_what_looking_at_each_sample_finds() {
    let mut draw = numbers(3);
    let (mut lost, mut cut, mut identical) = (0, 0, 0);
    for round in 0..1500 {
        // Every fifth time only versions differ, and record ends meet in fractions of a sample.
        let fractions = round % 5 == 0;
        let ages = if fractions {
            vec![age(1)]
        } else {
            vec![age(1), Age::default(), age(2)]
        };
        let mut made = Made::default();
        for _ in 0..2 + draw(8) {
            let mixed = !fractions && draw(6) == 0;
            let rate_hz = if mixed { 50.0 } else { 100.0 };
            let step_ms = if fractions { 1 } else { 5 };
            let start_ns = step_ms * draw(400 / step_ms as u64) * MS;
            let samples: Vec<_> = (0..1 + draw(30)).map(|_| draw(2) as i32).collect();
            let class = (1 + draw(3) as u8, draw(ages.len() as u64) as usize);
            made.add(start_ns, rate_hz, &samples, class);
        }
        let (left, dropped) = made.decide(&ages);
        let (expected, counts) = slowly(&made, &ages);
        assert_eq!(samples_of(&left), expected, "round {round}");
        let found = dropped.first().copied();
        assert_eq!(
            found,
            Some(counts).filter(|c| c.total() > 0),
            "round {round}"
        );
        for piece in &left {
            let whole = &made.pieces[piece.offset];
            let start_ns = sample_time_ns(whole.start_ns, whole.rate_hz, piece.skip as i64);
            assert_eq!((piece.start_ns, piece.grid_start_ns), (start_ns, start_ns));
            let end_ns = sample_time_ns(start_ns, whole.rate_hz, piece.npts as i64 - 1);
            assert_eq!(piece.end_ns, end_ns);
            cut += usize::from(piece.npts < whole.npts);
        }
        lost += counts.total();
        identical += counts.identical;
    }
    assert!(
        lost > 20_000 && cut > 1000 && identical > 5000,
        "{lost} {cut} {identical}"
    );
}

#[test]
fn a_run_inside_another_takes_the_place_of_as_many_samples_whatever_the_shift() {
    let rates = [100.0, 40.0, 1.0, 0.1, 62.5];
    for rate_hz in rates {
        let period_ns = period_ns(rate_hz);
        for shift in -100..100 {
            let mut made = Made::default();
            let start_ns = 50 * period_ns + shift * period_ns / 100;
            for record in 0..10 {
                let at = record * 20 * period_ns;
                made.add(at, rate_hz, &[0; 20], (2, 0));
            }
            for record in 0..3 {
                made.add(start_ns + record * 7 * period_ns, rate_hz, &[1; 7], (3, 0));
            }
            let (left, dropped) = made.decide(&[age(1)]);
            assert_eq!(dropped[0].version, 21);
            let runs = chain(left);
            let shape: Vec<_> = runs.iter().map(|run| (run.start_ns, run.npts)).collect();
            assert_eq!(
                shape,
                [(0, 200)],
                "{rate_hz} Hz, shifted by {shift} hundredths"
            );
        }
    }
}

#[test]
fn the_order_is_version_then_scan_then_change_and_what_is_unknown_is_oldest() {
    let at = |scanned_ns, changed_ns| Age {
        scanned_ns,
        changed_ns,
    };
    let rising = [
        at(None, None),
        at(None, Some(5)),
        at(Some(1), None),
        at(Some(1), Some(1)),
        at(Some(1), Some(2)),
        at(Some(2), None),
    ];
    for (low, high) in (0..6).zip(1..6) {
        let mut made = Made::default();
        made.add(0, 1.0, &[7, 8, 9], (2, high));
        made.add(0, 1.0, &[7, 0, 0], (2, low));
        let (left, dropped) = made.decide(&rising);
        assert_eq!(left, made.pieces[..1]);
        let Dropped {
            identical,
            version,
            scan,
            ..
        } = dropped[0];
        assert_eq!((identical, version, scan), (1, 0, 2));
    }
    let mut made = Made::default();
    made.add(0, 1.0, &[7, 8, 9], (2, 5));
    made.add(0, 1.0, &[7, 0, 0], (3, 0));
    let (left, dropped) = made.decide(&rising);
    assert_eq!((&left[..], dropped[0].version), (&made.pieces[1..], 2));
    // Nothing decides between rows of one age and version.
    made.pieces[1].version = 2;
    made.pieces[1].buffer = 5;
    let (left, dropped) = made.decide(&rising);
    assert_eq!((left, dropped), (made.pieces, vec![]));
}

#[test]
fn files_that_follow_each_other_lose_nothing() {
    // Each of its own class; the border is up to half a sample late or early.
    for late_ms in -4..=5 {
        let mut made = Made::default();
        made.add(0, 100.0, &[1; 100], (2, 1));
        made.add(1000 * MS + late_ms * MS, 100.0, &[2; 100], (2, 0));
        let (left, dropped) = made.decide(&[age(1), age(2)]);
        assert_eq!(dropped, []);
        assert_eq!(chain(left)[0].npts, 200);
    }
}

#[test]
fn thousands_of_overlapping_runs_take_no_time_to_speak_of() {
    let began = std::time::Instant::now();
    let ages: Vec<_> = (0..300).map(age).collect();
    let bytes = vec![0; 4 << 20];
    let made = || Made {
        bytes: bytes.clone(),
        ..Made::default()
    };
    // One long record with the times of 100,000 short ones that have gaps between them.
    let mut comb = made();
    comb.add_over(0, 100.0, (0, 4 << 20), (1, 0));
    for at in 0..100_000 {
        comb.add_over(at * 100 * MS, 100.0, (0, 8), (2, 0));
    }
    let (left, dropped) = comb.decide(&ages);
    assert_eq!(dropped[0].total(), 200_000);
    assert_eq!(left.len(), 200_000);
    let runs = chain(left);
    assert_eq!((runs.len(), runs[0].npts), (1, 1 << 20));
    // The same with one long record that counts, and 100,000 short ones of 300 classes.
    let mut long = made();
    long.add_over(0, 100.0, (0, 4 << 20), (3, 0));
    for at in 0..100_000 {
        long.add_over(at * 100 * MS, 100.0, (0, 8), (2, at as usize % 300));
    }
    assert_eq!(long.decide(&ages).0, long.pieces[..1]);
    // 300 files, each a millisecond later than the one before, with gaps of half a second. Before
    // each record of the newest, at 299 ms, single samples of others stay: 293 ms, 287 ms, and so on.
    let mut layers = made();
    for layer in 0..300 {
        for at in 0..300 {
            layers.add_over(
                (at * 1000 + layer) * MS,
                100.0,
                (0, 200),
                (2, layer as usize),
            );
        }
    }
    assert_eq!(layers.decide(&ages).0.len(), 300 * (1 + 49));
    let seconds = began.elapsed().as_secs_f64();
    assert!(seconds < 10.0, "{seconds} s");
}
