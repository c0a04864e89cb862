"""Events dealt out to training, development and test set."""

from __future__ import annotations

from collections import Counter

import pytest

from credit_fast.export.splits import split_events

IDS = [f"event{number}" for number in range(1000)]


def counts(number: int, *fractions: float) -> tuple[int, int, int]:
    found = Counter(split_events(IDS[:number], fractions, 0).values())
    return found["train"], found["dev"], found["test"]


@pytest.mark.parametrize(
    ("number", "fractions", "expected"),
    [
        (1000, (0.8, 0.1, 0.1), (800, 100, 100)),
        (10, (0.8, 0.1, 0.1), (8, 1, 1)),
        (5, (0.8, 0.1, 0.1), (3, 1, 1)),
        (7, (0.5, 0.25, 0.25), (3, 2, 2)),
        (3, (0.98, 0.01, 0.01), (1, 1, 1)),
        (2, (0.8, 0.1, 0.1), (2, 0, 0)),
        (1, (0.8, 0.1, 0.1), (1, 0, 0)),
        (0, (0.8, 0.1, 0.1), (0, 0, 0)),
        (10, (0.9, 0.0, 0.1), (9, 0, 1)),
        (10, (1.0, 0.0, 0.0), (10, 0, 0)),
    ],
)
def test_numbers_are_the_shares(
    number: int, fractions: tuple[float, ...], expected: tuple[int, int, int]
) -> None:
    assert counts(number, *fractions) == expected


def test_the_order_of_the_events_makes_no_difference() -> None:
    shares = (0.6, 0.2, 0.2)
    assert split_events(IDS, shares, 3) == split_events(IDS[::-1] + IDS, shares, 3)


def test_another_seed_deals_otherwise_and_evenly() -> None:
    shares = (0.5, 0.25, 0.25)
    first, second = (split_events(IDS, shares, seed) for seed in (1, 2))
    same = sum(first[evid] == second[evid] for evid in IDS)
    assert 300 < same < 450  # 375 by chance


def test_the_sets_are_the_same_in_every_version() -> None:
    found = split_events(IDS[:6], (0.5, 0.25, 0.25), 0)
    assert [found[evid] for evid in IDS[:6]] == ["dev", "dev", "train", "train", "test", "train"]
