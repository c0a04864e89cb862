//! What an index calls a file, and how many names are remembered in little memory.

use std::hash::{BuildHasher, RandomState};
use std::path::{Component, Path, PathBuf};

use crate::Error;

/// How an index names files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// By their canonical absolute paths, as mseedindex does.
    Absolute,
    /// Relative to a folder, that of the index: the archive can move together with it.
    Below(PathBuf),
}

impl Names {
    /// Relative to the folder of an index.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no such file.
    pub(crate) fn below_index(index: &Path) -> Result<Self, Error> {
        let whole = index.canonicalize().map_err(|e| Error::io(index, e))?;
        let folder = whole.parent().map(Path::to_path_buf);
        Ok(Self::Below(folder.unwrap_or_default()))
    }

    /// The name of a file, of its canonical absolute path.
    #[must_use]
    pub fn of(&self, path: &str) -> String {
        match self {
            Self::Absolute => path.to_owned(),
            Self::Below(folder) => relative(Path::new(path), folder)
                .and_then(|name| name.into_os_string().into_string().ok())
                .unwrap_or_else(|| path.to_owned()),
        }
    }

    /// The absolute path of a name.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Absolute => PathBuf::from(name),
            Self::Below(folder) => {
                let mut path = folder.clone();
                for part in Path::new(name).components() {
                    if part == Component::ParentDir {
                        path.pop();
                    } else {
                        path.push(part);
                    }
                }
                path
            }
        }
    }
}

/// The way from a folder to a file, both absolute; `None` where there is none, from one drive to
/// another.
fn relative(path: &Path, folder: &Path) -> Option<PathBuf> {
    let shared = path
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared == 0 {
        return None;
    }
    let up = folder
        .components()
        .skip(shared)
        .map(|_| Component::ParentDir);
    Some(up.chain(path.components().skip(shared)).collect())
}

/// Stands for a text: 16 bytes, whatever its length. That two texts of an archive have the same one
/// is less likely than that its disk reads a wrong byte.
pub type Digest = u128;

/// Forms digests; those of two instances are not to be compared.
#[derive(Debug, Default)]
pub struct Digests(RandomState, RandomState);

impl Digests {
    /// The digest of a text.
    #[must_use]
    pub fn of(&self, text: &[u8]) -> Digest {
        u128::from(self.0.hash_one(text)) << 64 | u128::from(self.1.hash_one(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_names_lead_back_to_the_file() {
        for (folder, path, name) in [
            ("/a/b", "/a/b/c/d", "c/d"),
            ("/a/b", "/a/x", "../x"),
            ("/a/b/c", "/d/e", "../../../d/e"),
            ("/", "/d", "d"),
        ] {
            let names = Names::Below(folder.into());
            assert_eq!(names.of(path), name);
            assert_eq!(names.path(name), Path::new(path));
        }
        assert_eq!(Names::Absolute.of("/a/b"), "/a/b");
        assert_eq!(Names::Absolute.path("/a/b"), Path::new("/a/b"));
    }
}
