"""Pictures: what `sections` computes, what `plotting` draws, and the plot command."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from credit_fast import plotting, sections
from credit_fast.cli import plot
from credit_fast.errors import DatasetError, MissingExtraError
from credit_fast.hdf5 import layout
from credit_fast.hdf5.reader import open_dataset

pytest.importorskip("matplotlib", reason="pictures need matplotlib")

ORIGIN_NS = 1_580_349_600_000_000_000
EVENT = "YN.202001301000.0001"
WEIRD = "地震 $x_1$ (a|b)*?"
SILENT = "YN.202001301200.0002"
PNG = b"\x89PNG"


def add_event(file: h5py.File, event_id: str, magnitude: float) -> h5py.Group:
    group = file.create_group(event_id)
    group.attrs["time"] = layout.format_time(ORIGIN_NS)
    group.attrs.update({"lat": 25.0, "lon": 100.0, "mag": magnitude, "depth": 8.5, "type": "eq"})
    return group


def add_station(
    event: h5py.Group,
    station_id: str,
    *,
    distance_km: float | None = None,
    place: tuple[float, float] | None = None,
    picks: dict[str, float] | None = None,
    channels: str = "ENZ",
    gaps: str = "",
) -> None:
    """A station whose record begins 20 s before the origin and lasts 60 s."""
    group = event.create_group(station_id)
    if place is not None:
        group.attrs.update({"lon": place[0], "lat": place[1], "elevation": 0.0})
    picks = {"TRAVTIME.Pg": 5.0, "Sg": 9.0} if picks is None else picks
    group.attrs["types"] = ",".join(picks)
    for key, seconds in picks.items():
        group.attrs[key] = layout.format_time(ORIGIN_NS + round(seconds * 1e9))
        group.attrs[f"{key}.dist"] = -123.0 if distance_km is None else distance_km
    for number, letter in enumerate(channels):
        rng = np.random.default_rng(number)
        data = (1000 + rng.normal(0, 50, 6000) * (number + 1)).astype(np.int32)
        dataset = group.create_dataset(f"HH{letter}", data=data)
        dataset.attrs["btime"] = layout.format_time(ORIGIN_NS - 20_000_000_000)
        dataset.attrs["delta"] = 0.01
        if gaps:
            dataset.attrs["gaps"] = gaps


@pytest.fixture(scope="module")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One ordinary event, a larger one with an odd id, and the largest without a waveform."""
    path = tmp_path_factory.mktemp("plot") / "set.h5"
    with h5py.File(path, "w") as file:
        event = add_event(file, EVENT, 3.2)
        add_station(event, "YN.FAR.00", distance_km=90.0, picks={"Pn": 14.0, "Sn": 25.0})
        add_station(event, "YN.NEAR.", distance_km=12.5, gaps="3000:200")
        add_station(event, "YN.LOST.00", picks={})
        add_station(event, "YN.MAP.00", place=(100.0, 25.5))
        add_station(event, "YN.NOZ.00", distance_km=30.0, channels="EN")
        add_station(add_event(file, WEIRD, 4.1), "YN.ONE.00", distance_km=3.0)
        add_station(add_event(file, SILENT, 6.0), "YN.ONE.00", distance_km=3.0, channels="")
    return path


def run_plot(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    plot.add_arguments(parser)
    return plot.run(parser.parse_args([str(word) for word in words]))


# --- what is computed -----------------------------------------------------------------------


def test_section_is_sorted_by_distance_and_unknown_distances_come_last(data_set: Path) -> None:
    with open_dataset(data_set) as dataset:
        section = sections.build_section(dataset, EVENT)
    assert [t.label for t in section.traces] == [
        "YN.NEAR.",
        "YN.MAP.00",
        "YN.FAR.00",
        "YN.LOST.00",
    ]
    distances = [t.distance_km for t in section.traces]
    # Half a degree of latitude for the station whose rows give no distance.
    assert distances == [12.5, pytest.approx(55.6, abs=0.05), 90.0, None]
    assert "1 more without waveform" in section.subtitle


def test_traces_are_demeaned_normalised_and_open_at_gaps(data_set: Path) -> None:
    with open_dataset(data_set) as dataset:
        near = sections.build_section(dataset, EVENT, before_s=20.0, after_s=40.0).traces[0]
    assert np.nanmax(np.abs(near.amplitudes)) == pytest.approx(1.0)
    assert abs(np.nanmean(near.amplitudes)) < 1e-9
    (holes,) = np.nonzero(np.isnan(near.amplitudes))
    assert (holes[0], holes[-1], holes.size) == (3000, 3199, 200)
    assert near.times_s[3000] == pytest.approx(10.0)
    assert near.picks == {"Pg": 5.0, "Sg": 9.0}


@pytest.mark.parametrize(
    ("before_s", "after_s", "first_s", "npts"),
    [(0.0, 10.0, 0.0, 1001), (5.0, 0.0, -5.0, 501), (100.0, 100.0, -20.0, 6000)],
)
def test_section_shows_the_asked_time_with_both_ends(
    data_set: Path, before_s: float, after_s: float, first_s: float, npts: int
) -> None:
    with open_dataset(data_set) as dataset:
        section = sections.build_section(dataset, EVENT, before_s=before_s, after_s=after_s)
    assert section.traces[0].times_s[0] == pytest.approx(first_s)
    assert section.traces[0].amplitudes.size == npts


def test_max_stations_keeps_the_nearest_and_says_so(data_set: Path) -> None:
    with open_dataset(data_set) as dataset:
        section = sections.build_section(dataset, EVENT, max_stations=2)
    assert section.traces[0].distance_km == 12.5
    assert len(section.traces) == 2
    assert "the nearest of 4" in section.subtitle


def test_title_has_id_magnitude_time_and_place(data_set: Path) -> None:
    with open_dataset(data_set) as dataset:
        section = sections.build_section(dataset, EVENT)
    for words in (EVENT, "M 3.2", "2020-01-30 02:00:00.00 UTC"):
        assert words in section.title
    for words in ("25.000°N 100.000°E", "depth 8.5 km", "component Z"):
        assert words in section.subtitle


def test_missing_component_or_time_is_an_error_that_names_what_there_is(data_set: Path) -> None:
    with open_dataset(data_set) as dataset:
        with pytest.raises(DatasetError, match=r"component 3 .*components: E N Z"):
            sections.build_section(dataset, EVENT, component="3")
        with pytest.raises(DatasetError, match="no sample from 100 to 200 s"):
            sections.build_section(dataset, EVENT, before_s=-100.0, after_s=200.0)
        with pytest.raises(KeyError, match="no station"):
            sections.build_station_panel(dataset, EVENT, "YN.NOWHERE.00")


def test_overview_counts_events_stations_and_picks(data_set: Path) -> None:
    with open_dataset(data_set) as dataset:
        overview = sections.build_overview(dataset)
    assert overview.title == "3 events, 6 stations, 12 picks"
    assert [mark.station_id for mark in overview.stations] == ["YN.MAP.00"]
    assert overview.n_unplaced == 5
    counts = {mark.event_id: mark.picks for mark in overview.events}
    assert counts[EVENT] == {"Pg": 3, "Sg": 3, "Pn": 1, "Sn": 1}


# --- what is drawn --------------------------------------------------------------------------


def lines_of_colour(figure: plotting.Figure, colour: str) -> list[float]:
    """The x of every upright line of one colour in the first axes."""
    return sorted(
        float(line.get_xdata()[0])
        for line in figure.axes[0].lines
        if line.get_color() == colour and len(set(line.get_xdata())) == 1
    )


def test_picks_are_drawn_in_the_colour_of_their_phase(data_set: Path) -> None:
    with open_dataset(data_set) as dataset:
        figure = plotting.draw_section(sections.build_section(dataset, EVENT))
    assert lines_of_colour(figure, plotting.PHASE_COLOURS["Pg"]) == [5.0, 5.0]
    assert lines_of_colour(figure, plotting.PHASE_COLOURS["Sg"]) == [9.0, 9.0]
    assert lines_of_colour(figure, plotting.PHASE_COLOURS["Pn"]) == [14.0]
    assert lines_of_colour(figure, plotting.PHASE_COLOURS["Sn"]) == [25.0]
    assert len(set(plotting.PHASE_COLOURS.values())) == len(plotting.PHASE_COLOURS)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Pg", "Sg", "Pn", "Sn"]


def section_at(*distances_km: float) -> sections.RecordSection:
    times = np.linspace(-5.0, 30.0, 701)
    traces = tuple(
        sections.SectionTrace(f"XX.S{i:02d}.00", times, np.sin(times), {"Pg": 3.0}, distance)
        for i, distance in enumerate(distances_km)
    )
    return sections.RecordSection("title", "subtitle", traces, -5.0, 30.0)


def baselines(figure: plotting.Figure) -> list[float]:
    return [
        float(np.mean(line.get_ydata()))
        for line in figure.axes[0].lines
        if len(line.get_xdata()) > 2
    ]


def test_well_spread_traces_stand_at_their_distance() -> None:
    figure = plotting.draw_section(section_at(10.0, 30.0, 45.0))
    assert baselines(figure) == pytest.approx([10.0, 30.0, 45.0], abs=1.0)
    assert figure.axes[0].get_ylabel() == "epicentral distance (km)"


def test_crowded_traces_are_spread_evenly_with_the_distance_beside() -> None:
    figure = plotting.draw_section(section_at(10.0, 10.1, 45.0, 200.0))
    assert baselines(figure) == pytest.approx([0, 1, 2, 3], abs=0.05)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["10.0", "10.1", "45.0", "200.0"]


@pytest.mark.parametrize("count", [1, 2, 35, 120])
def test_any_number_of_traces_can_be_drawn(count: int, tmp_path: Path) -> None:
    figure = plotting.draw_section(section_at(*(5.0 + 0.5 * i * i for i in range(count))))
    plotting.save_figure(figure, tmp_path / "many.png")
    assert (tmp_path / "many.png").read_bytes().startswith(PNG)


def test_drawing_leaves_pyplot_alone(data_set: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from credit_fast.cli import plot; import argparse;"
        "p = argparse.ArgumentParser(); plot.add_arguments(p);"
        "assert 'matplotlib' not in sys.modules;"
        "assert plot.run(p.parse_args(sys.argv[1:])) == 0;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    words = ["-i", str(data_set), "-e", EVENT, "-o", str(tmp_path / "a.png")]
    subprocess.run([sys.executable, "-c", code, *words], check=True)


def test_missing_matplotlib_says_how_to_install_it(
    data_set: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'pip install "credit_fast\[plot\]"'):
        plotting.draw_section(section_at(1.0))
    assert run_plot("-i", data_set) == 2
    assert 'pip install "credit_fast[plot]"' in capsys.readouterr().err
    assert run_plot("-i", data_set, "--list") == 0


# --- the command ----------------------------------------------------------------------------


def test_command_writes_the_section_of_the_event(data_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "demo.png"
    assert run_plot("-i", data_set, "-e", EVENT, "-o", out) == 0
    assert out.read_bytes().startswith(PNG)


def test_command_draws_station_and_overview_and_other_formats(
    data_set: Path, tmp_path: Path
) -> None:
    station, overview = tmp_path / "station.pdf", tmp_path / "overview.svg"
    assert run_plot("-i", data_set, "-e", EVENT, "--station", "YN.NEAR.", "-o", station) == 0
    assert station.read_bytes().startswith(b"%PDF")
    assert run_plot("-i", data_set, "--overview", "-o", overview) == 0
    assert b"<svg" in overview.read_bytes()


def test_without_event_the_largest_with_a_waveform_is_drawn(
    data_set: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """That is the one with the odd id, which is also safe as a file name."""
    monkeypatch.chdir(tmp_path)
    assert run_plot("-i", data_set) == 0
    (made,) = tmp_path.iterdir()
    assert made.name == "地震_x_1_a_b.png"
    assert made.read_bytes().startswith(PNG)
    assert capsys.readouterr().out.strip() == made.name


def test_unknown_event_names_near_ones(
    data_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_plot("-i", data_set, "-e", "YN.202001301000.0009", "-o", tmp_path / "a.png") == 2
    assert EVENT in capsys.readouterr().err
    assert run_plot("-i", data_set, "-e", "nothing like it", "-o", tmp_path / "a.png") == 2
    assert "--list" in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-e", SILENT), "no waveform"),
        (("-e", EVENT, "--component", "3"), "components: E N Z"),
        (("-e", EVENT, "--station", "YN.NIX."), "no station"),
        (("-e", EVENT, "--after", "-30"), "no sample"),
    ],
)
def test_what_cannot_be_drawn_ends_with_2_and_a_reason(
    data_set: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    assert run_plot("-i", data_set, *words, "-o", tmp_path / "a.png") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_unusable_files_end_with_2(
    data_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_plot("-i", tmp_path / "nix.h5", "-o", tmp_path / "a.png") == 2
    assert "nix.h5" in capsys.readouterr().err
    (tmp_path / "text.h5").write_text("no HDF5")
    assert run_plot("-i", tmp_path / "text.h5", "-o", tmp_path / "a.png") == 2
    assert run_plot("-i", data_set, "-e", EVENT, "-o", tmp_path / "a.nonsense") == 2
    assert "nonsense" in capsys.readouterr().err
    h5py.File(tmp_path / "empty.h5", "w").close()
    assert run_plot("-i", tmp_path / "empty.h5", "-o", tmp_path / "a.png") == 2
    assert "none of its 0 events" in capsys.readouterr().err


def test_list_shows_every_event(data_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_plot("-i", data_set, "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert any(line.startswith(EVENT) and "M 3.2" in line for line in lines)
