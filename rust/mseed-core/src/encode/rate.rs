//! Sample rates as the two headers hold them.

/// Largest sample rate factor and multiplier of miniSEED 2.
const MOST: u64 = 32_767;

/// Rates that differ by less are one.
const SAME: f64 = 1e-9;

/// How a miniSEED 2 header gives a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RateV2 {
    pub(super) factor: i16,
    pub(super) multiplier: i16,
    /// Actual rate for blockette 100: where factor and multiplier are not the rate, and this is
    /// nearer.
    pub(super) actual: Option<f32>,
}

/// The rate fields of miniSEED 2 (SEED manual 2.4, fixed header fields 10 and 11).
pub(super) fn v2(rate_hz: f64) -> RateV2 {
    if rate_hz == 0.0 {
        return RateV2 {
            factor: 0,
            multiplier: 1,
            actual: None,
        };
    }
    let most = MOST as f64;
    let (factor, multiplier) = if rate_hz > most {
        let (factor, multiplier) = product(rate_hz);
        (factor as i16, multiplier as i16)
    } else if rate_hz < 1.0 / most {
        let (factor, multiplier) = product(1.0 / rate_hz);
        (-(factor as i16), -(multiplier as i16))
    } else {
        match ratio(rate_hz) {
            (1, period) if period > 1 => (-(period as i16), 1),
            (hertz, 1) => (hertz as i16, 1),
            (above, below) => (above as i16, -(below as i16)),
        }
    };
    let off = |value: f64| (value / rate_hz - 1.0).abs();
    let nominal_off = off(crate::record::nominal_rate_hz(factor, multiplier));
    let actual = rate_hz as f32;
    let nearer = nominal_off > SAME && off(f64::from(actual)) < nominal_off;
    RateV2 {
        factor,
        multiplier,
        actual: nearer.then_some(actual),
    }
}

/// The fraction nearest to `value` with both parts up to [`MOST`], by its continued fraction: the
/// last convergent that fits, or one of the fractions between it and the next.
fn ratio(value: f64) -> (u64, u64) {
    let (mut above, mut below) = ((0u64, 1u64), (1u64, 0u64));
    let mut rest = value;
    loop {
        let whole = rest.floor() as u64;
        let room = |(before, last): (u64, u64)| match last {
            0 => u64::MAX,
            last => (MOST - before) / last,
        };
        let times = whole.min(room(above)).min(room(below));
        let next = (above.0 + above.1 * times, below.0 + below.1 * times);
        if times < whole {
            let off = |(a, b): (u64, u64)| (a as f64 / b as f64 - value).abs();
            let last = (above.1, below.1);
            return if times > 0 && next.0 > 0 && off(next) < off(last) {
                next
            } else {
                last
            };
        }
        (above, below) = ((above.1, next.0), (below.1, next.1));
        let fraction = rest - rest.floor();
        // What is left of a double that is the fraction itself is rounding.
        if (next.0 as f64 / next.1 as f64 / value - 1.0).abs() < 1e-15 || fraction == 0.0 {
            return next;
        }
        rest = 1.0 / fraction;
    }
}

/// The product nearest to a large `value` of two numbers up to [`MOST`].
fn product(value: f64) -> (u64, u64) {
    let most = MOST as f64;
    let least = (value / most).ceil().clamp(1.0, most) as u64;
    let mut best = (MOST, least);
    let mut best_off = f64::INFINITY;
    for multiplier in least..=MOST {
        let factor = (value / multiplier as f64).round().clamp(1.0, most);
        let off = (factor * multiplier as f64 - value).abs();
        if off < best_off {
            (best, best_off) = ((factor as u64, multiplier), off);
        }
        if off == 0.0 || factor < multiplier as f64 {
            break;
        }
    }
    best
}

/// The rate field of miniSEED 3: hertz, or minus the seconds of a period where these are a short
/// number and the hertz are not (0.1 Hz has no end in binary digits, 10 s has).
pub(super) fn v3(rate_hz: f64) -> f64 {
    let short = |value: f64| value < 1e12 && (value * 1024.0).fract() == 0.0;
    if rate_hz <= 0.0 || short(rate_hz) {
        return rate_hz;
    }
    let period_s = 1.0 / rate_hz;
    if short(period_s) && 1.0 / period_s == rate_hz {
        -period_s
    } else {
        rate_hz
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::nominal_rate_hz;

    fn nominal(rate: RateV2) -> f64 {
        nominal_rate_hz(rate.factor, rate.multiplier)
    }

    #[test]
    fn rates_in_use_are_given_exactly() {
        for (rate_hz, factor, multiplier) in [
            (100.0, 100, 1),
            (0.1, -10, 1),
            (1.0, 1, 1),
            (1.0 / 60.0, -60, 1),
            (250.0 / 3.0, 250, -3),
            (31.25, 125, -4),
            (330.6, 1653, -5),
            (1e-3, -1000, 1),
            (0.4, 2, -5),
        ] {
            let rate = v2(rate_hz);
            assert_eq!((rate.factor, rate.multiplier), (factor, multiplier));
            assert_eq!((nominal(rate), rate.actual), (rate_hz, None));
        }
    }

    #[test]
    fn very_high_and_very_low_rates_are_products() {
        for whole in [50_000.0, 1e6, 1e8, 32_768.0, 86_400.0, 1e9] {
            for rate_hz in [whole, 1.0 / whole] {
                let rate = v2(rate_hz);
                assert!((nominal(rate) / rate_hz - 1.0).abs() < 1e-9, "{rate_hz}");
                assert_eq!(rate.actual, None);
            }
        }
    }

    #[test]
    fn other_rates_get_the_nearer_of_blockette_100_and_the_fraction() {
        for rate_hz in [
            99.999,
            100.000_1,
            32_766.5,
            1.0 / 40_001.3,
            40_001.3,
            0.012_345_678,
        ] {
            let rate = v2(rate_hz);
            let off = |value: f64| (value / rate_hz - 1.0).abs();
            assert!(off(nominal(rate)) < 1e-4, "{rate_hz}: {rate:?}");
            let given = rate.actual.map_or(nominal(rate), f64::from);
            assert!(off(given) < 6e-8, "{rate_hz}: {rate:?}");
        }
        assert_eq!(v2(99.999).actual, Some(99.999));
    }

    #[test]
    fn no_fraction_is_nearer() {
        let value = 99.999;
        let (above, below) = ratio(value);
        let off = (above as f64 / below as f64 - value).abs();
        for q in 1..=327u64 {
            let p = (value * q as f64).round();
            assert!((p / q as f64 - value).abs() >= off, "{p}/{q}");
        }
    }

    #[test]
    fn a_period_is_written_where_it_is_the_shorter_number() {
        assert_eq!(v3(100.0), 100.0);
        assert_eq!(v3(31.25), 31.25);
        assert_eq!(v3(0.5), 0.5);
        assert_eq!(v3(0.1), -10.0);
        assert_eq!(v3(1.0 / 60.0), -60.0);
        assert_eq!(v3(1e-3), -1000.0);
        assert_eq!(v3(99.999), 99.999);
        assert_eq!(v3(250.0 / 3.0), 250.0 / 3.0);
    }
}
