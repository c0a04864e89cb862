//! What is written is read back: samples, rate, times and codes, in every encoding and version; and
//! Steim is packed as the oracle packs it.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mseed_core::decode::{Out, Path, decode_into_by};
use mseed_core::encode::{Header, HeaderV3, Samples, naive, with_fallback, write_v2, write_v3};
use mseed_core::{Encoding, Error, FormatVersion, Kind, Record, time};

/// Samples of a series, at the most.
const MOST_SAMPLES: usize = 20_000;

/// Samples that the header of miniSEED 2 counts.
const MOST_SAMPLES_V2: usize = 65_535;

const FRAME: usize = 64;

/// Stands in the output before anything is written.
const BEFORE: &[u8] = b"before";

#[derive(Debug, Arbitrary)]
struct Case {
    v3: bool,
    encoding: Written,
    /// Record length of miniSEED 2, as a power of two, and the longest one of miniSEED 3.
    exponent: u8,
    longer: u16,
    start: Start,
    rate: Rate,
    codes: Codes,
    quality: u8,
    version: u8,
    sequence: u32,
    extra: Vec<u8>,
    stretches: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Written {
    Steim1,
    Steim2,
    Int16,
    Int32,
    NarrowAs(Wide),
    Float32,
    Float64,
    Text,
    /// A code that may be none that is written.
    Code(u8),
}

/// What 16-bit samples are written as.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Wide {
    Steim1,
    Steim2,
    Int16,
    Int32,
}

#[derive(Debug, Arbitrary)]
enum Start {
    Any(i64),
    /// Seconds and nanoseconds.
    Near(i32, u32),
}

#[derive(Debug, Arbitrary)]
enum Rate {
    Whole(u16),
    Period(u16),
    Ratio(u16, u16),
    Any(f64),
}

#[derive(Debug, Arbitrary)]
enum Codes {
    Usual,
    Long,
    Any([String; 4]),
}

/// Steps of a certain number of bits; a jump to anywhere at the end.
#[derive(Debug, Arbitrary)]
struct Stretch {
    bits: u8,
    times: u8,
    seed: u32,
    jump: Option<i32>,
}

/// All that is written, in each type.
#[derive(Default)]
struct Series {
    wide: Vec<i32>,
    narrow: Vec<i16>,
    single: Vec<f32>,
    double: Vec<f64>,
    text: Vec<u8>,
}

impl Series {
    fn new(stretches: &[Stretch]) -> Self {
        let mut value = 0i32;
        let mut wide = Vec::new();
        for stretch in stretches {
            let mut state = stretch.seed;
            for _ in 0..stretch.times {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                value = value.wrapping_add(state as i32 >> (31 - stretch.bits % 32));
                wide.push(value);
            }
            value = stretch.jump.unwrap_or(value);
        }
        wide.truncate(MOST_SAMPLES);
        let bits = |v: &i32| (*v as u32).wrapping_mul(0x9E37_79B1);
        Self {
            narrow: wide.iter().map(|v| *v as i16).collect(),
            single: wide.iter().map(|v| f32::from_bits(bits(v))).collect(),
            double: wide
                .iter()
                .map(|v| f64::from_bits(u64::from(bits(v)) << 32 | u64::from(*v as u32)))
                .collect(),
            text: wide.iter().map(|v| *v as u8).collect(),
            wide,
        }
    }
}

impl Written {
    fn of<'a>(&self, series: &'a Series) -> (Encoding, Samples<'a>) {
        let wide = Samples::Int32(&series.wide);
        let narrow = Samples::Int16(&series.narrow);
        match self {
            Self::Steim1 => (Encoding::Steim1, wide),
            Self::Steim2 => (Encoding::Steim2, wide),
            Self::Int16 => (Encoding::Int16, wide),
            Self::Int32 => (Encoding::Int32, wide),
            Self::NarrowAs(Wide::Steim1) => (Encoding::Steim1, narrow),
            Self::NarrowAs(Wide::Steim2) => (Encoding::Steim2, narrow),
            Self::NarrowAs(Wide::Int16) => (Encoding::Int16, narrow),
            Self::NarrowAs(Wide::Int32) => (Encoding::Int32, narrow),
            Self::Float32 => (Encoding::Float32, Samples::Float32(&series.single)),
            Self::Float64 => (Encoding::Float64, Samples::Float64(&series.double)),
            Self::Text => (Encoding::Text, Samples::Text(&series.text)),
            Self::Code(code) => (Encoding::from_code(*code), wide),
        }
    }
}

/// The same with all that a writer takes.
struct Job<'a> {
    v3: bool,
    header: Header<'a>,
    header_v3: HeaderV3<'a>,
    samples: Samples<'a>,
}

impl<'a> Job<'a> {
    fn new(case: &'a Case, encoding: Encoding, samples: Samples<'a>) -> Self {
        let codes = match &case.codes {
            Codes::Usual => ["XX", "TEST", "00", "HHZ"],
            Codes::Long => ["NETWORK", "STATION2026", "0123", "L_H_ZZ"],
            Codes::Any(codes) => codes.each_ref().map(String::as_str),
        };
        let start_ns = match case.start {
            Start::Any(ns) => ns,
            Start::Near(seconds, ns) => i64::from(seconds) * time::NS_PER_S + i64::from(ns),
        };
        let rate_hz = match case.rate {
            Rate::Whole(hertz) => f64::from(hertz),
            Rate::Period(seconds) => 1.0 / f64::from(seconds),
            Rate::Ratio(above, below) => f64::from(above) / f64::from(below),
            Rate::Any(hertz) => hertz,
        };
        let [network, station, location, channel] = codes;
        let record_length = 1 << (7 + case.exponent % 11);
        let header = Header {
            network,
            station,
            location,
            channel,
            quality: b"DRQMX"[usize::from(case.quality) % 5],
            start_ns,
            rate_hz,
            encoding,
            record_length,
            sequence: case.sequence % 1_000_001,
        };
        let header_v3 = HeaderV3 {
            network,
            station,
            location,
            channel,
            version: case.version,
            start_ns,
            rate_hz,
            encoding,
            max_record_length: record_length + usize::from(case.longer),
            extra_headers: &case.extra,
        };
        Self {
            v3: case.v3,
            header,
            header_v3,
            samples,
        }
    }

    fn write(&self, encoding: Encoding) -> (Vec<u8>, Result<(), Error>) {
        let mut out = BEFORE.to_vec();
        let result = if self.v3 {
            let header = HeaderV3 {
                encoding,
                ..self.header_v3
            };
            write_v3(&header, self.samples, &mut out)
        } else {
            let header = Header {
                encoding,
                ..self.header
            };
            write_v2(&header, self.samples, &mut out)
        };
        (out, result)
    }

    fn check(&self) {
        let encoding = self.header.encoding;
        let (out, result) = self.write(encoding);
        assert!(out.starts_with(BEFORE));
        match result {
            Ok(()) => self.check_records(&out[BEFORE.len()..]),
            Err(error) => {
                assert_eq!(out, BEFORE, "{error}");
                self.check_error(&error);
            }
        }
    }

    /// Whether nothing speaks against writing this, but perhaps the samples.
    fn is_possible(&self) -> bool {
        let header = &self.header;
        let codes = header.network == "XX" || (self.v3 && header.network == "NETWORK");
        let rate = (1e-3..=1e6).contains(&header.rate_hz);
        // 20,000 samples of 1000 s are less than a year.
        let years = [1900, 2099].map(|year| time::from_ordinal(year, 1, 0, 0, 0, 0));
        let times = (years[0]..years[1]).contains(&header.start_ns);
        let encoding = matches!(
            (self.samples, header.encoding.code()),
            (Samples::Int16(_) | Samples::Int32(_), 1 | 3 | 10 | 11)
                | (Samples::Float32(_), 4)
                | (Samples::Float64(_), 5)
                | (Samples::Text(_), 0)
        );
        // Fixed header, source identifier, extra headers, a frame.
        let head = 40 + 60 + self.header_v3.extra_headers.len() + FRAME;
        let rest = if self.v3 {
            header.network.len() < 9 && self.header_v3.max_record_length >= head
        } else {
            header.quality != b'X'
                && (1..=999_999).contains(&header.sequence)
                && header.record_length >= 256
        };
        codes && rate && times && encoding && rest
    }

    /// What does not fit really does not, and is written with another encoding.
    fn check_error(&self, error: &Error) {
        let Kind::Unfit {
            encoding,
            sample,
            value,
            difference,
        } = error.kind
        else {
            assert!(matches!(error.kind, Kind::Argument(_)), "{error}");
            assert!(!self.is_possible(), "{error}");
            return;
        };
        let Samples::Int32(samples) = self.samples else {
            panic!("{error}");
        };
        assert_eq!((encoding, value), (self.header.encoding, samples[sample]));
        match difference {
            None => assert!(encoding == Encoding::Int16 && i16::try_from(value).is_err()),
            Some(found) => {
                let before = i64::from(samples[sample - 1]);
                assert_eq!(found, i64::from(value) - before);
                assert!(encoding == Encoding::Steim2 && !(-(1 << 29)..1 << 29).contains(&found));
            }
        }
        let fallen_back = with_fallback(encoding, |encoding| {
            let (out, result) = self.write(encoding);
            result.map(|()| (encoding, out))
        });
        let (encoding, out) = fallen_back.expect("32 bits hold all");
        let (header, header_v3) = (self.header, self.header_v3);
        let job = Job {
            header: Header { encoding, ..header },
            header_v3: HeaderV3 {
                encoding,
                ..header_v3
            },
            ..*self
        };
        job.check_records(&out[BEFORE.len()..]);
    }

    fn check_records(&self, bytes: &[u8]) {
        let (mut at, mut done) = (0, 0);
        while at < bytes.len() {
            // A record stands for itself: the walk would ask what the samples look like.
            let alone = if self.v3 {
                &bytes[at..]
            } else {
                &bytes[at..at + self.header.record_length]
            };
            let record = Record::parse(alone).expect("what was written is a record");
            assert_eq!(record.fault, None);
            assert!(record.npts > 0);
            self.check_header(&record, done);
            self.check_samples(&record, done);
            self.check_packing(&record, done);
            at += record.bytes.len();
            done += record.npts;
        }
        assert_eq!((at, done), (bytes.len(), self.samples.len()));
    }

    fn check_header(&self, record: &Record<'_>, done: usize) {
        let header = &self.header;
        let source = &record.source;
        assert_eq!(source.network.as_str(), header.network);
        assert_eq!(source.station.as_str(), header.station);
        assert_eq!(source.location.as_str(), header.location);
        assert_eq!(
            source.channel.as_str().replace('_', ""),
            header.channel.replace('_', "")
        );
        assert_eq!(record.encoding, header.encoding);
        let at_ns = time::sample_time_ns(header.start_ns, header.rate_hz, done as i64);
        let off_ns = record.start_ns.abs_diff(at_ns);
        let off = if header.rate_hz == record.rate_hz {
            0.0
        } else {
            (record.rate_hz / header.rate_hz - 1.0).abs()
        };
        if self.v3 {
            assert_eq!(record.format, FormatVersion::V3);
            assert_eq!(record.version, self.header_v3.version);
            assert_eq!(record.extra_headers, self.header_v3.extra_headers);
            assert!(record.bytes.len() <= self.header_v3.max_record_length);
            assert_eq!(off_ns, 0);
            assert!(off < 1e-15, "{}: {}", header.rate_hz, record.rate_hz);
        } else {
            assert_eq!(record.format, FormatVersion::V2);
            assert_eq!(record.quality, Some(header.quality));
            assert_eq!(record.bytes.len(), header.record_length);
            assert!(off_ns <= 500, "{off_ns} ns");
            assert!(off < 6e-8, "{}: {}", header.rate_hz, record.rate_hz);
        }
    }

    fn check_samples(&self, record: &Record<'_>, done: usize) {
        let to = done + record.npts;
        for path in Path::available() {
            match self.samples {
                Samples::Int16(s) => {
                    let found = decoded(path, record, |out| Out::Int32(out));
                    assert!(
                        found
                            .iter()
                            .copied()
                            .eq(s[done..to].iter().map(|v| i32::from(*v)))
                    );
                }
                Samples::Int32(s) => {
                    assert_eq!(decoded(path, record, |out| Out::Int32(out)), s[done..to]);
                }
                Samples::Float32(s) => {
                    let found = decoded(path, record, |out| Out::Float32(out));
                    let bits = |v: &f32| v.to_bits();
                    assert!(found.iter().map(bits).eq(s[done..to].iter().map(bits)));
                }
                Samples::Float64(s) => {
                    let found = decoded(path, record, |out| Out::Float64(out));
                    let bits = |v: &f64| v.to_bits();
                    assert!(found.iter().map(bits).eq(s[done..to].iter().map(bits)));
                }
                Samples::Text(s) => {
                    assert_eq!(decoded(path, record, |out| Out::Text(out)), s[done..to]);
                }
            }
        }
    }

    /// The payload of a Steim record is what the oracle packs into the room that there was.
    fn check_packing(&self, record: &Record<'_>, done: usize) {
        let samples: Vec<i32> = match self.samples {
            Samples::Int16(s) => s.iter().map(|v| i32::from(*v)).collect(),
            Samples::Int32(s) => s.to_vec(),
            _ => return,
        };
        let pack = match record.encoding {
            Encoding::Steim1 => naive::pack1,
            Encoding::Steim2 => naive::pack2,
            _ => return,
        };
        let (room, most) = if self.v3 {
            (
                self.header_v3.max_record_length - record.payload_start,
                usize::MAX,
            )
        } else {
            (record.payload().len(), MOST_SAMPLES_V2)
        };
        let mut payload = vec![0; room];
        let packed = pack(&samples, done, most.min(samples.len()), &mut payload);
        let (npts, frames) = packed.expect("the fast one packed it");
        assert_eq!(npts, record.npts);
        if self.v3 {
            payload.truncate(frames * FRAME);
        }
        assert!(payload == record.payload(), "record from sample {done}");
    }
}

fn decoded<T: Clone + Default>(
    path: Path,
    record: &Record<'_>,
    out: impl Fn(&mut [T]) -> Out<'_>,
) -> Vec<T> {
    let mut samples = vec![T::default(); record.npts];
    let given =
        decode_into_by(path, record, out(&mut samples)).expect("the buffer is the right one");
    assert_eq!((given.fault, given.npts), (None, record.npts), "{path:?}");
    samples
}

fuzz_target!(|case: Case| {
    let series = Series::new(&case.stretches);
    let (encoding, samples) = case.encoding.of(&series);
    Job::new(&case, encoding, samples).check();
});
