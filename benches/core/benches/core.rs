//! Steim and plain decoding, the walk, and packing, against libmseed and the crates of others.
//! Equal samples first, then the clock.

use core_bench::{libmseed, series};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use mseed_core::decode::{Out, Path, Payload, decode_into_by, decode_payload};
use mseed_core::encode::{Header, HeaderV3, Samples, write_v2, write_v3};
use mseed_core::{Encoding, Item, Record, Walker};
use std::hint::black_box;

const NPTS: usize = 1_000_000;

fn header(encoding: Encoding, record_length: usize) -> Header<'static> {
    Header {
        network: "XX",
        station: "TEST",
        location: "",
        channel: "HHZ",
        quality: b'D',
        start_ns: 1_577_836_800_000_000_000,
        rate_hz: 100.0,
        encoding,
        record_length,
        sequence: 1,
    }
}

fn written(encoding: Encoding, record_length: usize, samples: &[i32]) -> Vec<u8> {
    let mut out = Vec::new();
    write_v2(
        &header(encoding, record_length),
        Samples::Int32(samples),
        &mut out,
    )
    .expect("the samples fit");
    out
}

fn written_v3(encoding: Encoding, samples: &[i32]) -> Vec<u8> {
    let header = HeaderV3 {
        network: "XX",
        station: "TEST",
        location: "",
        channel: "HHZ",
        version: 1,
        start_ns: 1_577_836_800_000_000_000,
        rate_hz: 100.0,
        encoding,
        max_record_length: 4096,
        extra_headers: b"",
    };
    let mut out = Vec::new();
    write_v3(&header, Samples::Int32(samples), &mut out).expect("the samples fit");
    out
}

fn records(bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    Walker::new(bytes).map(|item| match item {
        Item::Record(_, record) => record,
        Item::Skipped(skipped) => panic!("{skipped:?}"),
    })
}

/// Decode payloads whose records were parsed before.
fn payloads(path: Path, records: &[Record<'_>], out: &mut [i32]) -> usize {
    records
        .iter()
        .map(|record| {
            decode_payload(path, &record.encoded(), Out::Int32(out))
                .expect("decodes")
                .npts
        })
        .sum()
}

/// Walk and decode, one record after the other, into a buffer that is used again.
fn core(path: Path, bytes: &[u8], out: &mut [i32]) -> usize {
    records(bytes)
        .map(|record| {
            decode_into_by(path, &record, Out::Int32(out))
                .expect("decodes")
                .npts
        })
        .sum()
}

/// All samples of miniSEED 3 records, as mseedio gives them.
fn mseedio(bytes: &[u8]) -> Vec<i32> {
    let records = mseedio::MS3Volume::from_bytes(bytes.to_vec()).expect("reads");
    let samples = |record: mseedio::MS3Record| match record.data().expect("decodes") {
        mseedio::DecodedData::I32(samples) => samples,
        _ => Vec::new(),
    };
    records.into_iter().flat_map(samples).collect()
}

fn miniseed_rs(bytes: &[u8]) -> usize {
    miniseed_rs::MseedReader::new(bytes)
        .map(|record| match record.expect("reads").samples {
            miniseed_rs::Samples::Int(samples) => samples.len(),
            _ => 0,
        })
        .sum()
}

/// All samples of all rivals, before any of them is timed.
fn assert_equal(bytes: &[u8], samples: &[i32]) {
    let mut out = vec![0; 65_536];
    for path in Path::available() {
        let mut at = 0;
        for record in records(bytes) {
            decode_into_by(path, &record, Out::Int32(&mut out)).expect("decodes");
            assert_eq!(out[..record.npts], samples[at..at + record.npts]);
            at += record.npts;
        }
        assert_eq!(at, samples.len());
    }
    let mut at = 0;
    for record in records(bytes) {
        assert_eq!(libmseed::decode(record.bytes, &mut out), record.npts);
        assert_eq!(out[..record.npts], samples[at..at + record.npts]);
        at += record.npts;
    }
    let theirs: Vec<i32> = miniseed_rs::MseedReader::new(bytes)
        .flat_map(|record| match record.expect("reads").samples {
            miniseed_rs::Samples::Int(samples) => samples,
            _ => Vec::new(),
        })
        .collect();
    assert!(theirs == samples);
}

fn paths(group: &mut BenchmarkGroup<'_, WallTime>, run: impl Fn(Path)) {
    for path in Path::available() {
        group.bench_function(format!("mseed-core {path:?}"), |b| b.iter(|| run(path)));
    }
}

fn steim(c: &mut Criterion) {
    let samples = series::seismic(NPTS);
    for (encoding, length) in [
        (Encoding::Steim2, 512),
        (Encoding::Steim2, 4096),
        (Encoding::Steim1, 512),
        (Encoding::Steim1, 4096),
    ] {
        let bytes = written(encoding, length, &samples);
        assert_equal(&bytes, &samples);
        let mut group = c.benchmark_group(format!("decode {} {length}", encoding.name()));
        group.throughput(Throughput::Elements(NPTS as u64));
        let out = std::cell::RefCell::new(vec![0; 65_536]);
        paths(&mut group, |path| {
            black_box(core(path, black_box(&bytes), &mut out.borrow_mut()));
        });
        group.bench_function("libmseed", |b| {
            b.iter(|| libmseed::decode(black_box(&bytes), &mut out.borrow_mut()));
        });
        group.bench_function("miniseed-rs", |b| {
            b.iter(|| miniseed_rs(black_box(&bytes)));
        });
        group.finish();
        let parsed: Vec<_> = records(&bytes).collect();
        let mut group = c.benchmark_group(format!("payload {} {length}", encoding.name()));
        group.throughput(Throughput::Elements(NPTS as u64));
        paths(&mut group, |path| {
            black_box(payloads(path, black_box(&parsed), &mut out.borrow_mut()));
        });
        group.bench_function("libmseed", |b| {
            b.iter(|| {
                let out = &mut out.borrow_mut();
                let decode = |r: &Record<'_>| {
                    libmseed::decode_payload(r.payload(), encoding.code(), r.npts, out)
                };
                black_box(&parsed).iter().map(decode).sum::<usize>()
            });
        });
        group.finish();
    }
}

/// Say something, here and in the report.
fn note(text: &str) {
    eprintln!("{text}");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/criterion");
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(folder.join("notes.txt"))?;
        std::io::Write::write_all(&mut file, format!("{text}\n").as_bytes())
    });
    written.expect("the folder of the measurements can be written");
}

/// miniSEED 3, for the crate that reads nothing else.
fn version_3(c: &mut Criterion) {
    let samples = series::seismic(NPTS);
    for encoding in [Encoding::Steim2, Encoding::Steim1] {
        let bytes = written_v3(encoding, &samples);
        assert_equal(&bytes, &samples);
        let theirs = mseedio(&bytes);
        let is_equal = theirs == samples;
        if !is_equal {
            let same = theirs.iter().zip(&samples).take_while(|(a, b)| a == b);
            let (same, npts) = (same.count(), theirs.len());
            let name = encoding.name();
            note(&format!(
                "mseedio, {name}: {npts} samples of {NPTS}, the first {same} of them right: not timed"
            ));
        }
        let mut group = c.benchmark_group(format!("decode 3 {} 4096", encoding.name()));
        group.throughput(Throughput::Elements(NPTS as u64));
        let out = std::cell::RefCell::new(vec![0; 65_536]);
        paths(&mut group, |path| {
            black_box(core(path, black_box(&bytes), &mut out.borrow_mut()));
        });
        group.bench_function("libmseed", |b| {
            b.iter(|| libmseed::decode(black_box(&bytes), &mut out.borrow_mut()));
        });
        group.bench_function("miniseed-rs", |b| b.iter(|| miniseed_rs(black_box(&bytes))));
        if is_equal {
            group.bench_function("mseedio", |b| b.iter(|| mseedio(black_box(&bytes)).len()));
        }
        group.finish();
    }
}

/// Samples of a plain encoding in either byte order against copying their bytes: as many as in the
/// other groups, and those of one record of 4096 bytes, that stays in the first-level cache.
fn plain(c: &mut Criterion) {
    for (encoding, bytes) in [
        (Encoding::Int16, 2),
        (Encoding::Int32, 4),
        (Encoding::Float32, 4),
        (Encoding::Float64, 8),
    ] {
        for (what, npts) in [("series", NPTS), ("record", (4096 - 64) / bytes)] {
            for big_endian in [true, false] {
                let order = if big_endian { "big" } else { "little" };
                let mut group =
                    c.benchmark_group(format!("plain {} {order} {what}", encoding.name()));
                plain_group(&mut group, encoding, bytes * npts, npts, big_endian);
                group.finish();
            }
        }
    }
}

fn plain_group(
    group: &mut BenchmarkGroup<'_, WallTime>,
    encoding: Encoding,
    bytes: usize,
    npts: usize,
    big_endian: bool,
) {
    let bytes: Vec<u8> = (0..bytes).map(|i| (i * 7) as u8).collect();
    let payload = Payload {
        bytes: &bytes,
        encoding,
        big_endian,
        npts,
    };
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    let mut copied = vec![0; bytes.len()];
    group.bench_function("copy", |b| {
        b.iter(|| copied.copy_from_slice(black_box(&bytes)));
    });
    let (mut i, mut f, mut d) = (vec![0; npts], vec![0.0; npts], vec![0.0; npts]);
    for path in Path::available() {
        let out = match encoding {
            Encoding::Float32 => Out::Float32(&mut f),
            Encoding::Float64 => Out::Float64(&mut d),
            _ => Out::Int32(&mut i),
        };
        decode_payload(path, &payload, out).expect("decodes");
        let again: Vec<u8> = match encoding {
            Encoding::Int16 => i.iter().flat_map(|v| low_bytes(*v, big_endian)).collect(),
            Encoding::Int32 => ordered(&i, i32::to_be_bytes, big_endian),
            Encoding::Float32 => ordered(&f, f32::to_be_bytes, big_endian),
            _ => ordered(&d, f64::to_be_bytes, big_endian),
        };
        assert!(again == bytes, "{} by {path:?}", encoding.name());
        group.bench_function(format!("mseed-core {path:?}"), |b| {
            b.iter(|| {
                let out = match encoding {
                    Encoding::Float32 => Out::Float32(&mut f),
                    Encoding::Float64 => Out::Float64(&mut d),
                    _ => Out::Int32(&mut i),
                };
                decode_payload(path, black_box(&payload), out).expect("decodes")
            });
        });
    }
}

/// The bytes that samples were read from.
fn ordered<T: Copy, const N: usize>(
    samples: &[T],
    to_be: fn(T) -> [u8; N],
    big_endian: bool,
) -> Vec<u8> {
    let bytes = |sample: &T| {
        let mut bytes = to_be(*sample);
        if !big_endian {
            bytes.reverse();
        }
        bytes
    };
    samples.iter().flat_map(bytes).collect()
}

fn low_bytes(sample: i32, big_endian: bool) -> [u8; 2] {
    let low = i16::try_from(sample).expect("a 16-bit number");
    if big_endian {
        low.to_be_bytes()
    } else {
        low.to_le_bytes()
    }
}

/// What indexing does with bytes in memory: headers, no samples.
fn walk(c: &mut Criterion) {
    // More than the caches hold.
    let bytes = written(Encoding::Steim2, 512, &series::seismic(100_000_000));
    let mut group = c.benchmark_group("walk 512");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("mseed-core", |b| {
        b.iter(|| records(black_box(&bytes)).map(|r| r.npts).sum::<usize>());
    });
    group.finish();
}

fn pack(c: &mut Criterion) {
    let samples = series::seismic(NPTS);
    let mut theirs = vec![0; 8 * NPTS];
    for (encoding, length) in [
        (Encoding::Steim2, 512),
        (Encoding::Steim2, 4096),
        (Encoding::Steim1, 512),
    ] {
        let size = libmseed::pack(&samples, length, encoding.code(), &mut theirs);
        assert_equal(&theirs[..size], &samples);
        let mut ours = written(encoding, length, &samples);
        assert_equal(&ours, &samples);
        // The same strength: both take what fits into each word, one record more or less.
        assert!(
            ours.len() <= size + size / 500,
            "{} against {size}",
            ours.len()
        );
        let mut group = c.benchmark_group(format!("pack {} {length}", encoding.name()));
        group.throughput(Throughput::Elements(NPTS as u64));
        group.bench_function("mseed-core", |b| {
            b.iter(|| {
                ours.clear();
                let header = header(encoding, length);
                write_v2(&header, Samples::Int32(black_box(&samples)), &mut ours)
            });
        });
        group.bench_function("libmseed", |b| {
            b.iter(|| libmseed::pack(black_box(&samples), length, encoding.code(), &mut theirs));
        });
        group.finish();
    }
}

criterion_group!(benches, steim, version_3, plain, walk, pack);
criterion_main!(benches);
