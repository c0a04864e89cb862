"""`credit-fast export` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from memory_archive import three
from running import command
from test_makeh5_testh5 import BAD_LINE, CATALOG, MAKE

from credit_fast import makeindex
from credit_fast._core import encode_mseed2

TO = ("export", "--to", "seisbench")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an index, a catalogue, a station file and a data set of them."""
    (tmp_path / "data").mkdir()
    for item in three("X1.AAA.00", 0.0, 900):
        codes = (item.stats.network, item.stats.station, item.stats.location, item.stats.channel)
        record = encode_mseed2(*codes, item.stats.starttime.ns, 100.0, item.data, "STEIM2")
        (tmp_path / "data" / f"{item.stats.channel}.mseed").write_bytes(record)
    makeindex([str(tmp_path / "data")], str(tmp_path / "index.db"), progress=False)
    (tmp_path / "events.pha").write_text(CATALOG)
    (tmp_path / "stations.loc").write_text("X1 AAA 00 104.0 29.0 350\n")
    assert command(tmp_path, *MAKE, "-r", "2", "--quiet").returncode == 0
    return tmp_path


def test_both_ways_give_the_same_folder(folder: Path) -> None:
    of_file = command(folder, *TO, "-i", "out.h5", "-o", "a")
    assert (of_file.returncode, of_file.stderr) == (0, "")
    assert "labels: Pg 1, Sg 1" in of_file.stdout
    words = ("-i", "index.db", "-c", "events.pha", "-s", "stations.loc", "-r", "2", "-o", "b")
    of_archive = command(folder, *TO, *words, "--json")
    assert (of_archive.returncode, of_archive.stderr) == (0, "")
    assert json.loads(of_archive.stdout)["traces"] == 1
    for name in ("metadata.csv", "waveforms.hdf5"):
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()
    with (folder / "a" / "metadata.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["station_location_code"] == "'00"
    assert row["source_magnitude_type"] == "ML"
    assert row["split"] == "train"
    assert (row["trace_Pg_arrival_sample"], row["trace_Sg_arrival_sample"]) == ("200.0", "400.0")


def test_a_configuration_of_makeh5_is_one_of_the_export_from_an_archive(folder: Path) -> None:
    (folder / "set.toml").write_text('range_s = 9\nphases = "Pg"\ncomponents = "ZN"\n')
    words = ("-c", "events.pha", "-s", "stations.loc", "--config", "set.toml", "-r", "1")
    made = command(folder, "makeh5", "-i", "index.db", "-o", "few.h5", *words, "--quiet")
    assert (made.returncode, made.stderr) == (0, "")
    for source, name, more in (("few.h5", "a", ()), ("index.db", "b", words)):
        of = command(folder, *TO, "-i", source, "-o", name, *more, "--json")
        assert (of.returncode, of.stderr) == (0, "")
        assert json.loads(of.stdout)["components"] == "ZN"
    for name in ("metadata.csv", "waveforms.hdf5"):
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()


def test_options_reach_the_export(folder: Path) -> None:
    words = ("--split", "0,0,1", "--seed", "7", "--dtype", "float32", "--compression", "none")
    made = command(folder, *TO, "-i", "out.h5", "-o", "a", *words, "--block", "1", "--json")
    report = json.loads(made.stdout)
    assert report["traces_by_split"] == {"train": 0, "dev": 0, "test": 1}
    assert (report["seed"], report["split"]) == (7, [0, 0, 1])


@pytest.mark.parametrize(
    ("rate", "rates"), [((), []), (("--rate", "50"), ["50.0"]), (("--rate", "any"), ["50.0"])]
)
def test_a_rate_of_the_windows_to_cut(
    folder: Path, rate: tuple[str, ...], rates: list[str]
) -> None:
    (folder / "slow").mkdir()
    [item] = three("X1.AAA.00", 0.0, 450)[2:]
    start_ns = item.stats.starttime.ns
    record = encode_mseed2("X1", "AAA", "00", "HHZ", start_ns, 50.0, item.data, "STEIM2")
    (folder / "slow" / "z.mseed").write_bytes(record)
    makeindex([str(folder / "slow")], str(folder / "slow.db"), progress=False)
    words = ("-i", "slow.db", "-c", "events.pha", "-r", "2", "-o", "a", *rate)
    made = command(folder, *TO, *words)
    assert made.returncode == (0 if rates else 2)
    if not rates:
        assert "sampling rate 50 Hz, expected 100 Hz" in made.stderr
        return
    with (folder / "a" / "metadata.csv").open(newline="") as file:
        assert [row["trace_sampling_rate_hz"] for row in csv.DictReader(file)] == rates


def test_an_existing_folder_needs_overwrite(folder: Path) -> None:
    words = (*TO, "-i", "out.h5", "-o", "a", "--quiet")
    assert command(folder, *words).returncode == 0
    again = command(folder, *words)
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    assert command(folder, *words, "--overwrite").returncode == 0


def test_a_bad_line_of_the_catalogue_ends_with_one(folder: Path) -> None:
    (folder / "events.pha").write_text(CATALOG + BAD_LINE)
    made = command(folder, *TO, "-i", "index.db", "-c", "events.pha", "-o", "a")
    assert made.returncode == 1
    assert "events.pha:4:" in made.stdout
    assert (folder / "a" / "metadata.csv").is_file()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-i", "out.h5", "-r", "5"), "need a catalogue too"),
        (("-i", "index.db"), "index.db is an index: it needs a catalogue (-c)"),
        (("-i", "out.h5", "-c", "events.pha"), "out.h5"),
        (("-i", "none.h5"), "No such HDF5 file"),
        (("-i", "out.h5", "--rate", "50"), "none of 1 station records"),
        (("-i", "out.h5", "--split", "0.5,0.5"), "expected three shares"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, words: tuple[str, ...], expected: str) -> None:
    made = command(folder, *TO, *words, "-o", "a")
    assert made.returncode == 2
    assert expected in made.stderr
    assert "Traceback" not in made.stderr
    assert not (folder / "a").exists()
