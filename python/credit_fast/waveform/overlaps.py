"""What became of samples that were there twice: a count for each channel and reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["Overlaps"]


class Overlaps(dict[str, Counter[str]]):
    """Trace id → number of samples that were left out, by the reason.

    The reasons are "identical" (the sample that stands for it is the same), "version" (it differs,
    and has a higher publication version) and "scan" (it differs, and was scanned later, or its file
    was changed later). A channel that lost nothing has no entry; its count is empty.
    """

    __slots__ = ()

    def __missing__(self, trace_id: str) -> Counter[str]:
        return Counter()

    def count(self, trace_id: str, reason: str, samples: int) -> None:
        """Add samples of a channel; no samples make no entry."""
        if samples:
            self.setdefault(trace_id, Counter())[reason] += samples

    def add(self, other: Mapping[str, Counter[str]]) -> None:
        """Add all counts of another one."""
        for trace_id, reasons in other.items():
            for reason, samples in reasons.items():
                self.count(trace_id, reason, samples)

    def copy(self) -> Overlaps:
        """Independent copy."""
        made = Overlaps()
        made.add(self)
        return made

    @classmethod
    def of_core(cls, dropped: Iterable[tuple[str, int, int, int]]) -> Overlaps:
        """From what the core counted."""
        made = cls()
        for trace_id, identical, version, scan in dropped:
            made.count(trace_id, "identical", identical)
            made.count(trace_id, "version", version)
            made.count(trace_id, "scan", scan)
        return made
