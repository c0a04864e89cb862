"""What spans of data say about a window: extents, gapless stretches, fractions, gaps.

Spans come from the index, by channel, then by start. All times are nanoseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

__all__ = ["extents", "joined", "percentage"]

#: Codes, first sample, last sample, sample rate in Hz.
Span = tuple[str, str, str, str, int, int, float]
Extent = tuple[str, str, str, str, int, int]


def extents(spans: Iterable[Span], window: tuple[int, int]) -> list[Extent]:
    """First and last sample of each channel, clipped to the window."""
    found = []
    for codes, of_channel in groupby(spans, key=lambda span: span[:4]):
        clipped = [_clipped(span, window) for span in of_channel]
        start, end = min(span[4] for span in clipped), max(span[5] for span in clipped)
        found.append((*codes, start, end))
    return found


def joined(
    spans: Iterable[Span], window: tuple[int, int], *, by_rate: bool, merge_overlap: bool
) -> list[Span]:
    """Spans clipped to the window; those that follow each other are one.

    With `by_rate` only spans of one rate are joined; with `merge_overlap` also those that overlap.
    """
    made: list[Span] = []
    for _, of_channel in groupby(spans, key=lambda span: span[:4]):
        made += sorted(
            (_clipped(span, window) for span in _join(of_channel, by_rate, merge_overlap)),
            key=lambda span: span[4:6],
        )
    return made


def _join(spans: Iterable[Span], by_rate: bool, merge_overlap: bool) -> Iterator[Span]:
    """Join the spans of one channel, which come by their start."""
    #: The last span of each rate, or of all.
    open_spans: dict[float | None, Span] = {}
    for span in spans:
        key = span[6] if by_rate else None
        last = open_spans.get(key)
        if last is not None:
            late = span[4] - (last[5] + _period_ns(last))
            tolerance = _period_ns(last) // 2
            if late <= tolerance and (merge_overlap or late >= -tolerance):
                open_spans[key] = (*last[:5], max(last[5], span[5]), last[6])
                continue
            yield last
        open_spans[key] = span
    yield from open_spans.values()


def percentage(spans: Iterable[Span], window: tuple[int, int]) -> tuple[float, int]:
    """Mean fraction of the window that channels cover, and the number of their gaps."""
    start, end = window
    if end <= start:
        raise ValueError("the window has no duration: expected an endtime after the starttime")
    channels = covered = gaps = 0
    for _, of_channel in groupby(spans, key=lambda span: span[:4]):
        channels += 1
        reached = start
        for span in _join(of_channel, by_rate=False, merge_overlap=True):
            if span[4] - reached > _period_ns(span) // 2:
                gaps += 1
            else:
                # Within the tolerance there is no gap: the time in between counts as covered.
                covered += max(0, span[4] - reached)
            behind = min(end, span[5] + _period_ns(span))
            covered += max(0, behind - max(span[4], reached))
            reached = max(reached, behind)
            tolerance = _period_ns(span) // 2
        if end - reached > tolerance:
            gaps += 1
        else:
            covered += end - reached
    if not channels:
        return 0.0, 1
    return covered / (channels * (end - start)), gaps


def _period_ns(span: Span) -> int:
    return round(1e9 / span[6]) if span[6] > 0 else 0


def _clipped(span: Span, window: tuple[int, int]) -> Span:
    return (*span[:4], max(span[4], window[0]), min(span[5], window[1]), span[6])
