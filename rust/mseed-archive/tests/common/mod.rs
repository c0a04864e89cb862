//! Small archives whose samples tell their times.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::path::PathBuf;

use mseed_archive::Problem;
use mseed_archive::makeindex::{Job, Report, make_index};
use mseed_archive::problem::ProblemKind;
use mseed_archive::run::Ticker;
use mseed_archive::tsindex::Selection;
use mseed_archive::window::{
    Answer, Archive as Opened, Choice, Edge, PathMap, Request, Samples, read_window,
};
use mseed_core::Encoding;
use mseed_core::encode::{Header, Samples as Written, write_v2};
use tempfile::TempDir;

pub const START_NS: i64 = 1_330_560_000_000_000_000;
pub const SECOND: i64 = 1_000_000_000;

/// Header of a channel of the archives.
pub fn header(channel: &'static str, start_ns: i64, rate_hz: f64) -> Header<'static> {
    Header {
        network: "XX",
        station: "AAA",
        location: "",
        channel,
        quality: b'D',
        start_ns,
        rate_hz,
        encoding: Encoding::Steim2,
        record_length: 256,
        sequence: 1,
    }
}

/// Records of integers.
pub fn records(header: &Header<'_>, samples: &[i32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_v2(header, Written::Int32(samples), &mut bytes).unwrap();
    bytes
}

/// Records of 100 Hz whose samples count from `first`, so that each value tells its time.
pub fn counting(channel: &'static str, first: i32, npts: i32) -> Vec<u8> {
    let start_ns = START_NS + i64::from(first) * SECOND / 100;
    let samples: Vec<i32> = (first..first + npts).collect();
    records(&header(channel, start_ns, 100.0), &samples)
}

pub struct Archive {
    pub folder: TempDir,
}

impl Archive {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn index(&self) -> PathBuf {
        self.folder.path().join("index.db")
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.data().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn job(&self) -> Job {
        Job {
            roots: vec![self.data()],
            index: self.index(),
            ..Job::default()
        }
    }

    pub fn run(&self) -> Report {
        make_index(&self.job(), &mut |_| true).unwrap()
    }

    /// The index, opened to be asked.
    pub fn opened(&self) -> Opened {
        Opened::open([(self.index().as_path(), PathMap::default())]).unwrap()
    }

    /// A window between two samples of 100 Hz.
    pub fn window(&self, from: i64, to: i64) -> Answer {
        self.window_with(from, to, true)
    }

    pub fn window_with(&self, from: i64, to: i64, keep_failed: bool) -> Answer {
        let at = |sample: i64| START_NS + sample * SECOND / 100;
        self.window_ns("HHZ", at(from), at(to), keep_failed)
    }

    pub fn window_ns(
        &self,
        channel: &str,
        start_ns: i64,
        end_ns: i64,
        keep_failed: bool,
    ) -> Answer {
        let request = Request {
            selection: &Selection::new("XX", "AAA", "--", channel),
            start_ns,
            end_ns,
            edge: Edge::default(),
            choice: &Choice::default(),
            join_files: true,
            keep_failed,
            threads: 2,
        };
        read_window(&self.opened(), &request, &mut Ticker::new(&mut || true)).unwrap()
    }
}

/// First and last sample of each segment, after checking that all samples stand at their times.
pub fn values(answer: &Answer) -> Vec<(i32, i32)> {
    answer
        .segments
        .iter()
        .map(|segment| {
            let Samples::Int32(v) = &segment.samples else {
                panic!()
            };
            assert!(v.windows(2).all(|pair| pair[1] == pair[0] + 1));
            assert_eq!(segment.start_ns, START_NS + i64::from(v[0]) * SECOND / 100);
            (v[0], v[v.len() - 1])
        })
        .collect()
}

pub fn kinds(problems: &[Problem]) -> Vec<ProblemKind> {
    problems.iter().map(|p| p.kind).collect()
}
