"""Gaps filled, split off or dropped: what stays, what is counted, what testh5 says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from memory_archive import MemoryArchive, at, catalog, event, noise, pick, three, trace

from credit_fast.check import testh5
from credit_fast.hdf5 import layout
from credit_fast.making import makeh5
from credit_fast.station_records import Settings
from credit_fast.station_records.gaps import apply_gap_rule
from credit_fast.station_records.record import Component, Record, build_record

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"
Z = f"{STATION}.HHZ"


def with_gaps(*stretches: tuple[float, float]) -> list[Any]:
    """E and N whole from 0 to 12 s, Z with these stretches (s) only."""
    data = noise(7, 1200)
    parts = [
        trace(Z, first, data[round(first * 100) : round(last * 100)]) for first, last in stretches
    ]
    return [*three(STATION, 0.0, 1200)[:2], *parts]


TWO = ((0.0, 4.0), (4.5, 12.0))


def test_drop_refuses_the_component_and_is_no_problem(make: Any) -> None:
    report, file = make(with_gaps(*TWO), event(pick("Pg", 3.0), pick("Sg", 5.0)), gaps="drop")
    assert list(file[EVID][STATION]) == ["HHE", "HHN"]
    assert report.components.refused == {"gaps, which were not asked for": 1}
    assert (report.picks.written, report.station_records.written) == (2, 1)
    assert not report.has_problems


def test_drop_of_all_components_refuses_the_record(make: Any) -> None:
    report, file = make(with_gaps(*TWO)[2:], event(pick("Pg", 3.0), pick("Sg", 5.0)), gaps="drop")
    assert list(file[EVID][STATION]) == []
    reason = "gaps, which were not asked for"
    assert report.station_records.refused == {reason: 1}
    assert report.picks.refused == {reason: 2}
    assert report.components.n_refused + report.components.no_data == 3
    assert not report.refusals


def test_an_event_whose_records_all_have_gaps_is_refused(make: Any) -> None:
    row = event(pick("Pg", 3.0), pick("Sg", 5.0), pick("Pg", 3.0, "X1.BBB.00.HHZ"))
    report, _ = make(with_gaps(*TWO)[2:], row, gaps="drop")
    assert report.events.refused == {"gaps, which were not asked for": 1}
    traces = [*with_gaps(*TWO)[2:], *three("X1.BBB.00", 0.0, 1200)]
    report, _ = make(traces, row, gaps="drop", overwrite=True)
    assert report.events.partial == 1


@pytest.mark.parametrize("rule", ["drop", "split"])
def test_gaps_of_at_most_the_limit_are_filled(make: Any, rule: str) -> None:
    traces = with_gaps(*TWO)
    row = event(pick("Pg", 3.0), pick("Sg", 5.0))
    _, file = make(traces, row, gaps=rule, max_gap_s=0.5, fill=-5)
    data = file[EVID][STATION]["HHZ"]
    assert data.attrs["gaps"] == "300:50"
    assert set(data[300:350]) == {-5}
    assert layout.SPLIT_OFF not in data.attrs
    _, file = make(traces, row, gaps=rule, max_gap_s=0.49, overwrite=True)
    assert not any(item.attrs["gaps"] for item in file[EVID][STATION].values())


def test_split_keeps_the_stretch_with_most_picks_and_tells_what_went(make: Any) -> None:
    rows = [pick("Pg", 2.5), pick("Pn", 3.0), pick("Sg", 5.0)]
    report, file = make(with_gaps(*TWO), event(*rows), gaps="split")
    for name, item in file[EVID][STATION].items():
        assert item.attrs["btime"] == layout.format_time(at(0.5))
        assert (len(item), item.attrs["gaps"], item.attrs["completeness"]) == (350, "", 1.0)
        # Only Z has the gap from 4 s to 4.5 s.
        assert item.attrs["split_off"] == ("400:251" if name == "HHZ" else "350:301")
    assert (report.picks.written, report.picks.partial) == (2, 1)
    assert (report.components.partial, report.station_records.partial) == (3, 1)
    # Asked were 0.5 to 7 s: 651 samples, of which 350 are there.
    assert report.components.gap_s == pytest.approx(3 * 3.01)


def test_of_stretches_with_as_many_picks_the_longest_stays(make: Any) -> None:
    rows = [pick("Pg", 3.0), pick("Sg", 6.0)]
    _, file = make(with_gaps((1.0, 4.0), (4.5, 9.0)), event(*rows), gaps="split")
    items = file[EVID][STATION]
    for item in items.values():
        assert (item.attrs["btime"], len(item)) == (layout.format_time(at(4.5)), 351)
    split_off = {name: item.attrs["split_off"] for name, item in items.items()}
    assert split_off == {"HHE": "-350:350", "HHN": "-350:350", "HHZ": "-350:300"}


def test_what_goes_as_another_component_begins_late_and_ends_early_is_told(make: Any) -> None:
    traces = with_gaps((0.0, 12.0))
    traces[0] = trace(f"{STATION}.HHE", 2.0, noise(3, 800))
    _, file = make(traces, event(pick("Pg", 3.0)), gaps="split", range_s=8.0, max_gap_s=0.5)
    items = file[EVID][STATION]
    assert {len(item) for item in items.values()} == {800}
    assert layout.SPLIT_OFF not in items["HHE"].attrs
    assert [items[name].attrs["split_off"] for name in ("HHN", "HHZ")] == ["-200:200,800:101"] * 2


def test_components_that_share_no_stretch_are_refused(make: Any) -> None:
    traces = [trace(f"{STATION}.HHE", 0.0, noise(1, 300)), trace(Z, 3.0, noise(2, 300))]
    report, _ = make(traces, event(pick("Pg", 3.0)), gaps="split")
    assert report.components.n_refused == 2
    assert report.station_records.n_refused == 1


@pytest.mark.parametrize(("late_s", "kept"), [(0.01, ["E", "N", "Z"]), (0.02, ["E", "N"])])
def test_one_sample_at_an_end_is_no_gap_to_be_dropped(
    make: Any, late_s: float, kept: list[str]
) -> None:
    traces = with_gaps((2.0 + late_s, 12.0))
    traces[0], traces[1] = (trace(item.id, 2.0, item.data[:900]) for item in traces[:2])
    _, file = make(traces, event(pick("Pg", 3.0)), gaps="drop")
    assert [name[-1] for name in file[EVID][STATION]] == kept


def test_a_record_ends_where_what_was_not_dropped_ends(make: Any) -> None:
    traces = [
        trace(f"{STATION}.HHE", 2.0, noise(1, 200)),
        trace(f"{STATION}.HHN", 2.0, noise(2, 200)),
        trace(Z, 1.0, noise(3, 50)),
        trace(Z, 2.5, noise(4, 250)),
    ]
    _, file = make(traces, event(pick("Pg", 3.0)), gaps="drop")
    items = file[EVID][STATION]
    assert list(items) == ["HHE", "HHN"]
    assert {(len(item), item.attrs["btime"]) for item in items.values()} == {
        (200, layout.format_time(at(2.0)))
    }


@pytest.mark.parametrize("rule", ["drop", "split"])
def test_testh5_cuts_again_by_the_same_rule(tmp_path: Path, rule: str) -> None:
    archive, chosen = MemoryArchive(with_gaps(*TWO)), Settings(range_s=2.0, gaps=rule)
    events = catalog(event(pick("Pg", 2.5), pick("Pn", 3.0), pick("Sg", 5.0)))
    makeh5(archive, tmp_path / "out.h5", events, settings=chosen, progress=False)
    report = testh5(tmp_path / "out.h5", events, index=archive, settings=chosen, progress=False)
    assert [item for item in report.findings if item.level == "samples"] == []
    assert report.compared_samples > 0
    other = Settings(range_s=2.0)
    report = testh5(tmp_path / "out.h5", events, index=archive, settings=other, progress=False)
    assert [item for item in report.findings if item.level == "samples"]


def test_testh5_knows_what_was_split_off(tmp_path: Path) -> None:
    archive, chosen = MemoryArchive(with_gaps(*TWO)), Settings(range_s=2.0, gaps="split")
    events = catalog(event(pick("Pg", 2.5), pick("Pn", 3.0), pick("Sg", 5.0)))
    makeh5(archive, tmp_path / "out.h5", events, settings=chosen, progress=False)
    with h5py.File(tmp_path / "out.h5", "r+") as file:
        file[EVID][STATION]["HHN"].attrs["split_off"] = "350:300"
        del file[EVID][STATION]["HHZ"].attrs["split_off"]
    report = testh5(tmp_path / "out.h5", events, index=archive, settings=chosen, progress=False)
    [text] = [item.text for item in report.findings if item.level == "samples"]
    assert "HHN: split_off 350:300, cut again it is 350:301" in text
    assert "HHZ: split_off none, cut again it is 400:251" in text


@pytest.mark.parametrize("rule", ["drop", "split"])
def test_a_limit_in_decimals_is_so_many_samples(make: Any, rule: str) -> None:
    """0.29 times 100 is less than 29 in binary fractions."""
    assert 0.29 * 100.0 < 29
    row = event(pick("Pg", 3.0), pick("Sg", 5.0))
    _, file = make(with_gaps((0.0, 4.0), (4.29, 12.0)), row, gaps=rule, max_gap_s=0.29)
    assert file[EVID][STATION]["HHZ"].attrs["gaps"] == "300:29"
    _, file = make(
        with_gaps((0.0, 4.0), (4.3, 12.0)), row, gaps=rule, max_gap_s=0.29, overwrite=True
    )
    assert not any(item.attrs["gaps"] for item in file[EVID][STATION].values())


def test_an_end_that_only_a_dropped_component_had_goes_with_it(make: Any) -> None:
    """E begins too late; without it Z has no sample to lack at the end."""
    traces = [trace(f"{STATION}.HHE", 2.0, noise(1, 201)), trace(Z, 1.0, noise(2, 300))]
    _, file = make(traces, event(pick("Pg", 3.0)), gaps="drop")
    [item] = file[EVID][STATION].values()
    assert (item.name.rpartition("/")[2], len(item)) == ("HHZ", 300)
    assert (item.attrs["gaps"], item.attrs["completeness"]) == ("", 1.0)


def test_a_record_that_is_cut_begins_at_the_nearest_nanosecond() -> None:
    """Two samples at 30 Hz are 66,666,666.67 ns."""
    data = np.ma.array(noise(1, 30), mask=[number in (1, 20) for number in range(30)])
    item = trace(Z, 0.0, data, 30.0)
    item.data = data  # `trace` lost the mask
    record = build_record([item], (at(0), at(1)), Settings(rate_hz=None))
    assert record is not None
    apply_gap_rule(record, Settings(gaps="split"), [])
    assert record.start_ns == at(0) + 66_666_667
    assert (record.npts, record.components["HHZ"].notes) == (18, {"split_off": "-2:1,19:9"})


@examples(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=3),
    st.integers(0, 3),
    st.integers(0, 11),
    st.sampled_from(["drop", "split"]),
)
def test_no_longer_gap_is_left_and_no_sample_moves(
    masks: list[list[bool]], longest: int, picked: int, rule: str
) -> None:
    whole = {f"HH{letter}": noise(number, 12) for number, letter in enumerate("ENZ")}
    traces = [
        trace(f"{STATION}.{name}", 0.0, np.ma.array(whole[name], mask=~np.array(mask)))
        for name, mask in zip(whole, masks, strict=False)
        if any(mask)
    ]
    record = build_record(_masked(traces, masks), (at(0), at(0.11)), Settings())
    if record is None:
        return
    before = {name: _samples(part) for name, part in record.components.items()}
    chosen = Settings(gaps=rule, max_gap_s=longest / 100)
    apply_gap_rule(record, chosen, [at(picked / 100)])
    first = round((record.start_ns - at(0)) / 1e7)
    for name, part in record.components.items():
        split_off = _counted(part.notes.get(layout.SPLIT_OFF, ""))
        assert before[name] == _samples(part) + (split_off if rule == "split" else 0)
        ends = 1 if rule == "drop" else 0
        for begin, count in part.gaps:
            at_end = begin == 0 or begin + count == record.npts
            assert count <= (max(longest, ends) if at_end else longest)
        assert len(part.data) == record.npts > 0
        for index in range(record.npts):
            if part.has_sample(index):
                assert part.data[index] == whole[name][first + index]
        _missing_is_what_the_window_lacks(record, name)


def _samples(part: Component) -> int:
    return len(part.data) - sum(count for _, count in part.gaps)


def _counted(stretches: str) -> int:
    return sum(int(text.partition(":")[2]) for text in stretches.split(",") if text)


def _masked(traces: list[Any], masks: list[list[bool]]) -> list[Any]:
    """Masks that `trace` lost on its way through numpy.asarray."""
    kept = [mask for mask in masks if any(mask)]
    for item, mask in zip(traces, kept, strict=True):
        item.data = np.ma.array(item.data, mask=~np.array(mask))
    return traces


def _missing_is_what_the_window_lacks(record: Record, name: str) -> None:
    part = record.components[name]
    assert part.missing_s == pytest.approx((12 - _samples(part)) / 100)
