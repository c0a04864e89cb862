"""testh5: a data set against its catalogue and its archive. Names only; no logic."""

from credit_fast.check.job import testh5
from credit_fast.check.report import CheckReport, Finding

__all__ = ["CheckReport", "Finding", "testh5"]
