"""What spans of data say about a window: extents, gapless stretches, fractions, gaps.

Spans come from the index, by channel, then by start. All times are nanoseconds since 1970. A span
that ends less than a sample before the window is among them: each sample stands for the time up to
the next.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

import numpy as np
import numpy.typing as npt

from credit_fast.times import nearest_sample, sample_time_ns

__all__ = ["extents", "fractions", "joined", "percentage"]

# Relative; what the index calls one rate. Where rates of a row differ, it has six digits of each.
_RATE_TOLERANCE = 1e-4

#: Codes, first sample, last sample, sample rate in Hz.
Span = tuple[str, str, str, str, int, int, float]
Extent = tuple[str, str, str, str, int, int]
Codes = tuple[str, str, str, str]


def extents(spans: Iterable[Span], window: tuple[int, int]) -> list[Extent]:
    """First and last time of each channel with a sample in the window, clipped to it."""
    found = []
    for codes, of_channel in groupby(spans, key=lambda span: span[:4]):
        clipped = [_clipped(span, window) for span in of_channel if _has_sample(span, window)]
        if clipped:
            ends = min(span[4] for span in clipped), max(span[5] for span in clipped)
            found.append((*codes, *ends))
    return found


def joined(
    spans: Iterable[Span], window: tuple[int, int], *, by_rate: bool, merge_overlap: bool
) -> list[Span]:
    """Spans with a sample in the window, clipped to it; those that follow each other are one.

    With `by_rate` only spans of one rate are joined; with `merge_overlap` also those that overlap.
    """
    made: list[Span] = []
    for _, of_channel in groupby(spans, key=lambda span: span[:4]):
        touching = [span for span in of_channel if span[4] <= window[1] and span[5] >= window[0]]
        inside = [span for span in touching if _has_sample(span, window)]
        found = _join(inside, by_rate, merge_overlap)
        if merge_overlap and len(inside) < len(touching):
            # One of a lower rate may have no sample in the window, and still fill a gap of others.
            found = (
                span
                for span in _join(touching, by_rate, merge_overlap)
                if any(span[4] <= other[4] <= span[5] for other in inside)
            )
        made += sorted((_clipped(span, window) for span in found), key=lambda span: span[4:6])
    return made


def _join(spans: Iterable[Span], by_rate: bool, merge_overlap: bool) -> Iterator[Span]:
    """Join the spans of one channel, which come by their start."""
    open_spans: list[Span] = []
    for span in spans:
        left: list[Span] = []
        target = None
        for last in open_spans:
            tolerance = _period_ns(last) // 2
            late = span[4] - (last[5] + _period_ns(last))
            fits = not by_rate or math.isclose(span[6], last[6], rel_tol=_RATE_TOLERANCE)
            follows = late <= tolerance and (merge_overlap or late >= -tolerance)
            if target is None and fits and follows:
                target = last
                continue
            # Spans come by their start: none that comes later can follow one that ended earlier.
            if late > tolerance:
                yield last
            else:
                left.append(last)
        if target is None:
            left.append(span)
        else:
            # The last sample tells the rate that the next one is expected by.
            rate_hz = span[6] if span[5] >= target[5] else target[6]
            left.append((*target[:5], max(target[5], span[5]), rate_hz))
        open_spans = left
    yield from open_spans


def percentage(
    spans: Iterable[Span], window: tuple[int, int], channels: Collection[Codes]
) -> tuple[float, int]:
    """Mean fraction of the window that the channels cover, and the number of their gaps."""
    start, end = window
    if end <= start:
        raise ValueError("the window has no duration: expected an endtime after the starttime")
    covered = gaps = seen = 0
    for _, of_channel in groupby(spans, key=lambda span: span[:4]):
        seen += 1
        reached, tolerance = start, 0
        for span in _join(of_channel, by_rate=False, merge_overlap=True):
            tolerance = _period_ns(span) // 2
            behind = min(end, span[5] + _period_ns(span))
            if behind <= start:
                continue
            if span[4] - reached > tolerance:
                gaps += 1
            else:
                # Within the tolerance there is no gap: the time in between counts as covered.
                covered += max(0, span[4] - reached)
            covered += max(0, behind - max(span[4], reached))
            reached = max(reached, behind)
        if end - reached > tolerance:
            gaps += 1
        else:
            covered += end - reached
    # A channel without any span is one gap.
    silent = max(0, len(channels) - seen)
    total = seen + silent
    if not total:
        return 0.0, 1
    return covered / (total * (end - start)), gaps + silent


def fractions(
    spans: Iterable[Span], starts_ns: npt.NDArray[np.int64], length_ns: int
) -> npt.NDArray[np.float64]:
    """Fraction of each of many windows of one length that the spans of one channel cover."""
    whole = sorted(_join(spans, by_rate=False, merge_overlap=True), key=lambda span: span[4])
    begins = np.array([span[4] for span in whole], np.int64)
    # Each span stands for the time up to the sample after its last one.
    lengths = np.array([span[5] + _period_ns(span) - span[4] for span in whole], np.int64)
    before = np.concatenate([[0], np.cumsum(lengths)])

    def covered(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Nanoseconds that are covered before each time."""
        at = np.searchsorted(begins, times, "right")
        last = np.maximum(at - 1, 0)
        in_last = np.minimum(times - begins[last], lengths[last])
        return np.where(at > 0, before[last] + in_last, 0)

    if not whole:
        return np.zeros(len(starts_ns))
    return (covered(starts_ns + length_ns) - covered(starts_ns)) / length_ns


def _period_ns(span: Span) -> int:
    return round(1e9 / span[6]) if span[6] > 0 else 0


def _has_sample(span: Span, window: tuple[int, int]) -> bool:
    """Whether a sample of a span lies in a window, both ends included."""
    first, last = max(span[4], window[0]), min(span[5], window[1])
    if first > last:
        return False
    if first == span[4] or last == span[5] or not span[6] > 0:
        return True
    near = nearest_sample(span[4], span[6], first)
    times = (sample_time_ns(span[4], span[6], number) for number in (near, near + 1))
    return any(first <= time <= last for time in times)


def _clipped(span: Span, window: tuple[int, int]) -> Span:
    return (*span[:4], max(span[4], window[0]), min(span[5], window[1]), span[6])
