//! The ends of a window.
//!
//! The window rule: both ends are included, and each end goes to the sample nearest to it; half
//! way between two samples goes to the one inside the window. This is what ObsPy's `Stream.slice`
//! and `Stream.trim` with `nearest_sample=True` give on the whole file.

use mseed_core::time::{nearest_earlier_sample, nearest_sample, sample_time_ns};

/// Which samples the ends of a window take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edge {
    /// The rule of both ends.
    pub rule: EdgeRule,
    /// Whether the end is left out: the window ends before the sample that a window from its end on
    /// would begin with.
    pub half_open: bool,
}

/// The sample of an end that lies between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EdgeRule {
    /// The nearest; half way the one inside the window.
    #[default]
    Nearest,
    /// The one inside the window.
    Inside,
    /// The one outside of the window, if there is one.
    Outside,
}

impl Edge {
    /// Number of the first sample of a window, counted from one at `base_ns`.
    pub(super) fn first(self, base_ns: i64, rate_hz: f64, start_ns: i64) -> i64 {
        let near = nearest_sample(base_ns, rate_hz, start_ns);
        let time_ns = sample_time_ns(base_ns, rate_hz, near);
        match self.rule {
            EdgeRule::Nearest => near,
            EdgeRule::Inside => near + i64::from(time_ns < start_ns),
            EdgeRule::Outside => near - i64::from(time_ns > start_ns),
        }
    }

    /// Number of the last.
    pub(super) fn last(self, base_ns: i64, rate_hz: f64, end_ns: i64) -> i64 {
        if self.half_open {
            return self.first(base_ns, rate_hz, end_ns) - 1;
        }
        let near = nearest_earlier_sample(base_ns, rate_hz, end_ns);
        let time_ns = sample_time_ns(base_ns, rate_hz, near);
        match self.rule {
            EdgeRule::Nearest => near,
            EdgeRule::Inside => near - i64::from(time_ns > end_ns),
            EdgeRule::Outside => near + i64::from(time_ns < end_ns),
        }
    }
}
