"""An export straight from an archive: what makeh5 would make, whatever the settings leave out."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from check_cases import STATION
from memory_archive import MemoryArchive, catalog, event, noise, pick, stations, three, trace
from table_cases import rows

from credit_fast import makeh5
from credit_fast.account.accounting import EVENT_REFUSED
from credit_fast.export import ExportReport, export_seisbench
from credit_fast.export.records import ArchiveRecords
from credit_fast.station_records import Settings

FAR = "X1.FAR."
TABLE = stations(STATION, FAR)
ARCHIVE = MemoryArchive(
    [
        *three(STATION, 0.0, 60_000),
        trace(f"{FAR}.BHZ", 0.0, noise(5, 1400)),
        trace(f"{FAR}.BHZ", 14.5, noise(6, 40_000)),
    ]
)


def with_line(*picks: Any, evid: str) -> Any:
    """An event whose line says all that its fields do."""
    made = event(*picks, evid=evid)
    made.raw = f"EVENT,{evid},eq,2012,03,01,061,13,22,11,0,LOC,104.5,29.5,DEP,4.0,MAG,ML,0.5"
    return made


def events() -> list[Any]:
    """Twelve events with data, at times that overlap, and eight later ones without any."""
    found = []
    for number in range(20):
        second = 10.0 + number if number < 12 else 5000.0 + number
        found.append(
            with_line(
                pick("Pg", second),
                pick("Sg", second + 2.0),
                pick("P", second, f"{FAR}.BHZ", distance_km=400.0),
                evid=f"X1.{number:04d}",
            )
        )
    return found[::-1]


def both(
    tmp_path: Path, settings: Settings, *chosen: Any, archive: Any = ARCHIVE
) -> tuple[ExportReport, ExportReport]:
    """Reports of the export by way of a data set and of that without; the folders are equal."""
    given = catalog(*chosen)
    made = makeh5(archive, tmp_path / "o.h5", given, TABLE, settings=settings, progress=False)
    by_file = export_seisbench(tmp_path / "o.h5", tmp_path / "a", progress=False)
    direct = export_seisbench(
        archive, tmp_path / "b", catalog=given, stations=TABLE, settings=settings, progress=False
    )
    for name in ("metadata.csv", "waveforms.hdf5"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert by_file.agrees and direct.agrees
    assert direct.has_problems == made.has_problems
    return by_file, direct


def test_events_without_data_are_in_no_set(tmp_path: Path) -> None:
    by_file, direct = both(tmp_path, Settings(range_s=2.0), *events())
    assert dict(direct.events_by_split) == {"train": 10, "dev": 1, "test": 1}
    assert direct.events_by_split == by_file.events_by_split
    assert direct.left_out == {"no data in the archive": 16}


def test_windows_of_noise_are_exported(tmp_path: Path) -> None:
    settings = Settings(range_s=2.0, noise=6, noise_seed=3)
    _, direct = both(tmp_path, settings, *events())
    kinds = [row["trace_category"] for row in rows(tmp_path / "b" / "metadata.csv")]
    assert (kinds.count("noise"), direct.notes) == (6, [])
    assert set(kinds) == {"noise", "earthquake"}
    assert not direct.has_problems


def test_windows_of_noise_that_are_not_found_are_told(tmp_path: Path) -> None:
    archive = MemoryArchive(three(STATION, 0.0, 1500))  # all of it is near a pick
    settings = Settings(range_s=2.0, noise=6)
    _, direct = both(tmp_path, settings, events()[-1], archive=archive)
    assert direct.notes == ["windows of noise that were not found: 6 of 6"]
    assert direct.notes[0] in str(direct)
    assert not direct.has_problems


def test_an_archive_that_cannot_say_what_it_has_gives_no_noise(tmp_path: Path) -> None:
    class Deaf:
        get_waveforms = ARCHIVE.get_waveforms

    with pytest.raises(TypeError, match="Deaf cannot say when it has data"):
        export_seisbench(
            Deaf(), tmp_path / "sb", catalog=catalog(*events()), settings=Settings(noise=1)
        )
    assert not list(tmp_path.iterdir())


CHOICES = {
    "distance": ({"max_distance_km": 100.0}, {"farther away than asked for": 12}),
    "phases": ({"phases": ("P",)}, {"no pick of a phase that was asked for": 12}),
    "picks": (
        {"min_picks": 3, "max_distance_km": 100.0},
        {f"{EVENT_REFUSED}: fewer picks than asked for": 12, "farther away than asked for": 6},
    ),
    "gaps": ({"gaps": "drop"}, {"gaps, which were not asked for": 3}),
}


@pytest.mark.parametrize(("options", "left_out"), CHOICES.values(), ids=CHOICES)
def test_what_is_left_out_by_choice_is_no_problem(
    tmp_path: Path, options: dict[str, Any], left_out: dict[str, int]
) -> None:
    chosen = [item for item in events() if item.event_id < "X1.0012"]
    for item in chosen[1::2]:
        item.picks.append(pick("Sn", 14.0))
    settings = Settings(range_s=2.0, **options)
    _, direct = both(tmp_path, settings, *chosen)
    assert direct.left_out == left_out
    assert direct.problems == []


def test_refused_events_are_a_problem(tmp_path: Path) -> None:
    first = events()[-1]
    _, direct = both(tmp_path, Settings(range_s=2.0), first, copy.deepcopy(first))
    assert [text.partition(":")[0] for text in direct.problems] == [
        f"X1.0000/{name}" for name in (STATION, FAR)
    ]
    assert all("duplicate event id" in text for text in direct.problems)


def test_an_archive_that_gets_data_meanwhile_is_told(tmp_path: Path) -> None:
    class Growing(MemoryArchive):
        """Has the second event when it is asked for it again."""

        def get_waveforms(self, *place: Any) -> Any:
            if len(self.asked) == 2:
                self.traces = three(STATION, 0.0, 10_000)
            return super().get_waveforms(*place)

    archive = Growing(three(STATION, 0.0, 2000))
    chosen = catalog(event(pick("P", 4.0), evid="a"), event(pick("P", 50.0), evid="b"))
    settings = Settings(range_s=2.0, channels=("HH?",))
    archive.asked.clear()
    report = export_seisbench(
        archive, tmp_path / "sb", catalog=chosen, settings=settings, threads=1, progress=False
    )
    assert report.agrees and report.traces == 1
    assert report.problems == [
        f"b/{STATION}: its event had no waveform when the events were dealt out"
    ]


@pytest.mark.parametrize("first_pass", [True, False])
def test_few_records_are_cut_ahead(first_pass: bool) -> None:
    archive = MemoryArchive(three(STATION, 0.0, 3000))
    chosen = catalog(*[event(pick("P", 4.0), evid=f"e{number}") for number in range(40)])
    with ArchiveRecords(archive, chosen, None, Settings(range_s=2.0), threads=1) as records:
        taken = records.with_waveform() if first_pass else map(list, records.events())
        for number, _ in enumerate(taken, start=1):
            # Those that wait, the one that was taken, and one that is worked on.
            assert len(archive.asked) <= number + 5
    assert len(archive.asked) == 40


def test_samples_are_those_of_the_settings(tmp_path: Path) -> None:
    values = np.linspace(0.0, 1.0, 3000)
    archive = MemoryArchive([trace(f"{STATION}.HHZ", 0.0, values)])
    chosen = with_line(pick("P", 10.0), evid="X1.0")
    both(tmp_path, Settings(range_s=2.0, dtype="float32"), chosen, archive=archive)
