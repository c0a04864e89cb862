//! Any payload, encoding, byte order and number of samples: every path gives what the oracle gives.
//!
//! The last four bytes of an input say what the others are: encoding, byte order, number of samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mseed_core::decode::{Decoded, Out, Path, Payload, decode_payload, naive};
use mseed_core::{Encoding, Kind, SampleType, limits};

const ENCODINGS: [Encoding; 16] = [
    Encoding::Steim1,
    Encoding::Steim2,
    Encoding::Int16,
    Encoding::Int24,
    Encoding::Int32,
    Encoding::Float32,
    Encoding::Float64,
    Encoding::Text,
    Encoding::Geoscope24,
    Encoding::Geoscope16Exponent3,
    Encoding::Geoscope16Exponent4,
    Encoding::Cdsn,
    Encoding::Sro,
    Encoding::Dwwssn,
    Encoding::Opaque,
    Encoding::Other(19),
];

/// Samples behind the last one of the record: no path may touch them.
const GUARD: usize = 3;

/// What a payload gave: the bits of each sample and the kind of fault.
type Given = (Vec<u64>, Option<Kind>);

/// Decode into a buffer of one type that is a little too long.
fn decode_as<T: Copy + PartialEq>(
    path: Path,
    payload: &Payload<'_>,
    untouched: T,
    out: impl Fn(&mut [T]) -> Out<'_>,
    bits: impl Fn(T) -> u64,
) -> Given {
    let mut samples = vec![untouched; payload.npts + GUARD];
    let Decoded { npts, fault } =
        decode_payload(path, payload, out(&mut samples)).expect("the buffer is the right one");
    assert!(npts <= payload.npts);
    assert!(samples[payload.npts..].iter().all(|s| *s == untouched));
    let given = samples[..npts].iter().map(|s| bits(*s)).collect();
    (given, fault.map(|f| f.kind))
}

fn decode(path: Path, payload: &Payload<'_>, sample_type: SampleType) -> Given {
    match sample_type {
        SampleType::Int32 => decode_as(path, payload, 77, |s| Out::Int32(s), |v| v as u64),
        SampleType::Float32 => decode_as(
            path,
            payload,
            77.0,
            |s| Out::Float32(s),
            |v: f32| u64::from(v.to_bits()),
        ),
        SampleType::Float64 => decode_as(
            path,
            payload,
            77.0,
            |s| Out::Float64(s),
            |v: f64| v.to_bits(),
        ),
        SampleType::Text => decode_as(path, payload, 77, |s| Out::Text(s), u64::from),
    }
}

/// What the oracle says; `None` where there is none.
fn expected(payload: &Payload<'_>) -> Option<Given> {
    let (bytes, big_endian, npts) = (payload.bytes, payload.big_endian, payload.npts);
    let integers = |samples: Vec<i32>| samples.into_iter().map(|v| v as u64).collect();
    let samples: Vec<u64> = match payload.encoding {
        Encoding::Steim1 => return Some(expected_steim(1, payload)),
        Encoding::Steim2 => return Some(expected_steim(2, payload)),
        // DWWSSN is plain 16-bit numbers.
        Encoding::Int16 | Encoding::Dwwssn => integers(naive::integers(bytes, 2, big_endian, npts)),
        Encoding::Int24 => integers(naive::integers(bytes, 3, big_endian, npts)),
        Encoding::Int32 => integers(naive::integers(bytes, 4, big_endian, npts)),
        // GEOSCOPE 24-bit is plain 24-bit numbers, given as floats.
        Encoding::Geoscope24 => naive::integers(bytes, 3, big_endian, npts)
            .into_iter()
            .map(|v| u64::from((v as f32).to_bits()))
            .collect(),
        Encoding::Float32 => naive::float_bits(bytes, 4, big_endian, npts),
        Encoding::Float64 => naive::float_bits(bytes, 8, big_endian, npts),
        Encoding::Text => bytes.iter().take(npts).map(|b| u64::from(*b)).collect(),
        _ => return None,
    };
    let fault = (samples.len() < npts).then_some(Kind::ShortPayload {
        declared: npts,
        decoded: samples.len(),
    });
    Some((samples, fault))
}

fn expected_steim(version: u8, payload: &Payload<'_>) -> Given {
    let (bytes, declared) = (payload.bytes, payload.npts);
    let (samples, undefined, last) = naive::steim(version, bytes, payload.big_endian, declared);
    let decoded = samples.len();
    let fault = if undefined {
        Some(Kind::SteimCode { decoded })
    } else if decoded < declared {
        Some(Kind::ShortPayload { declared, decoded })
    } else {
        let differs = |decoded: &&i32| **decoded != last;
        let found = samples.last().filter(differs);
        found.map(|decoded| Kind::SteimLastSample {
            expected: last,
            decoded: *decoded,
        })
    };
    (samples.into_iter().map(|v| v as u64).collect(), fault)
}

/// The number of samples of a gain-ranged payload, which has no oracle here: the unit tests of the
/// core try each of the 65,536 words.
fn check_count(payload: &Payload<'_>, given: &Given) {
    let (samples, fault) = given;
    match fault {
        None => assert_eq!(samples.len(), payload.npts),
        Some(Kind::SroGain { found, decoded }) => {
            assert!(payload.encoding == Encoding::Sro && *found > 10);
            assert_eq!(samples.len(), *decoded);
        }
        Some(Kind::ShortPayload { declared, decoded }) => {
            assert_eq!((*declared, *decoded), (payload.npts, samples.len()));
            assert_eq!(samples.len(), payload.bytes.len() / 2);
        }
        Some(other) => panic!("{other:?}"),
    }
}

fn check(payload: &Payload<'_>) {
    let Ok(sample_type) = payload.encoding.sample_type() else {
        let mut out = vec![0; payload.npts];
        for path in Path::available() {
            assert!(decode_payload(path, payload, Out::Int32(&mut out)).is_err());
        }
        return;
    };
    let expected = expected(payload);
    let mut first = None;
    for path in Path::available() {
        let given = decode(path, payload, sample_type);
        match &expected {
            Some(expected) => assert_eq!(&given, expected, "{path:?}"),
            None => check_count(payload, &given),
        }
        assert_eq!(&given, first.get_or_insert(given.clone()), "{path:?}");
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((bytes, [encoding, order, npts @ ..])) = input.split_last_chunk::<4>() else {
        return;
    };
    let encoding = ENCODINGS[usize::from(encoding % 16)];
    // What does not fit is asked for, too, but not much of it: it costs time and finds nothing.
    let most = limits::max_samples(encoding, bytes.len()).min(1 << 16) + 20;
    check(&Payload {
        bytes,
        encoding,
        big_endian: order % 2 == 0,
        npts: usize::from(u16::from_le_bytes(*npts)) % most,
    });
});
