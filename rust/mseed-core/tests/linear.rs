//! The work of a walk is linear in the length of the bytes, whatever they are.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod common;

use std::time::{Duration, Instant};

use common::{noise, sign, v2, v3};
use mseed_core::{Item, Walker, limits};

const MIB: usize = 1024 * 1024;

/// Bytes that cost a walk more than they should, by their length.
type Hostile = (&'static str, Box<dyn Fn(usize) -> Vec<u8>>);

fn repeated(unit: &[u8], length: usize) -> Vec<u8> {
    unit.iter().copied().cycle().take(length).collect()
}

/// A miniSEED 3 header that declares a payload of nearly 10 MiB.
fn long_v3(period: usize) -> Vec<u8> {
    let mut record = v3(1, "AAA", 30);
    record[36..40].copy_from_slice(&(10 * MIB as u32 - 2000).to_le_bytes());
    record.resize(period.max(60), 0xEE);
    if period < 60 {
        // The identifier of one is the header of the next: only a short one fits in between.
        record.truncate(period);
        record[33] = 0;
    }
    record
}

/// A miniSEED 2 header whose chain of blockettes is as long as it may be, without a blockette 1000.
fn chained(period: usize) -> Vec<u8> {
    let mut record = v2(1, "AAA", 512)[..64.min(period)].to_vec();
    record.resize(period, 0);
    record[46..48].copy_from_slice(&48u16.to_be_bytes());
    record
}

/// A page of blockettes of type 1, four bytes apart, behind a header.
fn chain_page() -> Vec<u8> {
    let mut page = v2(1, "AAA", 512)[..48].to_vec();
    page[46..48].copy_from_slice(&48u16.to_be_bytes());
    for number in 0..255u16 {
        page.extend(1u16.to_be_bytes());
        page.extend((52 + 4 * number).to_be_bytes());
    }
    page
}

fn hostile() -> Vec<Hostile> {
    let mut cases: Vec<Hostile> = Vec::new();
    let mut add = |name, make: Box<dyn Fn(usize) -> Vec<u8>>| cases.push((name, make));
    add("zeros", Box::new(|n| vec![0; n]));
    add("noise", Box::new(|n| noise(n, 7)));
    add("letters", Box::new(|n| vec![b'D'; n]));
    add("letters and blanks", Box::new(|n| repeated(b"D ", n)));
    add("sequence numbers", Box::new(|n| repeated(b"000001D ", n)));
    add("MS3", Box::new(|n| repeated(b"MS\x03", n)));
    add(
        "v3 headers every 40 bytes",
        Box::new(|n| repeated(&long_v3(40), n)),
    );
    add(
        "v3 headers every 60 bytes",
        Box::new(|n| repeated(&long_v3(60), n)),
    );
    add(
        "v3 headers with a whole record inside",
        Box::new(|n| repeated(&[long_v3(60), v3(2, "AAA", 1)].concat(), n)),
    );
    add(
        "signed v3 headers one inside the other",
        Box::new(|n| {
            // Each CRC is right, so that each is a record which speaks against the one around it.
            let mut bytes = vec![0xEE; n];
            let mut at = n.saturating_sub(200);
            while at >= 4000 {
                at -= 4000;
                let mut record = v3(1, "AAA", 1);
                let length = (n - at - 100).min(9 * MIB);
                record[36..40].copy_from_slice(&((length - 93) as u32).to_le_bytes());
                record.truncate(93);
                bytes[at..at + 93].copy_from_slice(&record);
                if (at / 4000).is_multiple_of(3) {
                    let (from, to) = (at, at + length);
                    sign(&mut bytes[from..to]);
                }
            }
            bytes
        }),
    );
    add(
        "v2 headers every 48 bytes",
        Box::new(|n| repeated(&chained(48), n)),
    );
    add(
        "v2 headers every 49 bytes",
        Box::new(|n| repeated(&chained(49), n)),
    );
    add(
        "v2 headers every 27 bytes",
        Box::new(|n| repeated(&chained(48)[..27], n)),
    );
    add(
        "v2 headers that declare 128 KiB every 64 bytes",
        Box::new(|n| {
            let mut unit = v2(1, "AAA", 512)[..64].to_vec();
            unit[54] = 17;
            repeated(&unit, n)
        }),
    );
    add(
        "v2 headers that declare 128 KiB every 65 bytes",
        Box::new(|n| {
            let mut unit = v2(1, "AAA", 512)[..64].to_vec();
            unit[54] = 17;
            unit.push(1);
            repeated(&unit, n)
        }),
    );
    add(
        "chains of 255 blockettes",
        Box::new(|n| repeated(&chain_page(), n)),
    );
    add(
        "one long chain, many headers",
        Box::new(|n| {
            let mut bytes = repeated(&chain_page(), n);
            for at in (0..n.saturating_sub(48)).step_by(96) {
                let header = &chain_page()[..48];
                bytes[at..at + 48].copy_from_slice(header);
            }
            bytes
        }),
    );
    add(
        "alternating lengths",
        Box::new(|n| {
            let unit = [
                v2(1, "AAA", 512),
                v2(2, "AAA", 4096),
                v2(3, "AAA", 128),
                v3(4, "A", 9),
            ];
            repeated(&unit.concat(), n)
        }),
    );
    add(
        "alternating lengths that lie",
        Box::new(|n| {
            let mut unit = v2(1, "AAA", 512);
            unit[54] = 12;
            let mut other = v2(2, "AAA", 512);
            other[54] = 16;
            repeated(&[unit, other, vec![0; 77]].concat(), n)
        }),
    );
    cases
}

/// Time of a walk, and the units of work that it spent on what it refused.
fn walk(bytes: &[u8]) -> (Duration, u64) {
    let began = Instant::now();
    let mut walker = Walker::new(bytes);
    let mut position = 0;
    for item in walker.by_ref() {
        position += match item {
            Item::Record(_, record) => record.bytes.len(),
            Item::Skipped(skipped) => skipped.length,
        };
    }
    assert_eq!(position, bytes.len());
    (began.elapsed(), walker.work_in_vain())
}

/// What may be spent on refused candidates in `length` bytes: what limits.rs grants, and for each
/// place of the alignment the sure grant, exceeded at most by one chain and one search for a header.
fn bound(length: usize) -> u64 {
    let most = limits::MAX_BLOCKETTES + limits::MAX_RECORD_LENGTH_V2 / limits::MIN_RECORD_LENGTH_V2;
    let once = limits::VAIN_WORK_SURE + limits::WORK_HEADER + limits::WORK_LOOK * most as u64;
    let places = (length / limits::MIN_RECORD_LENGTH_V2) as u64 + 1;
    limits::VAIN_WORK_START + limits::VAIN_WORK_PER_BYTE * length as u64 + 2 * once * places
}

#[test]
fn hostile_bytes_cost_no_more_than_the_limits_grant() {
    for (name, make) in hostile() {
        for length in [MIB, 2 * MIB, 4 * MIB, 8 * MIB, 16 * MIB] {
            let (time, work) = walk(&make(length));
            assert!(
                work <= bound(length),
                "{name}, {length} bytes: {work} units"
            );
            // 16 MiB at a hundredth of the usual speed; work that grows with the square of the
            // length would take hours.
            let limit = Duration::from_millis(200 + 500 * (length / MIB) as u64);
            assert!(time < limit, "{name}, {length} bytes: {time:?}");
            if std::env::var_os("CREDIT_FAST_SHOW").is_some() {
                let speed = length as f64 / 1e6 / time.as_secs_f64();
                let text = format!(
                    "{name:50} {:3} MiB {speed:9.1} MB/s {work:12} units\n",
                    length / MIB
                );
                std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
            }
        }
    }
}

#[test]
fn good_records_behind_hostile_bytes_are_found() {
    for (name, make) in hostile() {
        let mut bytes = make(4 * MIB);
        // Foreign bytes part the two: what is hostile may declare to reach any place behind it.
        bytes.extend(vec![0xEE; 11 * MIB]);
        let from = bytes.len();
        for number in 0..20 {
            bytes.extend(v2(number, "GOOD", 512));
            bytes.extend(v3(number, "GOOD", 100));
        }
        let found = Walker::new(&bytes)
            .filter(|item| matches!(item, Item::Record(at, _) if *at >= from))
            .count();
        assert_eq!(found, 40, "{name}");
    }
}
