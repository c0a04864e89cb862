//! Files are walked part by part: parts of any size give what the whole gives.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stderr,
    unreachable_pub,
    dead_code
)]

#[path = "../../mseed-core/tests/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};

use common::{files, noise, v2, v3};
use mseed_archive::inspect::{inspect_bytes, inspect_file};
use mseed_archive::run::{Cancel, Ticker};
use mseed_archive::scan::{PART_BYTES, Scanner, scan_bytes};
use mseed_archive::walk::{FoundFile, Stamp};

const SIZES: [usize; 6] = [48, 511, 512, 4097, 50_000, 150_000];

fn check(name: &str, bytes: &[u8]) {
    let whole = scan_bytes(bytes, name, bytes.len() + 1);
    for size in SIZES {
        if bytes.len() / size < 10_000 {
            assert_eq!(
                scan_bytes(bytes, name, size),
                whole,
                "{name}, parts of {size}"
            );
        }
    }
}

/// Damage all over a file: noise, holes, cuts, and what declares too much.
fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for round in 0..6 {
        let dice = noise(8, seed * 100 + round + 1);
        let number = |at: usize| usize::from(dice[at]) * 256 + usize::from(dice[at + 1]);
        let at = number(0) * bytes.len() / 65_536;
        match dice[7] % 4 {
            0 => drop(bytes.splice(at..at, noise(number(2) / 40, seed + 1))),
            1 => drop(bytes.drain(at..bytes.len().min(at + number(2) / 60))),
            2 => {
                let end = bytes.len().min(at + 1000);
                bytes[at..end].fill(0);
            }
            _ => {
                let header = [
                    v2(1, "AAA", 512)[..64].to_vec(),
                    v3(1, "AAA", 9)[..60].to_vec(),
                ];
                let mut header = header[usize::from(dice[6] % 2)].clone();
                let place = if header[0] == b'M' { 38 } else { 54 };
                header[place] = 17;
                drop(bytes.splice(at..at, header));
            }
        }
    }
    bytes
}

#[test]
fn small_parts_of_made_files_give_the_rows_and_problems_of_the_whole() {
    for (name, file) in files() {
        check(name, &file.bytes);
        for seed in 0..40 {
            check(name, &damaged(&file.bytes.repeat(4), seed));
        }
    }
}

#[test]
fn small_parts_of_real_files_give_the_rows_and_problems_of_the_whole() {
    let folder = match std::env::var_os("CREDIT_FAST_DATA") {
        Some(named) => PathBuf::from(named),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    if !folder.is_dir() {
        eprintln!("real data not found: set CREDIT_FAST_DATA to its folder");
        return;
    }
    let mut folders = vec![folder.join("oddities")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let name = path.to_string_lossy();
            check(&name, &bytes);
            check(&name, &damaged(&bytes, count));
            count += 1;
        }
    }
    assert!(count > 50);
}

#[test]
fn a_file_of_several_parts_has_one_problem_for_each_damage() {
    let mut bytes = Vec::new();
    let mut damages = Vec::new();
    for length in [3, 2 * PART_BYTES + 17] {
        for number in 0..3000 {
            bytes.extend(v2(number % 100, "AAA", 512));
        }
        damages.push((bytes.len() as u64, length as u64));
        bytes.extend(noise(length, 11));
    }
    bytes.extend(v3(1, "AAA", 500_000));
    bytes.extend(v3(2, "AAA", 2_000_000));
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("long");
    std::fs::write(&path, &bytes).unwrap();
    let path_text = path.to_string_lossy().into_owned();
    let file = FoundFile {
        path: path_text.clone(),
        name: path_text,
        stamp: Stamp::of(&std::fs::metadata(&path).unwrap()),
    };
    let scan = Scanner::new(false).scan(&file, &Cancel::default());
    assert_eq!(scan.records, 6002);
    let places: Vec<_> = scan
        .problems
        .iter()
        .map(|p| (p.offset.unwrap(), p.length))
        .collect();
    assert_eq!(places, damages);

    let mut calls = 0;
    let mut on_tick = || {
        calls += 1;
        true
    };
    let found = inspect_file(&path, true, &mut Ticker::new(&mut on_tick)).unwrap();
    let whole = inspect_bytes(&bytes, &file.path, true);
    assert_eq!((found.records, found.samples), (6002, whole.samples));
    assert_eq!(found.problems, whole.problems);
    assert_eq!(found.skipped_bytes, 2 * PART_BYTES as u64 + 20);
    assert_eq!(found.list.len(), 6002);
    assert_eq!(found.list[6001].offset, whole.list[6001].offset);
}

#[test]
fn hostile_bytes_in_parts_give_the_same_and_take_no_longer() {
    // A header that declares nearly 10 MiB, every 60 bytes: each waits for the bytes it declares.
    let mut unit = v3(1, "AAA", 9)[..60].to_vec();
    unit[36..40].copy_from_slice(&10_000_000u32.to_le_bytes());
    let bytes = unit.repeat(24 * 1024 * 1024 / 60);
    let began = std::time::Instant::now();
    let whole = scan_bytes(&bytes, "hostile", bytes.len() + 1);
    let parts = scan_bytes(&bytes, "hostile", PART_BYTES);
    let small = scan_bytes(&bytes, "hostile", 100_000);
    assert_eq!((&parts, &small), (&whole, &whole));
    // Three walks of 24 MiB, at a hundredth of the usual speed.
    assert!(began.elapsed().as_secs() < 60);
}
