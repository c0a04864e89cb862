//! The files of an archive: opened as an index names them, read where a window needs it.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;

use super::archive::{Archive, Source};
use super::narrow::{byte_range, narrowed};
use super::read::Buffer;
use crate::problem::{Problem, ProblemKind};
use crate::read_at::read_at;
use crate::tsindex::IndexedRun;

/// The files of one answer; the last one stays open, as runs of one file follow each other.
pub(super) struct Files<'a> {
    archive: &'a Archive,
    last: Option<OpenFile>,
}

/// What is read of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// What may hold samples between two times.
    Between(i64, i64),
    /// All of it.
    All,
}

/// A file that is open.
struct OpenFile {
    /// Number of the index that names it, and its name there.
    named: (usize, String),
    file: File,
    size: u64,
}

impl<'a> Files<'a> {
    pub(super) fn new(archive: &'a Archive) -> Self {
        Self {
            archive,
            last: None,
        }
    }

    /// Read what a window needs of a run of an index, or all of it. A file that is too short gives
    /// what it has, and a problem.
    pub(super) fn read(
        &mut self,
        source: usize,
        run: &IndexedRun,
        part: Part,
        problems: &mut Vec<Problem>,
    ) -> Result<Buffer<'static>, Problem> {
        let unreadable = |error: io::Error| {
            Problem::file(&run.filename, ProblemKind::Unreadable, error.to_string())
        };
        let is_last = |open: &OpenFile| open.named.0 == source && open.named.1 == run.filename;
        if !self.last.as_ref().is_some_and(is_last) {
            let file = open(&self.archive.sources()[source], run).map_err(unreadable)?;
            let size = file.metadata().map_err(unreadable)?.len();
            self.last = Some(OpenFile {
                named: (source, run.filename.clone()),
                file,
                size,
            });
        }
        let Some(OpenFile { file, size, .. }) = &self.last else {
            return Err(unreadable(io::ErrorKind::NotFound.into()));
        };
        let (from, to) = match part {
            Part::Between(from_ns, to_ns) => {
                let range = byte_range(run, from_ns, to_ns);
                let read_some = |bytes: &mut [u8], offset| read_at(file, bytes, offset);
                narrowed(run, range, (from_ns, to_ns), read_some)
            }
            Part::All => (run.byte_offset, run.byte_offset + run.bytes),
        };
        if *size < to {
            problems.push(Problem {
                offset: Some(*size),
                ..Problem::file(
                    &run.filename,
                    ProblemKind::Changed,
                    format!(
                        "file has {size} bytes: expected at least {to} as the index says; \
                         the file changed, run makeindex again"
                    ),
                )
            });
        }
        let mut bytes = vec![0; to.min(*size).saturating_sub(from) as usize];
        let got = read_at(file, &mut bytes, from).map_err(unreadable)?;
        bytes.truncate(got);
        Ok(Buffer {
            path: Cow::Owned(run.filename.clone()),
            base: from,
            bytes: Cow::Owned(bytes),
            short: *size < to,
        })
    }
}

/// Open a file as an index names it, or where the rule of the index has it: a relative name is
/// looked for in the folder of the index, then in the working folder; `path#N` may be version N of
/// `path` (mseedindex).
fn open(source: &Source, run: &IndexedRun) -> io::Result<File> {
    let name = run.filename.as_str();
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let base = name
        .rsplit_once('#')
        .filter(|(_, version)| !run.exact_name && is_number(version))
        .map(|(base, _)| base);
    let folder = source.index.path().parent().unwrap_or(Path::new(""));
    let mut first_error = None;
    for name in std::iter::once(name).chain(base) {
        let moved = source.paths.apply(name);
        for name in moved.as_deref().into_iter().chain([name]) {
            for path in [&folder.join(name), Path::new(name)] {
                match File::open(path) {
                    Ok(file) => return Ok(file),
                    Err(error) if moved.is_some() => {
                        let text = format!("{error} (as {})", path.display());
                        first_error.get_or_insert(io::Error::new(error.kind(), text));
                    }
                    Err(error) => {
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
    }
    Err(first_error.unwrap_or(io::ErrorKind::NotFound.into()))
}
