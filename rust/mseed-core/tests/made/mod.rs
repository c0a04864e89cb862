//! Records for the tests of headers.

/// A miniSEED 2 record put together byte by byte, apart from the writer of the crate.
#[derive(Clone)]
pub(crate) struct V2 {
    pub(crate) big_endian: bool,
    pub(crate) data_big_endian: bool,
    pub(crate) length: usize,
    pub(crate) encoding: u8,
    pub(crate) npts: u16,
    pub(crate) rate: (i16, i16),
    /// Year, day of the year, hour, minute, second.
    pub(crate) time: (u16, u16, u8, u8, u8),
    pub(crate) activity: u8,
    pub(crate) correction: i32,
    /// Blockettes behind each other from byte 48 on.
    pub(crate) blockettes: Vec<(u16, Vec<u8>)>,
    pub(crate) with_1000: bool,
    pub(crate) payload: Vec<u8>,
}

impl Default for V2 {
    fn default() -> Self {
        Self {
            big_endian: true,
            data_big_endian: true,
            length: 256,
            encoding: 3,
            npts: 2,
            rate: (100, 1),
            time: (2012, 61, 13, 22, 11),
            activity: 0,
            correction: 0,
            blockettes: Vec::new(),
            with_1000: true,
            payload: vec![0, 0, 0, 7, 255, 255, 255, 255],
        }
    }
}

impl V2 {
    fn order<const N: usize>(&self, big: [u8; N]) -> [u8; N] {
        let mut bytes = big;
        if !self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut chain = self.blockettes.clone();
        if self.with_1000 {
            let exponent = self.length.trailing_zeros() as u8;
            let order = u8::from(self.data_big_endian);
            chain.insert(0, (1000, vec![self.encoding, order, exponent, 0]));
        }
        let mut record = vec![0; self.length];
        record[..20].copy_from_slice(b"000001D AAA  00HHZXX");
        record[20..22].copy_from_slice(&self.order(self.time.0.to_be_bytes()));
        record[22..24].copy_from_slice(&self.order(self.time.1.to_be_bytes()));
        record[24..27].copy_from_slice(&[self.time.2, self.time.3, self.time.4]);
        record[28..30].copy_from_slice(&self.order(1234u16.to_be_bytes()));
        record[30..32].copy_from_slice(&self.order(self.npts.to_be_bytes()));
        record[32..34].copy_from_slice(&self.order(self.rate.0.to_be_bytes()));
        record[34..36].copy_from_slice(&self.order(self.rate.1.to_be_bytes()));
        record[36] = self.activity;
        record[39] = chain.len() as u8;
        record[40..44].copy_from_slice(&self.order(self.correction.to_be_bytes()));
        let mut at = 48;
        for (number, (kind, body)) in chain.iter().enumerate() {
            let end = at + 4 + body.len();
            let next = if number + 1 < chain.len() {
                end as u16
            } else {
                0
            };
            record[at..at + 2].copy_from_slice(&self.order(kind.to_be_bytes()));
            record[at + 2..at + 4].copy_from_slice(&self.order(next.to_be_bytes()));
            record[at + 4..end].copy_from_slice(body);
            at = end;
        }
        let first = if chain.is_empty() { 0u16 } else { 48 };
        let payload_at = self.length - 64;
        assert!(at <= payload_at);
        record[44..46].copy_from_slice(&self.order((payload_at as u16).to_be_bytes()));
        record[46..48].copy_from_slice(&self.order(first.to_be_bytes()));
        record[payload_at..payload_at + self.payload.len()].copy_from_slice(&self.payload);
        record
    }
}
