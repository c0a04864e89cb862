"""`version=` and `quality=`, and the counts of what was left out."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from overlap_archive import (
    CODES,
    ID,
    START,
    at,
    change_index,
    client_of,
    constant,
    counts,
    noise,
    runs,
    samples,
    scanned,
    window,
    write,
)

import credit_fast
from credit_fast import Client
from credit_fast.waveform.overlaps import Overlaps


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Four versions of miniSEED 2 and two of miniSEED 3 in files of their own, 100 samples each."""
    folder = tmp_path_factory.mktemp("chosen") / "data"
    for version in range(1, 5):
        write(folder, f"v2.{version}", 50 * version, constant(version, 100), version=version)
    for version in (2, 7):
        write(folder, f"v3.{version}", 0, constant(10 + version, 100), version=version, mseed3=True)
    return client_of(folder)


BEST = [(0, 17, 100), (100, 2, 50), (150, 3, 50), (200, 4, 100)]
ALL = [(0, 12, 100), (0, 17, 100), (50, 1, 100), (100, 2, 100), (150, 3, 100), (200, 4, 100)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, BEST),
        ({"version": None, "quality": None}, BEST),
        ({"quality": "B"}, BEST),
        ({"quality": ["B"]}, BEST),
        ({"version": "all"}, ALL),
        ({"quality": "*"}, ALL),
        ({"version": 3}, [(150, 3, 100)]),
        ({"version": np.int64(7)}, [(0, 17, 100)]),
        ({"version": [3, 1]}, [(50, 1, 100), (150, 3, 100)]),
        ({"version": (1, 2, 3)}, None),
        ({"version": range(5)}, None),
        ({"version": 200}, []),
        ({"quality": "D"}, [(100, 2, 100)]),
        ({"quality": "RD"}, [(50, 1, 50), (100, 2, 100)]),
        ({"quality": ["D", "Q"]}, [(100, 2, 50), (150, 3, 100)]),
        ({"version": 2, "quality": "DQ"}, [(100, 2, 100)]),
        ({"version": 3, "quality": "D"}, []),
        ({"version": "all", "quality": "RD"}, [(50, 1, 100), (100, 2, 100)]),
        ({"version": [1, 2], "quality": "*"}, [(0, 12, 100), (50, 1, 100), (100, 2, 100)]),
    ],
)
def test_version_and_quality_choose(
    chosen: Client, options: dict[str, Any], expected: list[tuple[int, int, int]] | None
) -> None:
    stream = window(chosen, 0, 400, **options)
    if expected is not None:
        assert sorted(runs(stream)) == expected
    (bulk,) = chosen.get_waveforms_bulk([(*CODES, START, at(400))], grouped=True, **options)
    assert samples(bulk) == samples(stream) and bulk.overlaps == stream.overlaps
    keeps = "all" in options.values() or "*" in options.values()
    assert not (keeps and stream.overlaps)
    checked, _, _ = chosen.get_checked_waveforms(*CODES, START, at(400), version=None, quality="B")
    assert runs(checked) == BEST
    if not keeps:
        # Where something decides, a cut has what the traces have.
        row = (*CODES[:3], "HH", START)
        windows = chosen.cut([row], 401, "Z", "int32", **options)
        line = np.zeros(401, np.int32)
        for first, values in samples(stream):
            line[first : first + len(values)] = values
        assert windows.data[0, 0].tolist() == line.tolist()
        assert windows.overlaps.item() == sum(stream.overlaps[ID].values())


def test_without_merging_the_pieces_of_all_files_come_as_they_are(chosen: Client) -> None:
    raw = window(chosen, 0, 400, merge=None)
    assert sorted(runs(raw)) == ALL
    assert counts(raw) == {}
    assert runs(window(chosen, 0, 400, merge=None, quality="Q")) == [(150, 3, 100)]


def test_a_cut_without_a_policy_takes_the_run_that_begins_first(chosen: Client) -> None:
    windows = chosen.cut([(*CODES[:3], "HH", at(60))], 100, "Z", "int32", version="all")
    # Of the two that begin at 0 that of the first file, with which the one at 100 goes on.
    assert windows.data[0, 0].tolist() == [12] * 40 + [2] * 60
    # The other one, and all of the run that begins at 50.
    assert windows.overlaps.item() == 40 + 100


@pytest.mark.parametrize(
    "version", ["", "best", "2", -1, 256, 2.0, [], [2, 300], [True], True, ["a"], [None]]
)
def test_versions_that_are_none_are_refused(chosen: Client, version: Any) -> None:
    with pytest.raises(ValueError, match=r'expected a number from 0 to 255.*"all" or None'):
        window(chosen, 0, 1, version=version)


@pytest.mark.parametrize(
    "quality", ["", "X", "d", "DB", "D*", "D,Q", [], ["DQ"], ["D", "B"], 2, True, [None]]
)
def test_qualities_that_are_none_are_refused(chosen: Client, quality: Any) -> None:
    row = (*CODES, START, at(1))
    with pytest.raises(ValueError, match="expected letters of R, D, Q and M"):
        window(chosen, 0, 1, quality=quality)
    with pytest.raises(ValueError, match="expected letters of R, D, Q and M"):
        chosen.get_waveforms_bulk([row], quality=quality)
    with pytest.raises(ValueError, match="expected letters of R, D, Q and M"):
        chosen.get_checked_waveforms(*row, quality=quality)
    with pytest.raises(ValueError, match="expected letters of R, D, Q and M"):
        chosen.cut([(*CODES[:3], "HH", START)], 5, quality=quality)


def test_the_choice_looks_at_the_records_whatever_the_index_says(data: Path) -> None:
    write(data, "d", 0, constant(2, 100))
    write(data, "q", 50, constant(3, 100), version=3)
    client = client_of(data)
    index = data.with_suffix(".db")
    change_index(index, ("UPDATE tsindex SET version=9, quality='M'",))
    assert runs(window(client, 0, 200)) == [(0, 2, 50), (50, 3, 100)]
    assert runs(window(client, 0, 200, quality="D")) == [(0, 2, 100)]
    columns = ("version", "quality", "scanned", "filemodtime")
    change_index(
        index, *[(f"ALTER TABLE tsindex RENAME {column} TO old_{column}",) for column in columns]
    )
    for _ in range(3):
        assert runs(window(client, 0, 200)) == [(0, 2, 50), (50, 3, 100)]
        assert runs(window(client, 0, 200, version=2)) == [(0, 2, 100)]


# --- The counts


def test_the_same_file_in_two_indexes_is_counted_as_identical(data: Path) -> None:
    whole = noise(9, 1000)
    write(data, "a", 0, whole)
    indexes = [data.parent / "one.db", data.parent / "two.db"]
    for index in indexes:
        credit_fast.makeindex(data, index, progress=False)
    for times in (("2020-01-01T00:00:00",) * 2, ("2020-01-01T00:00:00", "2021-01-01T00:00:00")):
        for index, time in zip(indexes, times, strict=True):
            scanned(index, a=time)
        stream = window(Client(indexes), 0, 999)
        assert samples(stream) == [(0, whole.tolist())]
        assert counts(stream) == {ID: {"identical": 1000}}


def test_overlaps_are_a_mapping_that_knows_nothing_of_what_lost_nothing() -> None:
    overlaps = Overlaps()
    assert not overlaps and overlaps["XX.AAA..HHZ"]["version"] == 0
    assert not overlaps  # asking makes no entry
    overlaps.count("A", "scan", 0)
    assert not overlaps
    overlaps.count("A", "scan", 3)
    overlaps.add({"A": overlaps["A"].copy(), "B": overlaps["A"].copy()})
    assert overlaps == {"A": {"scan": 6}, "B": {"scan": 3}}


def test_copies_keep_what_was_left_out_and_other_streams_begin_without(chosen: Client) -> None:
    stream = window(chosen, 0, 400)
    expected = {ID: {"version": 300}}
    assert counts(stream) == expected
    for made in (stream.copy(), copy.copy(stream), pickle.loads(pickle.dumps(stream))):
        assert counts(made) == expected
        made.overlaps.count(ID, "scan", 1)
    assert counts(stream) == expected
    for made in (stream[:1], stream + stream, stream.select(channel="HHZ")):
        assert counts(made) == {}


def test_merging_counts_what_it_makes_one() -> None:
    header = {"network": "XX", "station": "AAA", "channel": "HHZ", "sampling_rate": 1.0}
    traces = [credit_fast.Trace(np.arange(10), {**header, "starttime": START}) for _ in range(3)]
    stream = credit_fast.Stream(traces)
    assert len(stream.merge(-1)) == 1
    assert counts(stream) == {ID: {"identical": 20}}
