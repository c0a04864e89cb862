//! Which records a window takes, and whether overlaps are decided.

use super::plan::Piece;

/// What the caller wants to have, told by what records say of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Publication versions; `None` takes all.
    pub versions: Option<Vec<u8>>,
    /// Quality letters of miniSEED 2; `None` takes all. A record of miniSEED 3 has none.
    pub qualities: Option<Vec<u8>>,
    /// Whether overlaps stay as they are, instead of being decided.
    pub keeps_overlaps: bool,
}

impl Choice {
    /// Whether every record is wanted.
    pub(super) fn takes_all(&self) -> bool {
        self.versions.is_none() && self.qualities.is_none()
    }

    /// Whether a record is wanted.
    pub(super) fn takes(&self, piece: &Piece) -> bool {
        let is_version = |wanted: &Vec<u8>| wanted.contains(&piece.version);
        let is_quality = |wanted: &Vec<u8>| piece.quality.is_some_and(|q| wanted.contains(&q));
        self.versions.as_ref().is_none_or(is_version)
            && self.qualities.as_ref().is_none_or(is_quality)
    }
}
