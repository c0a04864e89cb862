"""From catalogue rows to plans: who owns a key, whose distance counts, which names are refused."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from memory_archive import at, event, pick, three

from credit_fast.hdf5 import layout
from credit_fast.station_records.plan import plan_event

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"
ROWS: dict[str, tuple[str, float | None]] = {
    "arrival": ("TRAVTIME", 5.0),
    "timeless arrival": ("TRAVTIME", None),
    "polarity": ("POLARITY", 6.0),
    "timeless polarity": ("POLARITY", None),
    "amplitude": ("AMPLITUD", 7.0),
    "timeless amplitude": ("AMPLITUD", None),
}


def attributes(*picks: Any) -> dict[str, Any]:
    return dict(plan_event(event(*picks)).stations[0].attributes())


@pytest.mark.parametrize(
    ("rows", "time_s", "owner"),
    [
        (("arrival", "polarity", "amplitude"), 5.0, "TRAVTIME"),
        (("timeless arrival", "polarity", "amplitude"), 6.0, "POLARITY"),
        (("polarity", "amplitude"), 6.0, "POLARITY"),
        (("timeless arrival", "amplitude"), None, "TRAVTIME"),
        (("timeless polarity", "amplitude"), None, "POLARITY"),
        (("amplitude",), None, "AMPLITUD"),
        (("timeless arrival", "timeless polarity", "timeless amplitude"), None, "TRAVTIME"),
    ],
)
def test_a_bare_phase_time_is_of_an_arrival_or_a_polarity_and_never_of_an_amplitude(
    rows: tuple[str, ...], time_s: float | None, owner: str
) -> None:
    for order in permutations(rows):
        picks = [pick("Sg", ROWS[name][1], row_type=ROWS[name][0]) for name in order]
        found = attributes(*picks)
        expected = None if time_s is None else layout.format_time(at(time_s))
        assert found.get("Sg") == expected
        assert found["Sg.phasetype"] == owner


def test_prefixed_keys_keep_their_own_times() -> None:
    times = {"AMPLITUD": 7.0, "POLARITY": 6.0, "TRAVTIME": 5.0}
    found = attributes(*(pick("Pg", time, row_type=kind) for kind, time in times.items()))
    for kind, time in times.items():
        assert found[f"{kind}.Pg"] == layout.format_time(at(time))
    assert "Pg" not in found


def test_an_amplitude_alone_has_its_waveform_and_counts_as_written(make: Any) -> None:
    report, file = make(three(STATION, 0.0, 600), event(pick("Sg", 3.0, row_type="AMPLITUD")))
    attrs = file[EVID][STATION].attrs
    assert "Sg" not in attrs
    assert (attrs["Sg.AMP"], attrs["Sg.dist"], attrs["types"]) == ("21.5", 12.5, "Sg")
    assert len(file[EVID][STATION]) == 3
    assert report.picks.written == 1


def test_a_missing_distance_is_taken_from_another_row_for_distaz_only() -> None:
    found = attributes(
        pick("Pg", 3.0, distance_km=None), pick("Sg", 5.0), pick("Sn", 6.0, distance_km=99.0)
    )
    assert found["TRAVTIME.Pg.dist"] == layout.UNKNOWN_DISTANCE_KM
    assert float(found["TRAVTIME.Pg.distaz"]) == 12.5
    assert (found["Sg.dist"], float(found["Sg.distaz"])) == (12.5, 12.5)
    assert (found["Sn.dist"], float(found["Sn.distaz"])) == (99.0, 99.0)
    last = sorted(name for name in found if "dist" in name)[-1]
    assert float(found[last]) == 12.5


def test_a_distance_that_no_row_has_is_unknown_and_none_of_another_station() -> None:
    other = pick("Pg", 3.0, "X1.BBB.00.HHZ", distance_km=40.0)
    found = attributes(pick("Pg", 3.0, distance_km=None), other)
    assert float(found["TRAVTIME.Pg.distaz"]) == layout.UNKNOWN_DISTANCE_KM


def test_names_of_64_characters_are_kept_and_longer_ones_refused(make: Any) -> None:
    good, long = "A" * 64, "A" * 65
    report, file = make(
        [],
        event(pick(good, 3.0), pick(long, 3.0), pick("P", 3.0, f"X1.{long}.00.HHZ"), evid=good),
        event(pick("P", 3.0, f"X1.{good}.00.HHZ"), evid="e2"),
        event(pick("P", 3.0), evid=long),
    )
    assert sorted(file) == [good, "e2"]
    assert list(file[good]) == [STATION]
    assert file[good][STATION].attrs["types"] == good
    assert list(file["e2"]) == [f"X1.{good}.00"]
    reasons = [item.reason for item in report.refusals]
    text = "'AAAAAAAAAAAAAAAA'... has 65 characters, more than 64"
    expected = {f"phase name {text}", f"code {text}", f"event id: {text}"}
    assert {reason for reason in reasons if text in reason} == expected
    assert report.has_problems


@pytest.mark.parametrize("where", ["event", "station"])
def test_a_name_that_is_no_unicode_costs_only_itself(make: Any, where: str) -> None:
    bad = "A\ud800"
    odd = (
        event(pick("P", 3.0), evid=bad)
        if where == "event"
        else event(pick("P", 3.0, f"X1.{bad}.00.HHZ"), evid="odd")
    )
    report, file = make([], odd, event(pick("P", 3.0)))
    assert EVID in file
    assert report.picks.n_refused == 1
