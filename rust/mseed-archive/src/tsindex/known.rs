//! The files that an index knows, in little memory: an archive has millions of them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use crate::names::{Digest, Digests};
use crate::scan::Fingerprint;
use crate::walk::{FoundFile, Stamp};

/// What the index knows of a file from an earlier run.
#[derive(Debug)]
pub struct KnownFile {
    name: Digest,
    /// Number of its state in the index.
    pub rowid: i64,
    /// What the system said of it.
    pub stamp: Stamp,
    /// What tells it from others, where that was formed.
    pub fingerprint: Option<Fingerprint>,
    /// Whether it held any record.
    pub has_records: bool,
    /// Whether the hashes of its rows were formed.
    pub hashed: bool,
    seen: AtomicBool,
}

impl KnownFile {
    /// Note that it is still there, perhaps under another name; returns whether that was known.
    pub fn see(&self) -> bool {
        self.seen.swap(true, Ordering::Relaxed)
    }

    /// Whether it is still there, as far as the run has looked.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    /// Whether nothing that the system says of a file has changed.
    #[must_use]
    pub fn is_unchanged(&self, stamp: &Stamp) -> bool {
        let same = |known: i64, found: i64| known == 0 || found == 0 || known == found;
        self.has_same_bytes(stamp)
            && same(self.stamp.changed_ns, stamp.changed_ns)
            && same(self.stamp.inode as i64, stamp.inode as i64)
    }

    /// Whether the system says that size and time of change are the same: they can be set back.
    #[must_use]
    pub fn has_same_bytes(&self, stamp: &Stamp) -> bool {
        (self.stamp.size, self.stamp.modified_ns) == (stamp.size, stamp.modified_ns)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct KnownFiles {
    digests: Digests,
    /// In the order of their names' digests.
    files: Vec<KnownFile>,
    /// Their numbers in the order of size, time of change and fingerprint.
    by_bytes: OnceLock<Vec<u32>>,
}

/// What files of the same bytes have in common.
type Alike = (u64, i64, Option<i64>);

impl KnownFiles {
    /// Read them.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let digests = Digests::default();
        let mut statement = connection.prepare(
            "SELECT rowid,filename,size,modified_ns,changed_ns,inode,fingerprint,records,hashed \
             FROM credit_fast_files",
        )?;
        let mut rows = statement.query([])?;
        let mut files = Vec::new();
        while let Some(row) = rows.next()? {
            let name = row.get_ref(1)?.as_bytes().unwrap_or_default();
            let size: i64 = row.get(2)?;
            let inode: Option<i64> = row.get(5)?;
            files.push(KnownFile {
                name: digests.of(name),
                rowid: row.get(0)?,
                stamp: Stamp {
                    size: size as u64,
                    modified_ns: row.get(3)?,
                    changed_ns: row.get::<_, Option<i64>>(4)?.unwrap_or(0),
                    inode: inode.unwrap_or(0) as u64,
                },
                fingerprint: row.get::<_, Option<i64>>(6)?.map(Fingerprint),
                has_records: row.get::<_, i64>(7)? > 0,
                hashed: row.get::<_, Option<bool>>(8)?.unwrap_or(false),
                seen: AtomicBool::new(false),
            });
        }
        files.sort_unstable_by_key(|file| file.name);
        Ok(Self {
            digests,
            files,
            by_bytes: OnceLock::new(),
        })
    }

    /// The file of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&KnownFile> {
        if self.files.is_empty() {
            return None;
        }
        let digest = self.digests.of(name.as_bytes());
        let at = self.files.binary_search_by_key(&digest, |file| file.name);
        at.ok().map(|at| &self.files[at])
    }

    /// Whether the system said the same size and time of change of any.
    #[must_use]
    pub fn has_alike(&self, file: &FoundFile) -> bool {
        let Stamp {
            size, modified_ns, ..
        } = file.stamp;
        let by_bytes = self.by_bytes();
        // Those without a fingerprint come first; none of them is ever told apart.
        let from = by_bytes.partition_point(|at| self.key(*at) <= (size, modified_ns, None));
        let next = by_bytes.get(from).map(|at| self.key(*at));
        next.is_some_and(|(a, b, _)| (a, b) == (size, modified_ns))
    }

    /// Files of the same size, time of change and fingerprint.
    pub fn alike(
        &self,
        file: &FoundFile,
        fingerprint: Fingerprint,
    ) -> impl ExactSizeIterator<Item = &KnownFile> {
        let wanted = (file.stamp.size, file.stamp.modified_ns, Some(fingerprint.0));
        let by_bytes = self.by_bytes();
        let from = by_bytes.partition_point(|at| self.key(*at) < wanted);
        let number = by_bytes[from..].partition_point(|at| self.key(*at) == wanted);
        by_bytes[from..from + number]
            .iter()
            .map(|at| &self.files[*at as usize])
    }

    fn key(&self, at: u32) -> Alike {
        let file = &self.files[at as usize];
        let fingerprint = file.fingerprint.map(|fingerprint| fingerprint.0);
        (file.stamp.size, file.stamp.modified_ns, fingerprint)
    }

    fn by_bytes(&self) -> &[u32] {
        self.by_bytes.get_or_init(|| {
            let mut numbers: Vec<u32> = (0..).take(self.files.len()).collect();
            numbers.sort_unstable_by_key(|at| self.key(*at));
            numbers
        })
    }

    /// Numbers of the states of files that were not seen.
    #[must_use]
    pub fn unseen(&self) -> Vec<i64> {
        self.files
            .iter()
            .filter(|file| !file.is_seen())
            .map(|file| file.rowid)
            .collect()
    }
}
