//! Several indexes as one archive, each with a rule where its files are.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Error;
use crate::tsindex::{Channel, IndexReader, Selection};

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

/// Beginnings of file names and what stands for them now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathMap(Vec<(String, String)>);

impl PathMap {
    /// A rule from pairs of a folder as the index names it and as it is called now. Of several
    /// that fit a name the longest counts.
    #[must_use]
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        Self(pairs)
    }

    /// The name of a file now; `None` when no pair fits it.
    #[must_use]
    pub fn apply(&self, name: &str) -> Option<String> {
        let is_border = |text: &str| text.ends_with(['/', '\\']);
        self.0.iter().find_map(|(from, to)| {
            let rest = name.strip_prefix(from.as_str())?;
            // A folder is not the beginning of the name of another one.
            let whole = rest.is_empty()
                || from.is_empty()
                || is_border(from)
                || rest.starts_with(['/', '\\']);
            whole.then(|| {
                if from.is_empty() && !to.is_empty() && !is_border(to) {
                    format!("{to}/{rest}")
                } else {
                    format!("{to}{rest}")
                }
            })
        })
    }
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
    /// Lowest sample rate of the records around it.
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

    /// Gapless spans of a selection that have a part inside a window, by channel, then by start.
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
                let inside = |(from, to): &&(i64, i64)| *to >= start_ns && *from <= end_ns;
                all.extend(
                    run.spans
                        .iter()
                        .filter(inside)
                        .map(|(from, to)| ChannelSpan {
                            codes: run.codes.clone(),
                            start_ns: *from,
                            end_ns: *to,
                            rate_hz: run.lowest_rate_hz,
                        }),
                );
            }
        }
        all.sort_by(|a, b| (&a.codes, a.start_ns, a.end_ns).cmp(&(&b.codes, b.start_ns, b.end_ns)));
        Ok(all)
    }
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
