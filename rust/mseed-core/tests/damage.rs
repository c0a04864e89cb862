//! Damage at each record of small files: every record that is not damaged comes back.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod common;

use common::{Records, files, noise, v2, v3, walked};
use mseed_core::encode::{Header, Samples, write_v2};
use mseed_core::{Encoding, Item, Kind, Progress, Record, Walker};

/// Whether a record of one version starts here.
fn is_v3(record: &[u8]) -> bool {
    record.starts_with(b"MS\x03")
}

/// Replace record `number` of a file by `damaged`, and demand all others; returns what was
/// skipped as (offset, length) from the begin of the damaged record.
fn check(name: &str, file: &Records, number: usize, damaged: &[u8]) -> Vec<(usize, usize)> {
    let (at, length) = file.places[number];
    let mut bytes = file.bytes[..at].to_vec();
    bytes.extend(damaged);
    bytes.extend(&file.bytes[at + length..]);
    let (records, skips) = walked(&bytes);
    for (other, (place, length)) in file.places.iter().enumerate() {
        let moved = match other > number {
            true => place + damaged.len() - file.places[number].1,
            false => *place,
        };
        assert!(
            other == number || records.contains(&(moved, *length)),
            "{name}: damage in record {number} costs record {other}: {records:?}, {skips:?}"
        );
    }
    skips.iter().map(|s| (s.offset - at, s.length)).collect()
}

/// Try a way to damage a record on each record of each file.
fn each(damage: impl Fn(&[u8]) -> Vec<Vec<u8>>, told: impl Fn(&[u8], &[(usize, usize)]) -> bool) {
    for (name, file) in files() {
        for number in 0..file.places.len() {
            let record = file.record(number);
            for (case, damaged) in damage(record).into_iter().enumerate() {
                let skips = check(name, &file, number, &damaged);
                assert!(
                    told(&damaged, &skips),
                    "{name}: case {case} of record {number}: {skips:?}"
                );
            }
        }
    }
}

fn all_of(record: &[u8], skips: &[(usize, usize)]) -> bool {
    skips == [(0, record.len())]
}

fn with(record: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = record.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

#[test]
fn files_without_damage_come_back_whole() {
    for (name, file) in files() {
        let (records, skips) = walked(&file.bytes);
        assert_eq!((records, skips), (file.places, vec![]), "{name}");
    }
}

#[test]
fn an_impossible_header_costs_its_record_alone() {
    each(
        |record| {
            let noisy = with(record, 0, &noise(48, 3));
            let zeros = with(record, 0, &[0; 40]);
            let mut cases = vec![noisy, zeros];
            if is_v3(record) {
                cases.push(with(record, 0, b"X"));
                cases.push(with(record, 8, &[0; 4]));
                cases.push(with(record, 33, &[3]));
                cases.push(with(record, 40, b"no id"));
            } else {
                cases.push(with(record, 6, b"X"));
                cases.push(with(record, 20, &[0xFF; 4]));
                cases.push(with(record, 24, &[99]));
                cases.push(with(record, 44, &[0, 3]));
            }
            cases
        },
        all_of,
    );
}

#[test]
fn noise_and_zeros_in_place_of_a_record_cost_it_alone() {
    each(
        |record| {
            vec![
                noise(record.len(), 5),
                vec![0; record.len()],
                vec![b'D'; record.len()],
            ]
        },
        all_of,
    );
}

#[test]
fn a_length_that_is_too_long_swallows_no_other_record() {
    each(
        |record| match is_v3(record) {
            false => (1..5)
                .map(|more| with(record, 54, &[record[54] + more]))
                .chain([with(record, 54, &[63])])
                .collect(),
            true => [1u32, 100, 150, 1000, 3000, 9_000_000, u32::MAX - 1000]
                .iter()
                .map(|more| {
                    let length = u32::from_le_bytes(record[36..40].try_into().unwrap());
                    with(record, 36, &(length + more).to_le_bytes())
                })
                .collect(),
        },
        all_of,
    );
}

#[test]
fn a_length_that_is_too_short_costs_no_other_record() {
    each(
        |record| match is_v3(record) {
            false => vec![
                with(record, 54, &[record[54] - 1]),
                with(record, 54, &[0]),
                with(record, 54, &[7]),
            ],
            true => [0u32, 4, 100]
                .iter()
                .map(|length| with(record, 36, &length.to_le_bytes()))
                .collect(),
        },
        // The begin may be used, flagged or not; the rest is reported, to its last byte.
        |record, skips| skips.last().is_some_and(|s| s.0 + s.1 == record.len()),
    );
}

#[test]
fn a_wrong_crc_is_a_fault_and_the_record_is_used() {
    for (name, file) in files() {
        for number in 0..file.places.len() {
            let record = file.record(number);
            if !is_v3(record) {
                continue;
            }
            for at in [28, 60, record.len() - 1] {
                let damaged = with(record, at, &[!record[at]]);
                assert_eq!(check(name, &file, number, &damaged), []);
                let mut bytes = damaged.clone();
                bytes.extend(file.record(0));
                let Some(Item::Record(0, record)) = Walker::new(&bytes).next() else {
                    panic!("{name}");
                };
                assert!(matches!(record.fault.unwrap().kind, Kind::Crc { .. }));
            }
        }
    }
}

#[test]
fn a_tail_cut_anywhere_costs_only_the_cut_record() {
    for (name, file) in files() {
        for (number, (at, length)) in file.places.iter().copied().enumerate() {
            for left in (1..length).step_by(13) {
                let (records, skips) = walked(&file.bytes[..at + left]);
                // What is left of a record may itself be a power of two long.
                assert_eq!(
                    records[..number],
                    file.places[..number],
                    "{name}, {left} left"
                );
                assert_eq!(
                    (records.len(), skips.len()),
                    (number, 1),
                    "{name}, {left} left"
                );
                assert_eq!((skips[0].offset, skips[0].length), (at, left));
                let kind = &skips[0].reason.kind;
                let cut = matches!(kind, Kind::Truncated { .. });
                assert!(cut || left < 7, "{name}, {left} left: {kind:?}");
            }
        }
    }
}

#[test]
fn a_record_cut_in_the_middle_of_a_file_costs_itself_alone() {
    each(
        |record| {
            [1, 20, 47, 48, 100, 128, 200, record.len() - 1]
                .iter()
                .map(|left| record[..*left].to_vec())
                .collect()
        },
        all_of,
    );
}

#[test]
fn deleted_bytes_cost_no_other_record() {
    each(
        |record| {
            let mut cases = Vec::new();
            for at in [0, 10, 30, 50, 100, 140] {
                for count in [1, 2, 5, 6, 7, 10, 64, 100] {
                    let mut changed = record.to_vec();
                    changed.drain(at..at + count);
                    cases.push(changed);
                }
            }
            cases
        },
        |_, skips| !skips.is_empty(),
    );
}

/// Records of a channel in one encoding, numbered one by one, some of which end with a digit.
fn ending_with_digits(encoding: Encoding) -> Records {
    let header = Header {
        network: "XX",
        station: "AAA",
        location: "",
        channel: "HHZ",
        quality: b'D',
        start_ns: 1_330_560_000_000_000_000,
        rate_hz: 100.0,
        encoding,
        record_length: 256,
        sequence: 1,
    };
    let samples: Vec<i32> = noise(60_000, 7).iter().map(|b| i32::from(*b)).collect();
    let mut bytes = Vec::new();
    write_v2(&header, Samples::Int32(&samples), &mut bytes).unwrap();
    let mut records = Records::default();
    bytes.chunks(256).for_each(|record| records.push(record));
    records
}

#[test]
fn a_digit_at_the_end_of_a_record_does_not_pass_for_one_that_the_next_number_lost() {
    for encoding in [Encoding::Steim2, Encoding::Int32] {
        let file = ending_with_digits(encoding);
        let mut tried = 0;
        for number in 1..file.places.len() - 1 {
            if !file.record(number - 1)[255].is_ascii_digit() {
                continue;
            }
            tried += 1;
            for lost in 0..6 {
                let mut damaged = file.record(number).to_vec();
                damaged.remove(lost);
                // The digit may be the one that was lost: then only the samples can tell.
                let seeming = [&file.record(number - 1)[255..], &damaged[..5]].concat();
                if encoding == Encoding::Steim2 || seeming != file.record(number)[..6] {
                    check("digits", &file, number, &damaged);
                }
            }
            // What was lost is told.
            let mut bytes = file.bytes.clone();
            bytes.remove(256 * number + 3);
            let told = Walker::new(&bytes).any(|item| match item {
                Item::Record(_, record) => record.fault.is_some(),
                Item::Skipped(_) => true,
            });
            assert!(told, "{encoding:?}: record {number}");
            // The other way round: the record that ends with a digit lost a byte of its samples.
            let mut damaged = file.record(number - 1).to_vec();
            damaged.remove(150);
            check("digits", &file, number - 1, &damaged);
        }
        assert!(tried > 3, "{encoding:?}: {tried}");
    }
}

#[test]
fn inserted_bytes_cost_no_other_record() {
    each(
        |record| {
            let mut cases = Vec::new();
            for at in [1, 10, 30, 50, 100, 140] {
                for count in [1usize, 2, 10, 64, 128, 1000] {
                    let mut changed = record.to_vec();
                    changed.splice(at..at, noise(count, (at * count) as u64 + 1));
                    cases.push(changed);
                }
            }
            cases
        },
        |_, skips| !skips.is_empty(),
    );
}

#[test]
fn foreign_bytes_between_records_are_skipped_and_cost_none() {
    let text: Vec<u8> = b"000001D nothing to see here ".repeat(9);
    for (name, file) in files() {
        for number in 0..=file.places.len() {
            let at = file.places.get(number).map_or(file.bytes.len(), |p| p.0);
            for length in [1usize, 37, 48, 128, 512, 5000] {
                for foreign in [
                    noise(length, 9),
                    vec![0; length],
                    text.clone(),
                    vec![b' '; length],
                ] {
                    let mut bytes = file.bytes.clone();
                    bytes.splice(at..at, foreign.iter().copied());
                    let (records, skips) = walked(&bytes);
                    assert_eq!(records.len(), file.places.len(), "{name}, {length} at {at}");
                    for (place, length) in &file.places {
                        let moved = if *place < at {
                            *place
                        } else {
                            place + foreign.len()
                        };
                        assert!(records.contains(&(moved, *length)), "{name}");
                    }
                    let found: Vec<_> = skips.iter().map(|s| (s.offset, s.length)).collect();
                    assert_eq!(found, [(at, foreign.len())], "{name}");
                }
            }
        }
    }
}

#[test]
fn a_record_that_moved_to_an_odd_place_is_not_lost_to_the_alignment() {
    // Ten bytes of the second record are gone: the third begins before the place where the
    // format's alignment would look for it, and a copy of a header stands at that place.
    let mut bytes = v2(0, "AAA", 512);
    bytes.extend(&noise(502, 4));
    let third = bytes.len();
    bytes.extend(v2(2, "AAA", 512));
    bytes.extend(v2(3, "AAA", 512));
    let (records, _) = walked(&bytes);
    assert_eq!(records, [(0, 512), (third, 512), (third + 512, 512)]);
}

#[test]
fn a_header_inside_a_damaged_record_does_not_hide_the_record_behind() {
    // A header of old data, in the middle of a damaged record, whose length leads into the next.
    let mut file = Records::default();
    (0..4).for_each(|n| file.push(&v2(n, "AAA", 512)));
    for place in [100, 128, 300, 384] {
        let mut bytes = file.bytes.clone();
        bytes[512..560].fill(0xEE);
        let stale = v2(9, "OLD", 512)[..64].to_vec();
        bytes[512 + place..512 + place + 64].copy_from_slice(&stale);
        let (records, skips) = walked(&bytes);
        assert_eq!(records, [(0, 512), (1024, 512), (1536, 512)], "{place}");
        assert_eq!(skips.len(), 1);
    }
}

/// The items of a walk in parts of `size` bytes, as text.
fn in_parts(bytes: &[u8], size: usize) -> Vec<String> {
    let mut progress = Progress::default();
    let mut items = Vec::new();
    let mut end = 0;
    while end < bytes.len() {
        end = (end + size).min(bytes.len());
        let part = &bytes[progress.position()..end];
        let mut walker = Walker::resume(progress, part, end == bytes.len());
        items.extend(walker.by_ref().map(|item| text(&item)));
        progress = walker.into_progress();
    }
    items
}

fn text(item: &Item<'_>) -> String {
    match item {
        Item::Record(at, record) => {
            let Record { source, npts, .. } = record;
            format!(
                "{at} {} {source} {npts} {:?}",
                record.bytes.len(),
                record.fault
            )
        }
        Item::Skipped(skipped) => format!("{skipped:?}"),
    }
}

#[test]
fn parts_of_any_size_give_the_items_of_the_whole() {
    for (name, file) in files() {
        let mut cases = vec![file.bytes.clone()];
        for seed in 1..8 {
            let mut bytes = file.bytes.clone();
            let dice = noise(16, seed);
            let at = usize::from(dice[0]) * bytes.len() / 256;
            match seed % 4 {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..at, noise(usize::from(dice[1]) * 3, seed))),
                2 => drop(bytes.drain(at..bytes.len().min(at + usize::from(dice[1])))),
                _ => {
                    let (place, _) = file.places[usize::from(dice[2]) % file.places.len()];
                    bytes[place + 36..place + 60].copy_from_slice(&noise(24, seed));
                }
            }
            cases.push(bytes);
        }
        for bytes in cases {
            let whole: Vec<_> = Walker::new(&bytes).map(|item| text(&item)).collect();
            for size in [1, 47, 48, 100, 511, 512, 513, 1000, 5000, 100_000] {
                if size == 1 && bytes.len() > 6000 {
                    continue;
                }
                assert_eq!(in_parts(&bytes, size), whole, "{name}, parts of {size}");
            }
        }
    }
    let (old, new) = (v2(0, "AAA", 512), v3(1, "AAA", 50));
    assert_eq!(in_parts(&[&new[..], &old[..]].concat(), 60).len(), 2);
}

/// What was skipped as (offset, length, whether silently), for whole bytes and for parts.
fn skips_of(bytes: &[u8]) -> Vec<(usize, usize, bool)> {
    let of = |item: Item<'_>| match item {
        Item::Skipped(s) => Some((s.offset, s.length, s.reason.kind == Kind::ControlHeader)),
        Item::Record(..) => None,
    };
    let whole: Vec<_> = Walker::new(bytes).filter_map(of).collect();
    for part in [50, 128, 500, 700] {
        let (mut found, mut progress, mut end) = (Vec::new(), Progress::default(), 0);
        while end < bytes.len() {
            end = bytes.len().min(end + part);
            let from = progress.position();
            let mut walker = Walker::resume(progress, &bytes[from..end], end == bytes.len());
            found.extend(walker.by_ref().filter_map(of));
            progress = walker.into_progress();
        }
        assert_eq!(found, whole, "in parts of {part}");
    }
    whole
}

#[test]
fn damage_behind_control_headers_is_no_part_of_them() {
    let mut control = b"000001V 010009402.4121970,001,00:00:00.0000~~".to_vec();
    control.resize(512, b' ');
    let mut padded = b"000002S 0500098STA  +35.0-120.0~".to_vec();
    padded.resize(128, 0);
    padded.resize(512, b' ');
    let (_, file) = files().into_iter().next().unwrap();
    let record = file.record(0).to_vec();
    assert!(!is_v3(&record));
    let length = record.len();
    let two = [&control[..], &padded].concat();
    assert_eq!(skips_of(&[&two[..], &record].concat()), [(0, 1024, true)]);
    // Noise, zeros or half a record in place of the one behind the headers.
    for lost in [noise(512, 7), vec![0; 512]] {
        let bytes = [&two[..], &lost, &record].concat();
        assert_eq!(
            skips_of(&bytes),
            [(0, 1024, true), (1024, lost.len(), false)]
        );
    }
    let cut = [&record[..], &two, &record[..length / 2]].concat();
    assert_eq!(
        skips_of(&cut),
        [(length, 1024, true), (length + 1024, length / 2, false)]
    );
}

#[test]
fn bytes_missing_in_a_control_header_do_not_cost_the_record_behind_it() {
    let mut control = b"000001V 010009402.4121970,001,00:00:00.0000~~".to_vec();
    control.resize(1024, b' ');
    let (_, file) = files().into_iter().next().unwrap();
    let record = file.record(0).to_vec();
    for missing in [1, 20, 64, 100, 128, 300] {
        let mut bytes = control.clone();
        bytes.drain(200..200 + missing);
        let rest = bytes.len();
        bytes.extend(&record);
        bytes.extend(&record);
        let (records, _) = walked(&bytes);
        let expected = [(rest, record.len()), (rest + record.len(), record.len())];
        assert_eq!(records, expected, "{missing} bytes missing");
        assert_eq!(skips_of(&bytes), [(0, rest, true)]);
    }
}
