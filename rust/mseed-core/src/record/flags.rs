//! What the flag bits of a header say, in words.

use super::{FormatVersion, Record};

/// Bits of the three flag bytes of miniSEED 2 (SEED manual 2.4, fixed header fields 12 to 14).
const V2: [(usize, [&str; 8]); 3] = [
    (
        36,
        [
            "calibration signals present",
            "time correction applied",
            "beginning of an event",
            "end of an event",
            "positive leap second",
            "negative leap second",
            "event in progress",
            "activity bit 7",
        ],
    ),
    (
        37,
        [
            "station volume parity error",
            "long record read",
            "short record read",
            "start of time series",
            "end of time series",
            "clock locked",
            "I/O bit 6",
            "I/O bit 7",
        ],
    ),
    (
        38,
        [
            "amplifier saturation",
            "digitizer clipping",
            "spikes",
            "glitches",
            "missing data",
            "telemetry synchronization error",
            "digital filter charging",
            "time tag questionable",
        ],
    ),
];

/// Bits of the flag byte of miniSEED 3.
const V3: [(usize, [&str; 8]); 1] = [(
    3,
    [
        "calibration signals present",
        "time tag questionable",
        "clock locked",
        "bit 3",
        "bit 4",
        "bit 5",
        "bit 6",
        "bit 7",
    ],
)];

impl Record<'_> {
    /// Names of the flag bits that are set in the header.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        let bytes: &'static [(usize, [&'static str; 8])] = match self.format {
            FormatVersion::V2 => &V2,
            FormatVersion::V3 => &V3,
        };
        bytes.iter().flat_map(|(at, names)| {
            let byte = self.bytes[*at];
            (0..8)
                .filter(move |bit| byte & (1 << bit) != 0)
                .map(|bit| names[bit])
        })
    }
}
