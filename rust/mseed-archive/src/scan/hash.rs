//! Check sums of records: the MD5 that mseedindex keeps of the bytes of a row.

use std::fmt::Write;

use md5::{Digest, Md5};

/// MD5 of bytes that come part by part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hash(Md5);

impl Hash {
    /// Take the next bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sum of all bytes so far, as 32 hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        let mut text = String::with_capacity(32);
        for byte in self.0.clone().finalize() {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_rfc_1321_however_the_bytes_come() {
        assert_eq!(Hash::default().hex(), "d41d8cd98f00b204e9800998ecf8427e");
        let mut hash = Hash::default();
        for part in ["message", "", " digest"] {
            hash.add(part.as_bytes());
        }
        assert_eq!(hash.hex(), "f96b697d7cb7938d525a2f31aaf161d0");
    }
}
