"""Any text: only the documented errors, no line lost without a word, fast path == careful path."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from credit_fast.catalogs import Catalog, read_catalog
from credit_fast.catalogs.phase_report import PROBLEM_KINDS, _PhaseReport, magnitude_type_of
from credit_fast.errors import CatalogError
from credit_fast.stations import read_stations

EVENT = "#EVENT {} eq 2020 01 31 031 15 55 35 550000 LOC 104.519 29.474 DEP 4 MAG ML 0.5"
ROW = (
    "PHASE {} eq TRAVTIME SC JJS 00 BHZ Pg ttime 14.21 V 2020 01 31 031 15 55 49 760000 "
    "MAGSOURCE MAGTYPE MAG DISTAZ 79.9 111.5 LOC_RMSWT RMS WT"
)
IDS = st.sampled_from(["SC.1", "SC.2", "SC.3"])
WORDS = st.sampled_from(
    [
        "PHASE", "EVENT", "#EVENT", "#", "ttime", "DISTAZ", "LOC", "DEP", "MAG", "TRAVTIME",
        "POLARITY", "AMPLITUD", "YYYY", "NONE", "--", "00", "60", "031", "2020", "9999",
        "nan", "inf", "1e999", "1_0", "٣", "1.5", "-7", "SC", "BHZ", "Pg", "1000000",
        "999999", "***", ".", "/", "站", "\ufeff",
    ]
)  # fmt: skip
WHOLE = st.builds(lambda form, name: form.format(name), st.sampled_from([EVENT, ROW, ROW]), IDS)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good line with words removed, replaced or inserted, or cut at any character."""
    words = draw(WHOLE).split()
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(words) - 1)) if words else 0
        words[place : place + draw(st.integers(0, 2))] = draw(st.lists(WORDS, max_size=2))
    line = draw(st.sampled_from([" ", "\t", "  "])).join(words)
    return line[: draw(st.integers(0, len(line)))] if draw(st.booleans()) else line


TEXT = st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=60)
LINES = st.lists(st.one_of(WHOLE, WHOLE, damaged(), TEXT), max_size=12)


def read_both(content: bytes) -> Catalog | None:
    """Read by both paths; None where both refuse the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.pha"
        path.write_bytes(content)
        try:
            catalog = read_catalog(path)
        except CatalogError as error:
            assert str(path) in str(error)
            try:
                _PhaseReport(str(path), fast=False).read()
            except CatalogError:
                return None
            raise AssertionError("only the fast path refused the file") from error
        careful = _PhaseReport(str(path), fast=False).read()
        assert catalog == careful
        for event in catalog:
            if b"," not in content:  # else the words of `raw` cannot be told apart
                assert magnitude_type_of(event.raw) == event.magnitude_type
        return catalog


def is_comment(text: str) -> bool:
    """Tell whether a line begins with `#` and is no event line."""
    words = text.lstrip()[1:].split()
    return text.lstrip().startswith("#") and not (words and words[0].startswith("EVENT"))


@settings(deadline=None)
@given(LINES)
def test_every_line_is_an_event_a_pick_a_comment_or_a_problem(lines: list[str]) -> None:
    # A good row first: its words are known to the fast path from then on.
    lines = [EVENT.format("SC.1"), ROW.format("SC.1"), *lines]
    catalog = read_both("\n".join(lines).encode())
    assert catalog is not None
    events = Counter(event.line for event in catalog)
    picks = Counter(pick.line for event in catalog for pick in event.picks)
    refused = Counter(
        problem.line
        for problem in catalog.problems
        if problem.kind not in ("warning", "moved-pick", "duplicate-event")
    )
    assert {problem.kind for problem in catalog.problems} <= set(PROBLEM_KINDS)
    for number, text in enumerate(lines, start=1):
        fates = events[number] + picks[number] + refused[number]
        silent = not text.split() or (is_comment(text) and "\0" not in text)
        assert fates == (0 if silent else 1), (number, text)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_catalogue_or_the_documented_error(content: bytes) -> None:
    read_both(content)
    read_both(EVENT.format("SC.1").encode() + b"\n" + content)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(TEXT).map(lambda x: "\n".join(x).encode())))
def test_any_bytes_give_a_station_table_or_the_documented_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.loc"
        path.write_bytes(b"GX BSS 00 106.5565 23.8951 179\n" + content)
        assert len(read_stations(path)) >= 1
        path.write_bytes(content)
        try:
            assert len(read_stations(path)) >= 1
        except CatalogError as error:
            assert str(path) in str(error)


@settings(deadline=None)
@given(st.lists(st.lists(WORDS, max_size=9).map(" ".join), max_size=8))
def test_every_station_line_is_a_station_a_comment_or_a_problem(lines: list[str]) -> None:
    lines = ["GX BSS 00 106.5565 23.8951 179", *lines]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.loc"
        path.write_bytes("\n".join(lines).encode())
        table = read_stations(path)
        known = {station.line for station in table} | {problem.line for problem in table.problems}
        for number, text in enumerate(lines, start=1):
            words = text.split()
            if not words or words[0].startswith("#") or number in known:
                continue
            # Only a repetition of a station may be passed over.
            path.write_text(text, encoding="utf-8")
            (alone,) = read_stations(path)
            assert replace(alone, line=0) in [replace(station, line=0) for station in table]
