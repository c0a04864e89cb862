//! The files of an archive: opened as an index names them, read where a window needs it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use super::archive::{Archive, Source};
use super::narrow::{Block, byte_range, narrowed};
use super::read::Buffer;
use crate::problem::{Problem, ProblemKind};
use crate::read_at::read_at;
use crate::tsindex::IndexedRun;

/// Files that stay open for the next windows: the channels of a station, on both sides of a border.
const OPEN: usize = 8;

/// The files of one thread in one call. The last few stay open: neighbours in the order of windows
/// need the same ones.
pub(super) struct Files<'a> {
    archive: &'a Archive,
    /// The one that was used last is the last.
    open: Vec<OpenFile>,
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
    block: Block,
}

impl<'a> Files<'a> {
    pub(super) fn new(archive: &'a Archive) -> Self {
        Self {
            archive,
            open: Vec::new(),
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
        let OpenFile {
            file, size, block, ..
        } = self.opened(source, run).map_err(unreadable)?;
        let Range {
            start: from,
            end: to,
        } = match part {
            Part::Between(from_ns, to_ns) => {
                let bounds = byte_range(run, from_ns, to_ns);
                let read_some = |bytes: &mut [u8], offset| read_at(file, bytes, offset);
                narrowed(run, bounds, (from_ns, to_ns), block, read_some)
            }
            Part::All => run.byte_offset..run.byte_offset + run.bytes,
        };
        let in_memory = match part {
            Part::Between(..) => block.get(from..to),
            Part::All => None,
        };
        let bytes = match in_memory {
            Some(bytes) => bytes.to_vec(),
            None => {
                let now = |file: &File| Ok(file.metadata()?.len());
                if *size < to {
                    *size = now(file).map_err(unreadable)?;
                }
                let mut bytes = vec![0; to.min(*size).saturating_sub(from) as usize];
                let got = read_at(file, &mut bytes, from).map_err(unreadable)?;
                if got < bytes.len() {
                    // It shrank since it was opened.
                    *size = now(file).map_err(unreadable)?;
                    bytes.truncate(got);
                }
                bytes
            }
        };
        let short = *size < to;
        if short {
            problems.push(Problem::too_short(
                &run.filename,
                *size,
                to,
                "run makeindex again",
            ));
        }
        Ok(Buffer {
            path: Cow::Owned(run.filename.clone()),
            base: from,
            bytes: Cow::Owned(bytes),
            short,
            wholes: HashMap::new(),
        })
    }

    /// The file of a run, opened unless it is open.
    fn opened(&mut self, source: usize, run: &IndexedRun) -> io::Result<&mut OpenFile> {
        let is_it = |open: &OpenFile| open.named.0 == source && open.named.1 == run.filename;
        let open = match self.open.iter().rposition(is_it) {
            Some(at) => self.open.remove(at),
            None => {
                let named = &self.archive.sources()[source];
                let file = locate(named, &run.filename, run.exact_name, |path| {
                    File::open(path)
                })?;
                let size = file.metadata()?.len();
                if self.open.len() == OPEN {
                    self.open.remove(0);
                }
                OpenFile {
                    named: (source, run.filename.clone()),
                    file,
                    size,
                    block: Block::default(),
                }
            }
        };
        self.open.push(open);
        let last = self.open.len() - 1;
        Ok(&mut self.open[last])
    }
}

/// Find a file as an index names it, or where the rule of the index has it: a relative name is
/// looked for in the folder of the index, then in the working folder; `path#N` may be version N of
/// `path` (mseedindex), unless names are exact. `attempt` is tried on each place until it succeeds.
pub(crate) fn locate<T>(
    source: &Source,
    name: &str,
    exact_name: bool,
    attempt: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let base = name
        .rsplit_once('#')
        .filter(|(_, version)| !exact_name && is_number(version))
        .map(|(base, _)| base);
    let folder = source.index.path().parent().unwrap_or(Path::new(""));
    let mut first_error = None;
    for name in std::iter::once(name).chain(base) {
        let moved = source.paths.apply(name);
        for name in moved.as_deref().into_iter().chain([name]) {
            for path in [&folder.join(name), Path::new(name)] {
                match attempt(path) {
                    Ok(found) => return Ok(found),
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
