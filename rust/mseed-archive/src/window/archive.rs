//! Several indexes as one archive, each with a rule where its files are.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use md5::{Digest, Md5};
use mseed_core::time::period_ns;

use crate::Error;
use crate::tsindex::{Channel, IndexReader, IndexedRun, Question, Selection};

/// Indexes that are asked as one.
#[derive(Debug)]
pub struct Archive {
    sources: Vec<Source>,
}

/// An index, and where its files are.
#[derive(Debug)]
pub struct Source {
    /// The index.
    pub index: IndexReader,
    /// Where files have moved to since it was made.
    pub paths: PathMap,
}

/// The name of a file now, of the name that an index has; `None` where it is the same.
pub type Rename = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What the files of an index are called now.
#[derive(Clone)]
pub struct PathMap(Rule);

#[derive(Clone)]
enum Rule {
    /// Beginnings of names and what stands for them now.
    Folders(Vec<(String, String)>),
    Function(Arc<Rename>),
}

impl PathMap {
    /// A rule from pairs of a folder as the index names it and as it is called now. Of several
    /// that fit a name the longest counts.
    #[must_use]
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        // With or without a slash at the end is the same folder.
        let folder = |name: &mut String| {
            while name.len() > 1 && name.ends_with(['/', '\\']) {
                name.pop();
            }
        };
        for (from, to) in &mut pairs {
            folder(from);
            folder(to);
        }
        pairs.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        Self(Rule::Folders(pairs))
    }

    /// A rule that is a function. It is called on any thread that opens a file, never while one is
    /// inside SQLite.
    #[must_use]
    pub fn function(rename: Arc<Rename>) -> Self {
        Self(Rule::Function(rename))
    }

    /// The name of a file now; `None` when the rule does not touch it.
    #[must_use]
    pub fn apply(&self, name: &str) -> Option<String> {
        match &self.0 {
            Rule::Folders(pairs) => pairs
                .iter()
                .find_map(|(from, to)| in_other_folder(name, from, to)),
            Rule::Function(rename) => rename(name),
        }
    }
}

impl Default for PathMap {
    fn default() -> Self {
        Self(Rule::Folders(Vec::new()))
    }
}

impl fmt::Debug for PathMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Folders(pairs) => f.debug_tuple("PathMap").field(pairs).finish(),
            Rule::Function(_) => f.write_str("PathMap(function)"),
        }
    }
}

/// A name below the folder `from`, below `to` in its place; `None` when it is not below `from`.
fn in_other_folder(name: &str, from: &str, to: &str) -> Option<String> {
    let is_border = |text: &str| text.ends_with(['/', '\\']);
    let rest = name.strip_prefix(from)?;
    // A folder is not the beginning of the name of another one.
    let whole =
        rest.is_empty() || from.is_empty() || is_border(from) || rest.starts_with(['/', '\\']);
    whole.then(|| {
        let rest = rest.trim_start_matches(['/', '\\']);
        if rest.is_empty() || to.is_empty() || is_border(to) {
            format!("{to}{rest}")
        } else {
            format!("{to}/{rest}")
        }
    })
}

/// A gapless span of a channel, as an index has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelSpan {
    /// Network, station, location, channel.
    pub codes: [String; 4],
    /// First sample.
    pub start_ns: i64,
    /// Last sample.
    pub end_ns: i64,
    /// Sample rate.
    pub rate_hz: f64,
}

impl Archive {
    /// Open indexes.
    ///
    /// # Errors
    /// Those of [`IndexReader::open`], for the first that fails.
    pub fn open<'a>(indexes: impl IntoIterator<Item = (&'a Path, PathMap)>) -> Result<Self, Error> {
        let sources = indexes
            .into_iter()
            .map(|(path, paths)| {
                Ok(Source {
                    index: IndexReader::open(path)?,
                    paths,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { sources })
    }

    /// The indexes, in the order in which they were given.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Channels of a selection in the order of their codes, each with its extent over all indexes.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn channels(&self, selection: &Selection) -> Result<Vec<Channel>, Error> {
        let mut all: BTreeMap<[String; 4], (i64, i64)> = BTreeMap::new();
        for source in &self.sources {
            for channel in source.index.channels(selection)? {
                let ends = (channel.start_ns, channel.end_ns);
                let known = all.entry(channel.codes).or_insert(ends);
                *known = (known.0.min(ends.0), known.1.max(ends.1));
            }
        }
        let channel = |(codes, (start_ns, end_ns))| Channel {
            codes,
            start_ns,
            end_ns,
        };
        Ok(all.into_iter().map(channel).collect())
    }

    /// Gapless spans of a selection that have a part inside a window, or end less than a sample
    /// before it, by channel, then by start.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn spans(
        &self,
        selection: &Selection,
        start_ns: i64,
        end_ns: i64,
    ) -> Result<Vec<ChannelSpan>, Error> {
        let mut all = Vec::new();
        for source in &self.sources {
            for run in source.index.runs(selection, start_ns, end_ns)? {
                all.extend(spans_of(&run).filter(|span| {
                    // A sample stands for the time up to the next one.
                    let behind_ns = span.end_ns.saturating_add(period_ns(span.rate_hz));
                    behind_ns >= start_ns && span.start_ns <= end_ns
                }));
            }
        }
        all.sort_by(|a, b| (&a.codes, a.start_ns, a.end_ns).cmp(&(&b.codes, b.start_ns, b.end_ns)));
        Ok(all)
    }
}

impl Archive {
    /// What the indexes say of windows.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn stored(&self, questions: &[Question<'_>]) -> Result<Vec<Stored>, Error> {
        let mut hashers = vec![Md5::new(); questions.len()];
        let mut places: Vec<Option<(String, u64)>> = vec![None; questions.len()];
        for source in &self.sources {
            let answers = source.index.runs_of(questions)?;
            let found = hashers.iter_mut().zip(&mut places);
            for (((hasher, place), question), mut runs) in found.zip(questions).zip(answers) {
                // More rows than those are known once a channel is kept in memory, in another order.
                runs.retain(|run| touches(run, question));
                runs.sort_by(|one, other| place_of(one).cmp(&place_of(other)));
                for run in &runs {
                    digest(hasher, run);
                }
                let firsts = runs.iter().map(|run| (&run.filename, run.byte_offset));
                if let Some((name, offset)) = firsts.min() {
                    let here = (name.clone(), offset);
                    if place.as_ref().is_none_or(|other| here < *other) {
                        *place = Some(here);
                    }
                }
            }
        }
        let stored = hashers.into_iter().zip(places).map(|(hasher, place)| {
            let mut digest = [0; 8];
            digest.copy_from_slice(&hasher.finalize()[..8]);
            Stored { digest, place }
        });
        Ok(stored.collect())
    }
}

/// What the indexes say of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Of an MD5: the same as long as they name the same bytes of files that did not change. The
    /// folders of the files do not count.
    pub digest: [u8; 8],
    /// File, as the index names it, and offset of the row that is first by these; none without data.
    pub place: Option<(String, u64)>,
}

/// Whether a row has a sample in a window, or so near that it may count there.
pub(super) fn touches(run: &IndexedRun, question: &Question<'_>) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and nanoseconds are enough"
    )]
    let period_ns = if run.lowest_rate_hz > 0.0 {
        (1e9 / run.lowest_rate_hz) as i64
    } else {
        0
    };
    run.start_ns.saturating_sub(period_ns) <= question.end_ns
        && run.end_ns.saturating_add(period_ns) >= question.start_ns
}

fn place_of(run: &IndexedRun) -> (&[String; 4], i64, &str, u64) {
    (&run.codes, run.start_ns, &run.filename, run.byte_offset)
}

fn digest(hasher: &mut Md5, run: &IndexedRun) {
    let name = run.filename.rsplit(['/', '\\']).next();
    let texts = run.codes.iter().map(String::as_str).chain(name);
    for text in texts {
        hasher.update(text);
        hasher.update([0]);
    }
    let changed_ns = run.age.changed_ns.unwrap_or_default();
    for number in [run.start_ns, run.end_ns, changed_ns] {
        hasher.update(number.to_le_bytes());
    }
    for number in [run.byte_offset, run.bytes] {
        hasher.update(number.to_le_bytes());
    }
}

/// The spans of a row, each with its rate; an index may name none.
fn spans_of(run: &IndexedRun) -> impl Iterator<Item = ChannelSpan> {
    let whole = [(run.start_ns, run.end_ns)];
    let is_series = run.lowest_rate_hz > 0.0;
    let spans = if run.spans.is_empty() && is_series {
        &whole[..]
    } else {
        &run.spans[..]
    };
    let rate_of = |number: usize| match run.span_rates_hz.get(number) {
        Some(rate) if run.span_rates_hz.len() == spans.len() => *rate,
        _ => run.lowest_rate_hz,
    };
    let made: Vec<_> = spans
        .iter()
        .enumerate()
        .map(|(number, (start_ns, end_ns))| ChannelSpan {
            codes: run.codes.clone(),
            start_ns: *start_ns,
            end_ns: *end_ns,
            rate_hz: rate_of(number),
        })
        .collect();
    made.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(pairs: &[(&str, &str)], name: &str) -> Option<String> {
        let owned = pairs.iter().map(|(a, b)| ((*a).into(), (*b).into()));
        PathMap::new(owned.collect()).apply(name)
    }

    #[test]
    fn the_longest_folder_that_fits_is_replaced() {
        let pairs = [
            ("/slash/", "/none"),
            ("/none", "/slash/"),
            ("/data", "/new"),
            ("/data/2020", "/disk2/2020"),
            ("old/", ""),
        ];
        assert_eq!(
            moved(&pairs, "/data/2019/a").as_deref(),
            Some("/new/2019/a")
        );
        assert_eq!(
            moved(&pairs, "/data/2020/a").as_deref(),
            Some("/disk2/2020/a")
        );
        assert_eq!(moved(&pairs, "/data").as_deref(), Some("/new"));
        assert_eq!(moved(&pairs, "/database/a"), None);
        assert_eq!(moved(&pairs, "old/a").as_deref(), Some("a"));
        assert_eq!(moved(&pairs, "older/a"), None);
        assert_eq!(moved(&pairs, "/slash/a").as_deref(), Some("/none/a"));
        assert_eq!(moved(&pairs, "/none/a").as_deref(), Some("/slash/a"));
    }

    #[test]
    fn a_function_may_change_any_part_of_a_name() {
        let rename = |name: &str| name.contains("old").then(|| name.replace("old", "new"));
        let map = PathMap::function(Arc::new(rename));
        assert_eq!(map.apply("/a/older/x").as_deref(), Some("/a/newer/x"));
        assert_eq!(map.apply("/a/x"), None);
    }

    #[test]
    fn an_empty_folder_stands_before_every_name() {
        assert_eq!(
            moved(&[("", "/mnt")], "2020/a").as_deref(),
            Some("/mnt/2020/a")
        );
        assert_eq!(moved(&[], "2020/a"), None);
    }
}
