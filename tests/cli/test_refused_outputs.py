"""What the commands say when a file is missing, a disk is full, or may not be written to."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from check_cases import EVID, STATION, make, small_archive, two_events
from running import START, command

from credit_fast._core import encode_mseed2

START_NS = 1_330_560_000_000_000_000
CATALOG = "#EVENT X1.1 eq 2012 03 01 061 13 22 11 000000 LOC 104.5 29.5 DEP 4 MAG ML 0.5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with data, an index, a catalogue and a data set."""
    (tmp_path / "data").mkdir()
    samples = np.arange(5000, dtype=np.int32)
    record = encode_mseed2("XX", "AAA", "", "HHZ", START_NS, 100.0, samples, "STEIM2")
    (tmp_path / "data" / "good").write_bytes(record)
    (tmp_path / "events.pha").write_text(CATALOG)
    assert command(tmp_path, "makeindex", "-r", "data", "-o", "i.db").returncode == 0
    make(tmp_path / "in.h5", small_archive(), two_events())
    return tmp_path


Mounted = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def on_disk(folder: Path) -> Mounted:
    """Runs the command with a small disk of its own mounted at `disk`, full or read-only."""
    (folder / "disk").mkdir()

    def run(state: str, *words: str) -> subprocess.CompletedProcess[str]:
        mount = "mount -t tmpfs -o size=64k none disk"
        spoil = {"full": "dd if=/dev/zero of=disk/rest 2>/dev/null; true"}
        spoil["read-only"] = "mount -o remount,ro disk"
        line = shlex.join([sys.executable, "-c", START, *words])
        script = f"{mount} && {{ {spoil[state]}; }} || exit 99\n{line}\ncode=$?\n"
        script += "echo left: $(ls disk | grep -v rest)\nexit $code"
        if shutil.which("unshare") is None:
            pytest.skip("no unshare: a disk of its own cannot be mounted")
        result = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if result.returncode == 99 or "unshare" in result.stderr:
            pytest.skip("a disk of its own cannot be mounted here")
        return result

    return run


# Command, and the file that it must name.
OUTPUTS = {
    "makeindex": (("-r", "data", "-o", "disk/i.db"), "disk/i.db"),
    "makeh5": (("-i", "i.db", "-c", "events.pha", "-o", "disk/o.h5"), "disk/o.h5"),
    "testh5": (("-i", "in.h5", "-c", "events.pha", "-o", "disk/s.txt"), "disk/s.txt"),
    "plot": (("-i", "in.h5", "-e", EVID, "-o", "disk/p.png"), "disk/p.png"),
    "demo": (("--quick", "-o", "disk/demo"), "disk/demo"),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_read_only_disk_is_told_by_its_name(on_disk: Mounted, name: str) -> None:
    words, output = OUTPUTS[name]
    result = on_disk("read-only", name, *words)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert output in line and "Read-only file system" in line
    assert ".part" not in line


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_full_disk_is_told_with_the_file_and_leaves_none(on_disk: Mounted, name: str) -> None:
    words, output = OUTPUTS[name]
    result = on_disk("full", name, *words)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert output in line
    assert ".part" not in line
    if name != "makeindex":
        assert "No space left on device" in line
    if name in ("makeh5", "testh5", "plot"):
        assert result.stdout.splitlines()[-1] == "left:"


@pytest.mark.parametrize("words", [("testh5", "-c", "events.pha"), ("plot",)])
def test_a_missing_data_set_is_told_with_what_to_do(folder: Path, words: tuple[str, ...]) -> None:
    result = command(folder, *words, "-i", "nix.h5")
    assert result.returncode == 2
    assert result.stderr == (
        f"credit-fast {words[0]}: [Errno 2] No such HDF5 file (credit-fast makeh5 makes one): "
        "'nix.h5'\n"
    )


def test_a_picture_of_one_component_of_a_station_has_only_that(folder: Path) -> None:
    words = ("plot", "-i", "in.h5", "-e", EVID, "--station", STATION)
    for name, more in (("all.svg", ()), ("one.svg", ("--component", "N"))):
        assert command(folder, *words, *more, "-o", name).returncode == 0
    sizes = [(folder / name).stat().st_size for name in ("all.svg", "one.svg")]
    assert sizes[1] < 0.6 * sizes[0]
    missing = command(folder, *words, "--component", "3", "-o", "none.svg")
    assert missing.returncode == 2
    assert "no waveform of component 3" in missing.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--station", STATION, "--max-stations", "3"),
        ("--overview", "--component", "N"),
        ("--overview", "-e", EVID),
        ("--list", "--before", "3"),
    ],
)
def test_an_option_without_effect_is_refused(folder: Path, words: tuple[str, ...]) -> None:
    result = command(folder, "plot", "-i", "in.h5", *words, "-o", "p.png")
    assert result.returncode == 2
    assert "has no effect with" in result.stderr
    assert not (folder / "p.png").exists()
