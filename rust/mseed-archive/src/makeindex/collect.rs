//! The writing side of a run.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use super::find::{Message, is_same, scanned};
use super::{Report, Shared};
use crate::Error;
use crate::problem::Problem;
use crate::run::{TICK, Ticker};
use crate::scan::{Fingerprint, Grown, Scanner};
use crate::tsindex::{Change, IndexWriter, KnownFile, ScannedFile};
use crate::walk::{FoundFile, Whereabouts};

/// What a run has found so far.
pub(super) struct Collecting<'a> {
    writer: &'a mut IndexWriter,
    shared: &'a Shared<'a>,
    /// For the few files that only the writer can tell about.
    scanner: Scanner,
    /// Folders with files that hold records, and all folders above them.
    homes: HashSet<PathBuf>,
    known_problems: HashMap<String, Vec<Problem>>,
    /// Of known files that have size, time of change and fingerprint in common: how many were looked
    /// at. None of them is looked at twice, whatever number of such files is moved.
    looked_at: HashMap<(u64, i64, i64), usize>,
    report: &'a mut Report,
}

impl<'a> Collecting<'a> {
    pub(super) fn new(
        writer: &'a mut IndexWriter,
        shared: &'a Shared<'a>,
        report: &'a mut Report,
        ticker: &mut Ticker<'_>,
    ) -> Result<Self, Error> {
        Ok(Self {
            known_problems: writer.known_problems(ticker)?,
            writer,
            shared,
            scanner: Scanner::new(shared.hash),
            homes: HashSet::new(),
            looked_at: HashMap::new(),
            report,
        })
    }

    /// Folders with files that hold records, and all folders above them.
    pub(super) fn into_homes(self) -> HashSet<PathBuf> {
        self.homes
    }

    /// Write what the threads found, until all of them are done.
    pub(super) fn until_done(
        &mut self,
        results: &Receiver<Message>,
        ticker: &mut Ticker<'_>,
    ) -> Result<(), Error> {
        loop {
            match results.recv_timeout(TICK) {
                Ok(message) => self.take(message, ticker)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.writer.is_due() {
                self.write(ticker)?;
            }
            ticker.poll()?;
        }
        if self.writer.has_grown() {
            self.write(ticker)?;
        }
        Ok(())
    }

    /// Write a batch, and scan what another run was quicker with.
    fn write(&mut self, ticker: &mut Ticker<'_>) -> Result<(), Error> {
        for file in self.writer.write_batch(ticker)? {
            self.report.files_grown -= 1;
            // What is wrong with it is noted already.
            if let Message::Scanned(scanned) = scanned(file, &mut self.scanner, self.shared) {
                self.writer.add(Change::Scanned(*scanned));
            }
        }
        Ok(())
    }

    fn take(&mut self, message: Message, ticker: &mut Ticker<'_>) -> Result<(), Error> {
        match message {
            Message::Problem(problem) => self.report.problems.push(problem),
            Message::Unchanged(file) => {
                self.report.files_unchanged += 1;
                self.keep(&file);
            }
            Message::Touched(file) => {
                self.keep(&file);
                self.writer.add(Change::Touched(file));
            }
            Message::Scanned(scanned) => self.take_scanned(*scanned),
            Message::Longer(file) => return self.take_longer(file, ticker),
            Message::Alike(file, found) => return self.take_alike(file, found, ticker),
        }
        Ok(())
    }

    /// A file whose rows stay as they are.
    fn keep(&mut self, file: &FoundFile) {
        let known = self.shared.known.get(&file.name);
        self.note_home(file, known.is_some_and(|known| known.has_records));
        let known = self.known_problems.remove(&file.name);
        self.report.problems.extend(known.into_iter().flatten());
        self.shared.counts.one_done(file.stamp.size);
    }

    fn take_scanned(&mut self, scanned: ScannedFile) {
        self.report.records += scanned.records;
        self.report.bytes += scanned.file.stamp.size;
        self.note(&scanned);
        self.writer.add(Change::Scanned(scanned));
    }

    /// Note what a scan says of a file.
    fn note(&mut self, scanned: &ScannedFile) {
        self.report.files_without_records += u64::from(scanned.records == 0);
        self.note_home(&scanned.file, scanned.records > 0);
        self.report
            .problems
            .extend(scanned.problems.iter().cloned());
        self.shared.counts.one_done(scanned.file.stamp.size);
    }

    /// Scan what a file has gained, or all of it where it does not begin as it did.
    fn take_longer(&mut self, file: FoundFile, ticker: &mut Ticker<'_>) -> Result<(), Error> {
        let is_same = |known| is_same(&file, known);
        if self.shared.known.get(&file.name).is_some_and(is_same)
            && let Some(known) = self.writer.known_end(&file.name, ticker)?
            && let Some(last_row) = known.row.to_row(known.last_start_ns)
        {
            let grown = Grown {
                end: known.end,
                last_row,
                rows: known.rows,
            };
            if let Some(mut scan) = self.scanner.scan_new(&file, grown, &self.shared.cancel) {
                self.report.files_grown += 1;
                self.report.records += scan.records;
                self.report.bytes += file.stamp.size - known.end;
                scan.records += known.records;
                let scanned = ScannedFile::new(file, scan, false, self.shared.began_ns);
                self.note(&scanned);
                let last = (known.rowid, known.end);
                self.writer.add(Change::Grown(scanned, last));
                return Ok(());
            }
        }
        self.scan_here(file);
        Ok(())
    }

    /// A file with the bytes of known ones: one of them under another name, if any is no longer there
    /// under its own.
    fn take_alike(
        &mut self,
        file: FoundFile,
        fingerprint: Fingerprint,
        ticker: &mut Ticker<'_>,
    ) -> Result<(), Error> {
        let Some((known, name)) = self.gone_one(&file, fingerprint, ticker)? else {
            // A copy.
            self.scan_here(file);
            return Ok(());
        };
        known.see();
        self.report.files_moved += 1;
        self.note_home(&file, known.has_records);
        for mut problem in self.known_problems.remove(&name).into_iter().flatten() {
            problem.path.clone_from(&file.name);
            self.report.problems.push(problem);
        }
        self.shared.counts.one_done(file.stamp.size);
        self.writer.add(Change::Moved(file, name));
        Ok(())
    }

    /// The next of the known files with the bytes of this one that is no longer there, and its name.
    fn gone_one(
        &mut self,
        file: &FoundFile,
        fingerprint: Fingerprint,
        ticker: &mut Ticker<'_>,
    ) -> Result<Option<(&'a KnownFile, String)>, Error> {
        let known_files = &self.shared.known;
        let key = (file.stamp.size, file.stamp.modified_ns, fingerprint.0);
        let from = self.looked_at.get(&key).copied().unwrap_or(0);
        let alike = known_files.alike(file, fingerprint);
        let number = alike.len();
        let mut found = None;
        let mut at = from;
        for known in alike.skip(from) {
            at += 1;
            if known.is_seen() {
                continue;
            }
            // Its state may have been written anew since, under another number.
            let name = self.writer.name_of(known.rowid, ticker)?;
            let Some(name) = name.filter(|name| {
                let now = known_files.get(name);
                now.is_some_and(|now| now.rowid == known.rowid)
            }) else {
                continue;
            };
            if Whereabouts::of(&self.writer.names().path(&name)).is_gone() {
                found = Some((known, name));
                break;
            }
        }
        if number > 1 {
            self.looked_at.insert(key, at);
        }
        Ok(found)
    }

    fn scan_here(&mut self, file: FoundFile) {
        if let Message::Scanned(scanned) = scanned(file, &mut self.scanner, self.shared) {
            self.take_scanned(*scanned);
        }
    }

    /// Note where a file with records is.
    fn note_home(&mut self, file: &FoundFile, has_records: bool) {
        if !has_records {
            return;
        }
        for folder in Path::new(&file.path).ancestors().skip(1) {
            if self.homes.contains(folder) {
                // Those above it are known.
                return;
            }
            self.homes.insert(folder.to_owned());
        }
    }
}
