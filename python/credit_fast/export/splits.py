"""Training, development and test set by event. No file, no waveform."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

__all__ = ["SPLITS", "check_fractions", "split_events"]

SPLITS = ("train", "dev", "test")


def check_fractions(fractions: tuple[float, ...]) -> None:
    """Refuse what are no three shares that sum up to 1 (ValueError)."""
    if len(fractions) != len(SPLITS):
        raise ValueError(f"split {fractions}: expected three shares, of {', '.join(SPLITS)}")
    if not all(0 <= share <= 1 for share in fractions) or not math.isclose(
        sum(fractions), 1.0, abs_tol=1e-6
    ):
        text = ", ".join(f"{share:g}" for share in fractions)
        raise ValueError(f"split {text}: expected shares from 0 to 1 that sum up to 1")


def split_events(
    event_ids: Iterable[str], fractions: tuple[float, ...], seed: int
) -> dict[str, str]:
    """The set that each event belongs to.

    The events are put in an order that depends on the seed and their ids alone, and the order is
    cut at the shares: so the order in which they are given makes no difference.
    """
    check_fractions(fractions)

    def place(evid: str) -> bytes:
        # Names of a damaged file can hold bytes that are no UTF-8.
        text = f"{seed}\0{evid}".encode("utf-8", "surrogateescape")
        return hashlib.sha256(text).digest()

    order = sorted(set(event_ids), key=place)
    splits: dict[str, str] = {}
    first = 0
    for name, number in zip(SPLITS, _numbers(len(order), fractions), strict=True):
        splits.update(dict.fromkeys(order[first : first + number], name))
        first += number
    return splits


def _numbers(total: int, fractions: tuple[float, ...]) -> list[int]:
    """Events of each set: the shares rounded down, the rest to the largest remainders.

    A set whose share is not 0 gets one event at least, from the largest set, if there are enough.
    """
    exact = [total * share for share in fractions]
    numbers = [math.floor(number + 1e-9) for number in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: (numbers[n] - exact[n], n))
    for place in by_remainder[: total - sum(numbers)]:
        numbers[place] += 1
    if total >= sum(share > 0 for share in fractions):
        for place, share in enumerate(fractions):
            if share > 0 and not numbers[place]:
                numbers[numbers.index(max(numbers))] -= 1
                numbers[place] = 1
    return numbers
