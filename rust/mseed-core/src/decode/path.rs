//! Which instructions a machine has, asked once for each record.

/// The ways to decode; all give the same samples and faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// On any machine.
    Scalar,
    /// With AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Path {
    /// The paths that this machine can take, the fastest last.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let all = [Self::Scalar, Self::Avx2];
        #[cfg(not(target_arch = "x86_64"))]
        let all = [Self::Scalar];
        let best = Self::best();
        all.into_iter().filter(move |path| *path <= best)
    }

    /// The fastest path that this machine can take.
    #[must_use]
    #[inline]
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
        {
            return Self::Avx2;
        }
        Self::Scalar
    }
}
