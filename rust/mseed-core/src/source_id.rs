//! FDSN source identifier ↔ network, station, location, channel.

use std::fmt;

/// Room for one code: miniSEED 3 allows longer codes than miniSEED 2.
pub(crate) const CODE_BYTES: usize = 15;

/// A short ASCII code kept inline, so that a header is parsed without touching the heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Code {
    /// The characters, then zeros; the last byte is their number.
    bytes: [u8; CODE_BYTES + 1],
}

impl Code {
    /// The code in `field`: up to the first NUL, without blanks (libmseed `ms_strncpclean`) and
    /// without bytes that are no printable ASCII, as ObsPy reads it.
    #[must_use]
    #[inline]
    pub fn from_field(field: &[u8]) -> Self {
        Self::from_short_field(field).unwrap_or_else(|| Self::from_any_field(field))
    }

    /// A field of up to 8 bytes that holds a code and then blanks or zeros, as nearly all do. It is
    /// taken as one number: bytes that are stored one by one and then copied together would wait
    /// for each other.
    #[inline]
    fn from_short_field(field: &[u8]) -> Option<Self> {
        const SEVEN_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;
        const HIGHEST_BITS: u64 = !SEVEN_BITS;
        const ONES: u64 = 0x0101_0101_0101_0101;
        let mut bytes = [0; 8];
        bytes.get_mut(..field.len())?.copy_from_slice(field);
        let word = u64::from_le_bytes(bytes);
        // The highest bit of each byte from `!` to `~`.
        let low = word & SEVEN_BITS;
        let at_least = low + ONES * u64::from(0x80 - b'!');
        let too_high = (low + ONES * u64::from(0x80 - 0x7F_u8)) | word;
        let graphic = at_least & !too_high & HIGHEST_BITS;
        let length = (!graphic & HIGHEST_BITS).trailing_zeros() / 8;
        if graphic.count_ones() != length {
            return None;
        }
        let code = match length {
            8 => word,
            _ => word & ((1 << (8 * length)) - 1),
        };
        let with_length = u128::from(code) | u128::from(length) << (8 * CODE_BYTES);
        Some(Self {
            bytes: with_length.to_le_bytes(),
        })
    }

    fn from_any_field(field: &[u8]) -> Self {
        let mut code = Self::default();
        let text = field.iter().take_while(|b| **b != 0);
        let graphic = text.filter(|b| b.is_ascii_graphic()).take(CODE_BYTES);
        for (place, b) in code.bytes.iter_mut().zip(graphic) {
            *place = *b;
        }
        let length = code.bytes.iter().take_while(|b| **b != 0).count();
        code.bytes[CODE_BYTES] = length as u8;
        code
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = usize::from(self.bytes[CODE_BYTES]);
        std::str::from_utf8(&self.bytes[..length]).unwrap_or("")
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
    }

    #[test]
    fn a_short_field_gives_the_same_code_either_way() {
        let letters = [0, b' ', b'!', b'A', b'~', 0x7F, 0x80, 0xFF];
        for n in 0..8_usize.pow(4) {
            let field = [0, 1, 2, 3].map(|at| letters[n >> (3 * at) & 7]);
            for length in 0..=4 {
                let field = &field[..length];
                assert_eq!(
                    Code::from_field(field),
                    Code::from_any_field(field),
                    "{field:?}"
                );
            }
        }
        for field in [
            &b"ABCDEFGH"[..],
            b"ABCDEFGHI",
            b"A234567890123456789",
            b"ABCDEFG ",
        ] {
            assert_eq!(Code::from_field(field), Code::from_any_field(field));
        }
        assert_eq!(Code::from_field(b"AB \xf0"), Code::from_field(b"AB"));
        assert_eq!(
            Code::from_field(b"SEVENTEENLETTERSX").as_str(),
            "SEVENTEENLETTER"
        );
    }
}
