"""`credit-fast makeh5` and `testh5` as a user runs them, in a folder of their own."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path

import h5py
import pytest
from memory_archive import three
from running import command

from credit_fast import makeindex
from credit_fast._core import encode_mseed2
from credit_fast.cli import makeh5
from credit_fast.station_records import Settings

CATALOG = """\
#EVENT X1.1 eq 2012 03 01 061 13 22 11 000000 LOC 104.5 29.5 DEP 4 MAG ML 0.5
PHASE X1.1 eq TRAVTIME X1 AAA 00 HHZ Pg ttime 3.0 V 2012 03 01 061 13 22 14 000000 \
MAGSOURCE MAGTYPE MAG DISTAZ 12.5 301.5 LOC_RMSWT RMS WT
PHASE X1.1 eq TRAVTIME X1 AAA 00 HHN Sg ttime 5.0 V 2012 03 01 061 13 22 16 000000 \
MAGSOURCE MAGTYPE MAG DISTAZ 12.5 301.5 LOC_RMSWT RMS WT
"""
BAD_LINE = "PHASE X1.1 eq TRAVTIME X1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an index, its data, a catalogue and a station file."""
    data = tmp_path / "data"
    data.mkdir()
    for item in three("X1.AAA.00", 0.0, 900):
        codes = (item.stats.network, item.stats.station, item.stats.location, item.stats.channel)
        record = encode_mseed2(*codes, item.stats.starttime.ns, 100.0, item.data, "STEIM2")
        (data / f"{item.stats.channel}.mseed").write_bytes(record)
    makeindex([str(data)], str(tmp_path / "index.db"), progress=False)
    (tmp_path / "events.pha").write_text(CATALOG)
    (tmp_path / "stations.loc").write_text("X1 AAA 00 104.0 29.0 350\n")
    return tmp_path


MAKE = ("makeh5", "-i", "index.db", "-o", "out.h5", "-c", "events.pha", "-s", "stations.loc")
CHECK = ("testh5", "-i", "out.h5", "-o", "stats.txt", "-c", "events.pha")


def test_the_chain_ends_with_zero_when_all_is_well(folder: Path) -> None:
    made = command(folder, *MAKE, "-r", "2")
    assert (made.returncode, made.stderr) == (0, "")
    assert "station records" in made.stdout
    checked = command(folder, *CHECK, "-x", "index.db")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "out.h5: whole" in checked.stdout
    assert "out.h5: whole" in (folder / "stats.txt").read_text()


def test_the_same_command_again_has_nothing_to_do(folder: Path) -> None:
    assert command(folder, *MAKE, "-r", "2").returncode == 0
    before = (folder / "out.h5").read_bytes()
    again = command(folder, *MAKE, "-r", "2")
    assert (again.returncode, again.stderr) == (0, "")
    assert "done before: nothing was cut" in again.stdout
    assert (folder / "out.h5").read_bytes() == before
    other = command(folder, *MAKE, "-r", "3")
    assert (other.returncode, "out.h5 exists" in other.stderr) == (2, True)
    (folder / "events.pha").write_text(CATALOG + CATALOG.replace("X1.1", "X1.2"))
    other = command(folder, *MAKE, "-r", "2")
    assert (other.returncode, "--update" in other.stderr) == (2, True)


def test_a_refused_line_ends_with_one_and_is_shown(folder: Path) -> None:
    (folder / "events.pha").write_text(CATALOG + BAD_LINE)
    made = command(folder, *MAKE)
    assert made.returncode == 1
    assert "events.pha:4:" in made.stdout


@pytest.mark.parametrize(("other", "code"), [(None, 0), ("2008", 1), ("2016", 1)])
def test_a_problem_of_any_year_ends_with_one(folder: Path, other: str | None, code: int) -> None:
    """The archive has nothing of the other year, which comes before or after the good one."""
    more = "" if other is None else CATALOG.replace("X1.1", "X1.2").replace("2012", other)
    (folder / "events.pha").write_text(CATALOG + more)
    words = ("-i", "index.db", "-o", "sets", "-c", "events.pha", "-r", "2", "--split-by-year")
    made = command(folder, "makeh5", *words, "--quiet")
    assert (made.returncode, made.stderr) == (code, "")
    years = {path.stem for path in (folder / "sets").glob("*.h5")}
    assert years == {"2012"} | ({other} if other else set())


def test_json_is_all_that_is_printed(folder: Path) -> None:
    made = command(folder, *MAKE, "--json")
    assert json.loads(made.stdout)["levels"]["components"]["total"] == 3
    checked = command(folder, *CHECK, "--json")
    assert json.loads(checked.stdout)["is_whole"] is True


def test_quiet_prints_nothing(folder: Path) -> None:
    made = command(folder, *MAKE, "--quiet")
    assert (made.stdout, made.stderr) == ("", "")


def test_a_missing_event_ends_with_one(folder: Path) -> None:
    command(folder, *MAKE)
    more = CATALOG + CATALOG.replace("X1.1", "X1.2")
    (folder / "events.pha").write_text(more)
    checked = command(folder, *CHECK)
    assert checked.returncode == 1
    assert "missing event /X1.2" in checked.stdout


def test_an_existing_file_ends_with_two_and_says_what_to_do(folder: Path) -> None:
    (folder / "out.h5").write_text("precious")
    made = command(folder, *MAKE)
    assert made.returncode == 2
    assert "out.h5 exists" in made.stderr
    assert "overwrite" in made.stderr
    assert command(folder, *MAKE, "--overwrite").returncode == 2  # it is no HDF5 file
    assert (folder / "out.h5").read_text() == "precious"
    (folder / "out.h5").unlink()
    assert [command(folder, *MAKE, "--overwrite").returncode for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("word", ["--", "-", "NONE"])
def test_a_pick_that_names_no_channel_is_kept(folder: Path, word: str) -> None:
    (folder / "events.pha").write_text(CATALOG.replace("HHZ", word).replace("HHN", word))
    made = command(folder, *MAKE, "-r", "2", "--json")
    account = json.loads(made.stdout)
    assert made.returncode == 0
    assert account["levels"]["picks"]["written"] == 2
    assert account["levels"]["components"]["written"] == 3
    assert account["notes"]["records whose picks name no channel"] == 1


def test_orientations_on_request_are_cut_and_missing_ones_are_told(folder: Path) -> None:
    made = command(folder, *MAKE, "-r", "2", "--components", "1Z", "--json")
    account = json.loads(made.stdout)
    assert account["components"] == "1Z"
    assert account["levels"]["components"]["total"] == 2
    assert account["levels"]["components"]["written"] == 1
    assert account["other_orientations"] == {"HHE": 1, "HHN": 1}
    assert command(folder, *MAKE, "--overwrite", "--components", "XYZ").returncode == 2


@pytest.mark.parametrize("missing", ["index.db", "events.pha", "stations.loc"])
def test_a_missing_input_ends_with_two_and_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    made = command(folder, *MAKE)
    assert made.returncode == 2
    assert missing in made.stderr
    assert not (folder / missing).exists()
    assert not (folder / "out.h5").exists()


def test_what_cannot_be_checked_ends_with_two(folder: Path) -> None:
    assert command(folder, *CHECK).returncode == 2
    (folder / "out.h5").write_text("no HDF5")
    checked = command(folder, *CHECK)
    assert checked.returncode == 2
    assert "out.h5 cannot be read as HDF5" in checked.stderr


def test_another_rate_is_refused_unless_any_is_asked_for(folder: Path) -> None:
    assert command(folder, *MAKE, "--rate", "50").returncode == 1
    assert command(folder, *MAKE, "--rate", "any", "--overwrite").returncode == 0


@pytest.mark.parametrize("name", ["makeh5", "testh5"])
def test_help_teaches_with_examples_and_exit_codes(folder: Path, name: str) -> None:
    text = command(folder, name, "--help").stdout
    assert "examples:" in text
    assert "exit code:" in text


def test_options_stand_over_the_file_and_the_file_over_the_defaults(folder: Path) -> None:
    (folder / "set.toml").write_text('before_s = 1\nafter_s = 2\naround = "origin"\n')
    made = command(folder, *MAKE, "--config", "set.toml", "--before", "0.5", "--json")
    assert made.returncode == 0
    with h5py.File(folder / "out.h5") as file:
        assert {len(item) for item in file["X1.1/X1.AAA.00"].values()} == {201}  # it begins at 0 s
    assert json.loads(made.stdout)["levels"]["picks"]["partial"] == 2


def test_a_rate_of_the_command_line_stands_over_resampling_of_the_file(folder: Path) -> None:
    (folder / "set.toml").write_text("resample_hz = 50\n")
    for words, delta in (((), 0.02), (("--rate", "100"), 0.01)):
        made = command(folder, *MAKE, "--config", "set.toml", "--overwrite", *words)
        assert (made.returncode, made.stderr) == (0, "")
        with h5py.File(folder / "out.h5") as file:
            assert {item.attrs["delta"] for item in file["X1.1/X1.AAA.00"].values()} == {delta}


def test_a_key_that_no_setting_has_ends_with_two_and_names_the_nearest(folder: Path) -> None:
    (folder / "set.toml").write_text("befor_s = 1\n")
    made = command(folder, *MAKE, "--config", "set.toml")
    assert (made.returncode, "did you mean before_s?" in made.stderr) == (2, True)
    assert not (folder / "out.h5").exists()


def test_a_rate_to_refuse_and_one_to_bring_others_to_exclude_each_other(folder: Path) -> None:
    made = command(folder, *MAKE, "--rate", "50", "--resample", "100")
    assert (made.returncode, "give one of them" in made.stderr) == (2, True)


def test_testh5_takes_the_file_of_makeh5(folder: Path) -> None:
    (folder / "set.toml").write_text('phases = "Pg"\nrange_s = 2\ncomponents = "ZN"\n')
    made = command(folder, *MAKE, "--config", "set.toml")
    assert (made.returncode, made.stderr) == (0, "")
    assert command(folder, *CHECK, "-x", "index.db").returncode == 0  # by the account beside it
    (folder / "out.report.json").unlink()
    assert command(folder, *CHECK).returncode == 1
    checked = command(folder, *CHECK, "-x", "index.db", "--config", "set.toml")
    assert (checked.returncode, checked.stderr) == (0, "")
    both = command(folder, *CHECK, "-x", "index.db", "--config", "set.toml", "-r", "2")
    assert (both.returncode, "give one or the other" in both.stderr) == (2, True)


def test_every_setting_has_an_option_with_its_name_in_the_help() -> None:
    parser = argparse.ArgumentParser()
    makeh5.add_arguments(parser)
    options = {action.dest: action for action in parser._actions}
    for name in {field.name for field in fields(Settings)} - {"compression_level"}:
        assert f"[{name}]" in str(options[name].help)


def test_all_options_at_once(folder: Path) -> None:
    (folder / "axes").write_text("X1 AAA 00 HH1 0 0\n")
    lines = [
        "--around origin --before 1 --after 5 --min-length 6 --phases Pg,Sg --min-picks 2",
        "--max-distance 300 --all-stations --noise 2 --noise-seed 5 --channels HH?,BH?",
        "--components ZNE --orientations axes --gaps split --max-gap 0.1 --fill -7",
        "--rate any --dtype float32",
    ]
    words = [word for line in lines for word in line.split()]
    made = command(folder, *MAKE, *words, "--json")
    assert (made.returncode, made.stderr) == (0, "")
    account = json.loads(made.stdout)
    assert account["levels"]["picks"]["written"] == 2
    assert account["notes"]["windows of noise that were not found"] == 2
    with h5py.File(folder / "out.h5") as file:
        assert {item.dtype.name for item in file["X1.1/X1.AAA.00"].values()} == {"float32"}
    assert command(folder, *MAKE, *words, "--no-all-stations", "--overwrite").returncode == 0
