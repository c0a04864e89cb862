//! A deterministic series at 100 Hz that packs to about 1.1 bytes a sample in Steim2.

/// Coloured noise whose strength changes slowly, as of a quiet station with some events.
#[must_use]
pub fn seismic(npts: usize) -> Vec<i32> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let (mut ground, mut swell) = (0.0, 0.0);
    (0..npts)
        .map(|at| {
            let noise: f64 = (0..4).map(|_| uniform()).sum();
            let event = (-(((at % 60_000) as f64 - 30_000.0) / 2500.0).powi(2)).exp();
            swell = 0.999 * swell + noise;
            ground = 0.7 * ground + noise * (18.0 + 60.0 * event);
            (ground + 8.0 * swell).round() as i32
        })
        .collect()
}
