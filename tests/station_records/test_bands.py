"""Which band and which orientations makeh5 takes, and what it says of those that it left."""

from __future__ import annotations

from typing import Any

import pytest
from memory_archive import event, noise, pick, three, trace

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"
NOTE = "records with other orientations only in the archive"


def fast(band: str) -> list[Any]:
    """Three components at 200 Hz, which is refused."""
    return [
        trace(f"{STATION}.{band}{letter}", 0.0, noise(number, 1000), 200.0)
        for number, letter in enumerate("ENZ")
    ]


def notes(report: Any) -> dict[str, int]:
    return {name: count for name, count, _ in report.notes()}


def test_a_picked_band_whose_data_are_refused_does_not_end_the_search(make: Any) -> None:
    traces = [*fast("HH"), *three(STATION, 0.0, 600, band="BH")]
    picks = [pick("P", 3.0, f"{STATION}.HHZ"), pick("S", 3.5, f"{STATION}.BHN")]
    report, file = make(traces, event(*picks))
    assert list(file[EVID][STATION]) == ["BHE", "BHN", "BHZ"]
    assert report.components.written == 3
    assert not report.refusals


def test_any_band_goes_on_after_one_whose_data_are_refused(make: Any) -> None:
    traces = [*fast("HH"), *three(STATION, 0.0, 600, band="EH")]
    _, file = make(traces, event(pick("P", 3.0, f"{STATION}.")))
    assert list(file[EVID][STATION]) == ["EHE", "EHN", "EHZ"]


@pytest.mark.parametrize("channels", [("HHZ", "EHZ", "BHZ"), ("",)])
def test_when_no_band_has_usable_data_the_first_refusal_stands(
    make: Any, channels: tuple[str, ...]
) -> None:
    picks = [pick("P", 3.0, f"{STATION}.{channel}") for channel in channels]
    slow = trace(f"{STATION}.BHZ", 0.0, noise(1, 300), 50.0)
    report, file = make([*fast("EH"), slow], event(*picks))
    band, rate = ("EH", 200) if channels[0] else ("BH", 50)
    assert list(file[EVID][STATION]) == []
    reason = f"sampling rate {rate} Hz, expected 100 Hz"
    assert report.station_records.refused == {reason: 1}
    assert report.events.refused == {reason: 1}
    assert report.picks.refused == {reason: len(picks)}
    refused = [item.name for item in report.refusals if item.level == "component"]
    assert {name.rpartition("/")[2][:2] for name in refused} == {band}


def test_an_event_with_refused_and_missing_data_is_refused(make: Any) -> None:
    row = event(pick("P", 3.0, "X1.BBB.00.HHZ"), pick("P", 3.0))
    report, _ = make(fast("HH"), row)
    assert report.events.refused == {"sampling rate 200 Hz, expected 100 Hz": 1}
    assert (report.picks.no_data, report.picks.n_refused) == (1, 1)


def turned(band: str = "BH", letters: str = "12Z") -> list[Any]:
    return [
        trace(f"{STATION}.{band}{letter}", 0.0, noise(number, 600))
        for number, letter in enumerate(letters)
    ]


@pytest.mark.parametrize("letters", ["12Z", "Z21"])
def test_orientations_on_request_keep_their_channel_names(make: Any, letters: str) -> None:
    traces = turned()
    report, file = make(traces, event(pick("P", 3.0, f"{STATION}.BHZ")), components=letters)
    station = file[EVID][STATION]
    assert list(station) == ["BH1", "BH2", "BHZ"]
    for item in traces:
        assert (station[item.stats.channel][()] == item.data[100:501]).all()
    assert (report.components.total, report.components.written) == (3, 3)
    assert notes(report)[NOTE] == 0


def test_another_number_of_components_is_accounted_for(make: Any) -> None:
    rows = [event(pick("P", 3.0)), event(pick("P", 3.0)), event(pick("P", 3.0), evid="e2")]
    report, _ = make(three(STATION, 0.0, 600), *rows, components="Z")
    assert (report.components.total, report.components.written) == (3, 2)
    assert report.components.n_refused == 1  # of the second event of one id


def test_other_orientations_in_the_archive_are_counted_and_named(make: Any) -> None:
    rows = [event(pick("P", 3.0, f"{STATION}.BHZ"), evid=evid) for evid in "ab"]
    rows.append(event(pick("P", 3.0, "X1.CCC.00.HHZ"), evid="c"))
    report, file = make([*turned(), *three("X1.CCC.00", 0.0, 600)], *rows)
    assert list(file["a"][STATION]) == ["BHZ"]
    assert notes(report)[NOTE] == 2
    assert report.other_orientations == {"BH1": 2, "BH2": 2}
    assert "BH1 BH2" in str(report)
    assert "--components" in str(report)


def test_other_orientations_count_without_any_component(make: Any) -> None:
    report, _ = make(turned("SH", "12"), event(pick("P", 3.0, f"{STATION}.")))
    assert (notes(report)[NOTE], report.components.no_data) == (1, 3)


def test_another_band_or_no_data_is_no_other_orientation(make: Any) -> None:
    traces = [*turned("LH", "12"), trace(f"{STATION}.BHZ", 0.0, noise(0, 600))]
    traces.append(trace(f"{STATION}.BH1", 900.0, noise(0, 600)))
    report, _ = make(traces, event(pick("P", 3.0, f"{STATION}.BHZ")))
    assert notes(report)[NOTE] == 0


def test_the_archive_is_asked_once_when_nothing_is_missing(make: Any, monkeypatch: Any) -> None:
    from memory_archive import MemoryArchive

    asked: list[str] = []
    cut = MemoryArchive.get_waveforms
    monkeypatch.setattr(
        MemoryArchive,
        "get_waveforms",
        lambda self, *request: (asked.append(request[3]), cut(self, *request))[1],
    )
    make(three(STATION, 0.0, 600), event(pick("P", 3.0)))
    assert asked == ["HH[ENZ]"]


def test_an_archive_that_fails_on_the_second_question_costs_no_record(
    make: Any, monkeypatch: Any
) -> None:
    from memory_archive import MemoryArchive

    cut = MemoryArchive.get_waveforms

    def fails(self: Any, *request: Any) -> Any:
        if "[ENZ]" not in request[3]:
            raise RuntimeError("no data")
        return cut(self, *request)

    monkeypatch.setattr(MemoryArchive, "get_waveforms", fails)
    report, file = make([three(STATION, 0.0, 600)[2]], event(pick("P", 3.0)))
    assert list(file[EVID][STATION]) == ["HHZ"]
    assert not report.refusals


def test_events_without_a_pick_and_so_without_a_waveform_are_a_problem(make: Any) -> None:
    report, _ = make([], event(), event(evid="other"))
    assert report.events.no_data == 2
    assert report.has_problems


def test_an_event_lacks_the_whole_window_of_a_station_without_data(make: Any) -> None:
    row = event(pick("P", 3.0), pick("P", 3.0, "X1.BBB.00.HHZ"), pick("S", 9.0, "X1.BBB.00.HHZ"))
    report, _ = make(three(STATION, 0.0, 600), row)
    assert (report.events.partial, report.station_records.partial) == (1, 0)
    assert report.events.gap_s == 10.0  # 1.0 to 11.0 s of X1.BBB.00
    line = next(line for line in str(report).splitlines() if line.startswith("events"))
    assert line.split() == ["events", "1", "0", "1", "10.00", "0", "0"]


@pytest.mark.parametrize(
    ("channels", "taken"),
    [
        ("BH?,HH?", "BH"),
        (["HH?", "BH?"], "HH"),
        ("EH?,BH?", "BH"),
        ("?H?", "HH"),
        ("?L?,B??", "BH"),
    ],
)
def test_the_first_listed_band_with_data_is_cut_whichever_was_picked(
    make: Any, channels: Any, taken: str
) -> None:
    traces = [*three(STATION, 0.0, 600), *three(STATION, 0.0, 600, band="BH")]
    _, file = make(traces, event(pick("P", 3.0, f"{STATION}.HHZ")), channels=channels)
    assert list(file[EVID][STATION]) == [f"{taken}{letter}" for letter in "ENZ"]


def test_a_listed_band_whose_data_are_refused_gives_way_to_the_next(make: Any) -> None:
    traces = [*fast("HH"), *three(STATION, 0.0, 600, band="BH")]
    report, file = make(traces, event(pick("P", 3.0)), channels="H??,BH?")
    assert list(file[EVID][STATION]) == ["BHE", "BHN", "BHZ"]
    assert not report.refusals


def test_a_band_that_is_not_listed_is_no_data(make: Any) -> None:
    report, file = make(three(STATION, 0.0, 600), event(pick("P", 3.0)), channels="BH?")
    assert list(file[EVID][STATION]) == []
    assert (report.components.no_data, report.picks.no_data) == (3, 1)
