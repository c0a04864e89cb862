//! A header that is like the one before is compared, not parsed: it must say the same all the same.
#![allow(missing_docs, clippy::unwrap_used, unreachable_pub, dead_code)]

mod common;

use common::{files, v2};
use mseed_core::{Item, Record, Walker};
use proptest::prelude::*;

/// Each record of a walk is what parsing it alone gives.
fn check(bytes: &[u8]) -> usize {
    let mut records = 0;
    for item in Walker::new(bytes) {
        if let Item::Record(at, record) = item {
            let alone = Record::parse(&bytes[at..]).unwrap();
            assert_eq!(format!("{record:?}"), format!("{alone:?}"), "at byte {at}");
            records += 1;
        }
    }
    records
}

#[test]
fn records_of_all_kinds_of_files_are_what_they_are_alone() {
    for (_, file) in files() {
        assert_eq!(check(&file.bytes), file.places.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn records_with_changed_headers_are_what_they_are_alone(
        changes in prop::collection::vec((0usize..4, 0usize..80, any::<u8>()), 0..6),
    ) {
        let mut bytes = Vec::new();
        for number in 0..4 {
            bytes.extend(v2(number, "AAA", 512));
        }
        for (record, at, value) in changes {
            bytes[512 * record + at] = value;
        }
        check(&bytes);
    }

    #[test]
    fn single_bits_of_a_header_are_not_passed_over(
        record in 1usize..4, at in 0usize..64, bit in 0u8..8,
    ) {
        let mut bytes = Vec::new();
        for number in 0..4 {
            bytes.extend(v2(number, "AAA", 512));
        }
        bytes[512 * record + at] ^= 1 << bit;
        check(&bytes);
    }
}
