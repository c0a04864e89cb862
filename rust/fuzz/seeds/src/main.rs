//! Writes the first inputs of the fuzz targets below a folder that the first argument names, one
//! folder for each target: made records, then the beginnings of the real files below the folders
//! that the other arguments name. Real ones stay on the machine: the folder is ignored by git.

#[path = "../../../mseed-core/tests/common/mod.rs"]
#[allow(dead_code)]
mod common;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mseed_core::encode::{Header, HeaderV3, Samples, write_v2, write_v3};
use mseed_core::{Encoding, Item, Walker};

/// Bytes of a real file that make a seed: some records of 512 bytes, or two of 4096.
const BEGIN: usize = 8192;

/// Behind the bytes of a file stand the ways to divide it.
const DIVISION: [u8; 6] = [200, 0, 0, 2, 0, 0];

struct Seeds {
    folder: PathBuf,
    written: usize,
}

impl Seeds {
    fn write(&mut self, target: &str, parts: &[&[u8]]) -> io::Result<()> {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        self.written += 1;
        let name = format!("seed-{:05}", self.written);
        fs::write(folder.join(name), parts.concat())
    }

    /// A file for `walk`, and the payloads of its first records for `decode`.
    fn write_file(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write("walk", &[bytes, &DIVISION])?;
        for item in Walker::new(bytes).take(3) {
            if let Item::Record(_, record) = item {
                let Some(encoding) = number_of(record.encoding) else {
                    continue;
                };
                let [low, high, ..] = record.npts.to_le_bytes();
                let order = u8::from(!record.data_big_endian);
                let control = [encoding, order, low, high];
                self.write("decode", &[record.payload(), &control])?;
            }
        }
        Ok(())
    }
}

/// Place of an encoding among those of the target `decode`.
fn number_of(encoding: Encoding) -> Option<u8> {
    const CODES: [u8; 14] = [10, 11, 1, 2, 3, 4, 5, 0, 12, 13, 14, 16, 30, 32];
    let place = CODES.iter().position(|code| *code == encoding.code());
    place.map(|at| at as u8)
}

/// A few samples in every encoding that is written, in both versions.
fn made_files() -> Vec<Vec<u8>> {
    let wide: Vec<i32> = (0..300i32).map(|i| (i * i * 37) % (3 + 40 * i)).collect();
    let narrow: Vec<i32> = wide.iter().map(|v| v % 1000).collect();
    let single: Vec<f32> = wide.iter().map(|v| *v as f32 * 0.1).collect();
    let double: Vec<f64> = wide.iter().map(|v| f64::from(*v) * 0.1).collect();
    let series = [
        (Encoding::Steim1, Samples::Int32(&wide)),
        (Encoding::Steim2, Samples::Int32(&wide)),
        (Encoding::Int32, Samples::Int32(&wide)),
        (Encoding::Int16, Samples::Int32(&narrow)),
        (Encoding::Float32, Samples::Float32(&single)),
        (Encoding::Float64, Samples::Float64(&double)),
        (Encoding::Text, Samples::Text(b"a line of a log")),
    ];
    let mut files: Vec<Vec<u8>> = Vec::new();
    for (encoding, samples) in series {
        for rate_hz in [100.0, 99.999, 0.1] {
            files.extend([
                made_v2(encoding, samples, rate_hz),
                made_v3(encoding, samples, rate_hz),
            ]);
        }
    }
    files.extend(common::files().into_iter().map(|(_, file)| file.bytes));
    files
}

fn made_v2(encoding: Encoding, samples: Samples<'_>, rate_hz: f64) -> Vec<u8> {
    let header = Header {
        network: "XX",
        station: "TEST",
        location: "00",
        channel: "HHZ",
        quality: b'D',
        start_ns: 1_330_608_131_123_456_000,
        rate_hz,
        encoding,
        record_length: 256,
        sequence: 1,
    };
    let mut bytes = Vec::new();
    write_v2(&header, samples, &mut bytes).expect("the options are possible");
    bytes
}

fn made_v3(encoding: Encoding, samples: Samples<'_>, rate_hz: f64) -> Vec<u8> {
    let header = HeaderV3 {
        network: "XX",
        station: "TEST",
        location: "00",
        channel: "HHZ",
        version: 1,
        start_ns: 1_330_608_131_123_456_789,
        rate_hz,
        encoding,
        max_record_length: 300,
        extra_headers: br#"{"FDSN":{}}"#,
    };
    let mut bytes = Vec::new();
    write_v3(&header, samples, &mut bytes).expect("the options are possible");
    bytes
}

/// Files below a folder in the order of their names.
fn files_below(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The beginning of a file that holds a record.
fn real_begin(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(BEGIN as u64)
        .read_to_end(&mut bytes)?;
    let any_record = Walker::new(&bytes).any(|item| matches!(item, Item::Record(..)));
    Ok(any_record.then_some(bytes))
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or(io::Error::other(
        "usage: mseed-fuzz-seeds FOLDER [FOLDER_OF_REAL_FILES…]",
    ))?;
    let mut seeds = Seeds { folder, written: 0 };
    for bytes in made_files() {
        seeds.write_file(&bytes)?;
    }
    for number in 0..60 {
        let noise = common::noise(100 + 20 * number, number as u64);
        seeds.write("round_trip", &[&noise])?;
    }
    let mut paths = Vec::new();
    for real in arguments {
        files_below(&real, &mut paths)?;
    }
    let mut real = 0;
    for path in paths {
        if let Some(bytes) = real_begin(&path)? {
            seeds.write_file(&bytes)?;
            real += 1;
        }
    }
    println!("{} seeds, {real} real files among them", seeds.written);
    Ok(())
}
