//! A whole file, or the caller's bytes, without an index.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use mseed_core::{Progress, Walker};

use super::decode::{Decoding, decode_run};
use super::glean::{Gleaned, Place};
use super::plan::FileChain;
use super::read::{Answer, Buffer};
use crate::Error;
use crate::memory::Pages;
use crate::problem::{Problem, ProblemKind, ProblemList};
use crate::scan::open_data;

/// Bytes of a file that are read and then walked over: they still stand in a cache near the core.
const READ_STEP: usize = 256 * 1024;

/// All that a file holds, like `obspy.read`. Long segments are decoded by several threads.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read.
pub fn read_file(path: &Path, threads: usize) -> Result<Answer, Error> {
    let name = path.to_string_lossy();
    let mut reading = Reading::new(&name);
    let Some(file) = open_data(path).map_err(|e| Error::io(path, e))? else {
        let size = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        return Ok(Answer {
            problems: vec![Problem::not_miniseed(&name, size.len())],
            ..Answer::default()
        });
    };
    let (bytes, rest) = read_and_walk(file, &mut reading).map_err(|e| Error::io(path, e))?;
    if rest.is_empty() {
        return Ok(reading.finish(&bytes, threads));
    }
    Ok(reading.finish(&[&bytes, &rest[..]].concat(), threads))
}

/// All that a slice of bytes holds; `name` stands for the file in problems. Long segments are
/// decoded by several threads.
#[must_use]
pub fn read_bytes(bytes: &[u8], name: &str, threads: usize) -> Answer {
    Reading::new(name).finish(bytes, threads)
}

/// Read a file and walk over what is there of it. Returns its bytes, and those that its size does
/// not tell of: a file may grow meanwhile.
fn read_and_walk(mut file: File, reading: &mut Reading<'_>) -> io::Result<(Pages, Vec<u8>)> {
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    let mut bytes = Pages::new(size)?;
    let mut done = 0;
    while done < size {
        let to = size.min(done + READ_STEP);
        match file.read(&mut bytes[done..to]) {
            Ok(0) => break,
            Ok(got) => done += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        reading.walk(&bytes[..done], false);
    }
    if done < size {
        // It shrank.
        return Ok((Pages::new(0)?, bytes[..done].to_vec()));
    }
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    Ok((bytes, rest))
}

/// A file that is being walked over.
struct Reading<'a> {
    name: &'a str,
    progress: Progress,
    gleaned: Gleaned,
    chain: FileChain,
}

impl<'a> Reading<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name,
            progress: Progress::default(),
            gleaned: Gleaned::default(),
            chain: FileChain::default(),
        }
    }

    /// Go on with the walk: `bytes` are all that is there of the file so far.
    fn walk(&mut self, bytes: &[u8], complete: bool) {
        let place = Place {
            path: self.name,
            base: 0,
            buffer: 0,
            short: false,
        };
        let progress = std::mem::take(&mut self.progress);
        let left = &bytes[progress.position()..];
        let mut walker = Walker::resume(progress, left, complete);
        for item in walker.by_ref() {
            let mut hand_on = |_, piece| self.chain.push(piece);
            self.gleaned.take(item, place, &mut hand_on);
        }
        self.progress = walker.into_progress();
    }

    /// Walk over the rest, and decode.
    fn finish(mut self, bytes: &[u8], threads: usize) -> Answer {
        self.walk(bytes, true);
        let none = self.gleaned.records == 0;
        let mut problems: Vec<_> = self.gleaned.finish().into_iter().collect();
        if none && problems.iter().all(|p| p.kind == ProblemKind::Skipped) {
            problems = vec![Problem::not_miniseed(self.name, bytes.len() as u64)];
        }
        let mut answer = Answer {
            problems,
            ..Answer::default()
        };
        let buffers = [Buffer {
            path: Cow::Borrowed(self.name),
            base: 0,
            bytes: Cow::Borrowed(bytes),
            short: false,
            wholes: HashMap::new(),
        }];
        let decoding = Decoding {
            keep_failed: true,
            threads,
        };
        for run in self.chain.finish() {
            decode_run(&run, &buffers, decoding, &mut answer);
        }
        answer.problems = ProblemList::bound(answer.problems);
        answer
    }
}
