//! What a walk meets: records that have samples, and what is wrong.

use mseed_core::{Class, Encoding, Item, Kind};

use super::plan::Piece;
use crate::problem::{Faults, Problem, ProblemList};

/// Bytes in which a walk goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// File, for problems.
    pub(super) path: &'a str,
    /// Offset of the bytes in the file.
    pub(super) base: usize,
    /// Number of their buffer.
    pub(super) buffer: usize,
    /// Whether the file ends before the range that was asked for.
    pub(super) short: bool,
}

/// What was met so far.
#[derive(Debug, Default)]
pub(super) struct Gleaned {
    /// Records, those without samples and opaque ones included.
    pub(super) records: usize,
    told: ProblemList,
    faults: Faults,
}

impl Gleaned {
    /// Look at one item; a record with samples is handed on.
    pub(super) fn take(
        &mut self,
        item: Item<'_>,
        place: Place<'_>,
        hand_on: &mut dyn FnMut(usize, Piece),
    ) {
        match item {
            Item::Record(at, record) => {
                self.records += 1;
                if let Some(fault) = &record.fault {
                    self.faults
                        .push(&mut self.told, place.path, place.base + at, fault);
                }
                if record.encoding == Encoding::Opaque {
                    return;
                }
                match Piece::new(&record, place.buffer, at) {
                    Ok(piece) if piece.npts > 0 => hand_on(at, piece),
                    Ok(_) => {}
                    Err(error) => {
                        let error = error.shifted(place.base + at);
                        let problem = Problem::bytes(place.path, &error, record.bytes.len());
                        self.told.push(problem.of_channel(&record.source));
                    }
                }
            }
            // Control headers of a full SEED volume are no data, and no problem.
            Item::Skipped(skipped) if skipped.reason.kind == Kind::ControlHeader => {}
            Item::Skipped(skipped) => {
                // A file that became shorter is reported as that, once.
                if !(place.short && skipped.reason.class() == Class::Truncated) {
                    self.told
                        .push(Problem::skipped(place.path, &skipped, place.base));
                }
            }
        }
    }

    /// What is wrong, in the order of the bytes.
    pub(super) fn finish(mut self) -> ProblemList {
        self.faults.finish(&mut self.told);
        self.told
    }
}
