//! FDSN source identifier ↔ network, station, location, channel.

use std::fmt;

/// Room for one code: miniSEED 3 allows longer codes than miniSEED 2.
const CODE_BYTES: usize = 15;

/// A short ASCII code kept inline, so that a header is parsed without touching the heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Code {
    bytes: [u8; CODE_BYTES],
    length: u8,
}

impl Code {
    /// The code in `field`: up to the first NUL, without blanks (libmseed `ms_strncpclean`) and
    /// without bytes that are no printable ASCII, as ObsPy reads it.
    #[must_use]
    #[inline]
    pub fn from_field(field: &[u8]) -> Self {
        let mut code = Self::default();
        let mut length = 0;
        for &b in field {
            if b == 0 || length == CODE_BYTES {
                break;
            }
            // Written in any case, counted when it belongs to the code: no branch to predict.
            code.bytes[length] = b;
            length += usize::from(b.is_ascii_graphic());
        }
        if let Some(behind) = code.bytes.get_mut(length) {
            *behind = 0;
        }
        code.length = length as u8;
        code
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length as usize]).unwrap_or("")
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Network, station, location and channel of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId {
    /// Network code.
    pub network: Code,
    /// Station code.
    pub station: Code,
    /// Location code, empty for none.
    pub location: Code,
    /// Channel code: band, source and subsource.
    pub channel: Code,
}

impl SourceId {
    /// Parse `FDSN:NET_STA_LOC_B_S_SS` (FDSN Source Identifiers 1.0). Three one-letter parts join
    /// to the familiar channel code; longer ones keep their underscores, as libmseed does.
    #[must_use]
    pub fn parse(identifier: &[u8]) -> Option<Self> {
        let rest = identifier
            .strip_prefix(b"FDSN:")
            .or_else(|| identifier.strip_prefix(b"XFDSN:"))?;
        let mut parts = rest.splitn(4, |b| *b == b'_');
        let (network, station) = (parts.next()?, parts.next()?);
        let (location, channel) = (parts.next()?, parts.next()?);
        let longest = network.len().max(station.len()).max(location.len());
        if longest > CODE_BYTES {
            return None;
        }
        Some(Self {
            network: Code::from_field(network),
            station: Code::from_field(station),
            location: Code::from_field(location),
            channel: channel_code(channel)?,
        })
    }
}

/// Band, source and subsource with underscores between them, or a code as it stands.
fn channel_code(parts: &[u8]) -> Option<Code> {
    if let [band, b'_', source, b'_', subsource] = parts
        && [band, source, subsource].iter().all(|b| **b != b'_')
    {
        return Some(Code::from_field(&[*band, *source, *subsource]));
    }
    let fits = parts.split(|b| *b == b'_').all(|p| p.len() <= CODE_BYTES);
    let count = parts.split(|b| *b == b'_').count();
    (fits && (count == 1 || count == 3)).then(|| Code::from_field(parts))
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}.{}",
            self.network, self.station, self.location, self.channel
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_parts_join_to_a_channel_code() {
        let id = SourceId::parse(b"FDSN:IU_ANMO_00_B_H_Z").expect("valid");
        assert_eq!(id.to_string(), "IU.ANMO.00.BHZ");
        let id = SourceId::parse(b"FDSN:IU_ANMO__B_H_Z").expect("valid");
        assert_eq!(id.to_string(), "IU.ANMO..BHZ");
    }

    #[test]
    fn parts_may_be_empty_and_a_channel_may_have_no_underscores() {
        let id = SourceId::parse(b"FDSN:IU_ANMO_00_BHZ").expect("valid");
        assert_eq!(id.to_string(), "IU.ANMO.00.BHZ");
        let id = SourceId::parse(b"FDSN:____H_").expect("valid");
        assert_eq!(id.to_string(), "..._H_");
    }

    #[test]
    fn longer_parts_keep_their_underscores() {
        let id = SourceId::parse(b"FDSN:XX_TEST__L_H_ZZ").expect("valid");
        assert_eq!(id.channel.as_str(), "L_H_ZZ");
    }

    #[test]
    fn other_identifiers_are_refused() {
        assert_eq!(SourceId::parse(b"IU_ANMO_00_BHZ"), None);
        assert_eq!(SourceId::parse(b"FDSN:IU_ANMO"), None);
        assert_eq!(SourceId::parse(b"FDSN:IU_ANMO_00_B_H"), None);
        assert_eq!(SourceId::parse(b"FDSN:IU_ANMO_00_B_H_Z_"), None);
        assert_eq!(SourceId::parse(b"FDSN:IU_ANMO_00_BHZBHZBHZBHZBHZBHZ"), None);
        assert_eq!(SourceId::parse(b"FDSN:IU_SIXTEENLETTERSXX_00_B_H_Z"), None);
    }

    #[test]
    fn codes_lose_blanks_and_damaged_bytes() {
        assert_eq!(Code::from_field(b" A\xf0 C ").as_str(), "AC");
        assert_eq!(Code::from_field(b"AB\0CD").as_str(), "AB");
        assert_eq!(Code::from_field(b"AB \xf0"), Code::from_field(b"AB"));
        assert_eq!(
            Code::from_field(b"SEVENTEENLETTERSX").as_str(),
            "SEVENTEENLETTER"
        );
    }
}
