"""The makeh5 job from outside: threads, index files, existing files, interrupts, full disks."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from memory_archive import MemoryArchive, catalog, event, pick, three

from credit_fast import makeindex
from credit_fast._core import encode_mseed2
from credit_fast.account import MakeH5Report
from credit_fast.catalogs.model import Catalog, StationTable
from credit_fast.errors import CatalogError
from credit_fast.making import ahead, makeh5

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"


def components(report: MakeH5Report) -> tuple[int, int, int, int]:
    tally = report.components
    return tally.written, tally.partial, tally.no_data, tally.n_refused


def old_data_set(path: Path) -> bytes:
    """Make a data set that a run may replace; its bytes."""
    with h5py.File(path, "w") as file:
        file.create_group("old")
    return path.read_bytes()


@pytest.fixture
def indexed(tmp_path: Path) -> tuple[Path, Path]:
    """An index of one miniSEED file per component, and the folder of those files."""
    folder = tmp_path / "data"
    folder.mkdir()
    for item in three(STATION, 0.0, 900):
        codes = (item.stats.network, item.stats.station, item.stats.location, item.stats.channel)
        record = encode_mseed2(*codes, item.stats.starttime.ns, 100.0, item.data, "STEIM2")
        (folder / f"{item.stats.channel}.mseed").write_bytes(record)
    makeindex([str(folder)], str(tmp_path / "index.db"), progress=False)
    return tmp_path / "index.db", folder


def test_an_index_file_gives_the_same_as_its_samples(
    tmp_path: Path, indexed: tuple[Path, Path]
) -> None:
    rows = catalog(event(pick("P", 3.0), pick("S", 5.0)))
    report = makeh5(indexed[0], tmp_path / "out.h5", rows, range_s=2.0, progress=False)
    assert components(report) == (3, 0, 0, 0)
    with h5py.File(tmp_path / "out.h5") as file:
        for item in three(STATION, 0.0, 900):
            stored = file[EVID][STATION][item.stats.channel][()]
            assert np.array_equal(stored, item.data[100:701])


def test_a_data_file_that_vanished_is_named_and_costs_only_its_component(
    tmp_path: Path, indexed: tuple[Path, Path]
) -> None:
    index, folder = indexed
    (folder / "HHN.mseed").unlink()
    rows = catalog(*(event(pick("P", 3.0), evid=f"e{number}") for number in range(3)))
    report = makeh5(index, tmp_path / "out.h5", rows, range_s=2.0, progress=False)
    assert components(report) == (6, 0, 3, 0)
    (damage,) = report.damaged_files
    assert "HHN.mseed" in damage
    assert report.events_waiting == 3
    assert report.has_problems


def test_a_missing_index_is_file_not_found_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        makeh5(tmp_path / "index.db", tmp_path / "out.h5", catalog(), progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed_to_the_file_that_is_meant(tmp_path: Path) -> None:
    folder = tmp_path / "big disk"
    folder.mkdir()
    link = tmp_path / "out.h5"
    link.symlink_to(folder / "real.h5")
    makeh5(MemoryArchive([]), link, catalog(event()), progress=False)
    assert link.is_symlink()
    assert h5py.is_hdf5(folder / "real.h5")


def test_any_number_of_threads_writes_the_same_bytes(tmp_path: Path) -> None:
    ids = [f"X1.S{number:02d}.00" for number in range(25)]
    traces = [item for name in ids for item in three(name, 0.0, 700)]
    rows = [event(*(pick("P", 3.0, f"{name}.HHZ") for name in ids), evid=f"e{n}") for n in range(4)]
    files = []
    for threads in (1, 7):
        out = tmp_path / f"{threads}.h5"
        makeh5(MemoryArchive(traces), out, catalog(*rows), threads=threads, progress=False)
        files.append(out.read_bytes())
    assert files[0] == files[1]


def test_two_small_batches_are_in_flight_while_nothing_is_known_of_the_records(
    tmp_path: Path,
) -> None:
    """While the writer waits for the first record, workers must not cut the whole catalogue."""
    first = threading.Event()
    archive = MemoryArchive([])
    ask = archive.get_waveforms

    def slow(network: str, station: str, *rest: Any) -> Any:
        if station == "S000":
            first.wait(10)
        return ask(network, station, *rest)

    archive.get_waveforms = slow  # type: ignore[method-assign]
    row = event(*(pick("P", 3.0, f"X1.S{number:03d}.00.HHZ") for number in range(200)))
    done: list[MakeH5Report] = []
    arguments = (archive, tmp_path / "out.h5", catalog(row))
    runner = threading.Thread(
        target=lambda: done.append(makeh5(*arguments, threads=2, progress=False))
    )
    runner.start()
    time.sleep(0.3)
    # Without the first one.
    most = 2 * 2 * ahead._FEW_PER_THREAD - 1
    assert len({request.split(".")[1] for request in archive.asked}) == most
    first.set()
    runner.join(30)
    assert done[0].station_records.total == 200


def test_an_existing_file_is_not_touched_and_nothing_is_asked(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    out.write_text("precious")
    archive = MemoryArchive([])
    with pytest.raises(FileExistsError, match=r"out\.h5 exists"):
        makeh5(archive, out, catalog(event(pick("P", 1.0))), progress=False)
    assert out.read_text() == "precious"
    assert archive.asked == []


def test_overwrite_replaces_the_file(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    old_data_set(out)
    makeh5(MemoryArchive([]), out, catalog(event()), overwrite=True, progress=False)
    with h5py.File(out) as file:
        assert list(file) == [EVID]


def test_overwrite_replaces_an_hdf5_file_with_a_user_block(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    with h5py.File(out, "w", userblock_size=1024):
        pass
    makeh5(MemoryArchive([]), out, catalog(event()), overwrite=True, progress=False)
    with h5py.File(out) as file:
        assert list(file) == [EVID]


@pytest.mark.parametrize("found", [b"", b"my thesis", b"SQLite format 3\0", b"\x89HDF\r\n"])
def test_overwrite_leaves_a_file_that_is_no_hdf5_and_says_what_it_found(
    tmp_path: Path, found: bytes
) -> None:
    out = tmp_path / "out.h5"
    out.write_bytes(found)
    what = re.escape(repr(found)) if found else "is empty"
    with pytest.raises(FileExistsError, match=f"no HDF5 file.*{what}"):
        makeh5(MemoryArchive([]), out, catalog(event()), overwrite=True, progress=False)
    assert out.read_bytes() == found
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_that_appears_during_the_run_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    archive = MemoryArchive([])
    archive.get_waveforms = lambda *_: out.write_text("other") and []  # type: ignore[method-assign]
    with pytest.raises(FileExistsError, match="appeared during the run"):
        makeh5(archive, out, catalog(event(pick("P", 1.0))), progress=False)
    assert out.read_text() == "other"


def test_an_interrupt_in_a_worker_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    old = old_data_set(out)
    archive = MemoryArchive([], {"AAA": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        makeh5(archive, out, catalog(event(pick("P", 1.0))), overwrite=True, progress=False)
    assert out.read_bytes() == old
    assert list(tmp_path.iterdir()) == [out]
    assert not [item for item in threading.enumerate() if item.name.startswith("makeh5")]


SCRIPT = """
import os, sys, time
sys.path[:0] = {path!r}
from memory_archive import MemoryArchive, catalog, event, noise, pick, three, trace
from credit_fast.making import makeh5
{body}
"""


def script(body: str) -> list[str]:
    """Command that runs `body` in a Python of its own, with this one's module path."""
    return [sys.executable, "-c", SCRIPT.format(path=sys.path, body=body)]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@pytest.mark.parametrize(
    ("n_events", "npts"),
    [(200, 20_000), (60, 0), (3, 500)],
    ids=["while samples are written", "when HDF5 flushes what it held back", "in few events"],
)
def test_a_full_disk_is_a_clear_error_and_leaves_the_old_file(
    tmp_path: Path, n_events: int, npts: int
) -> None:
    out = tmp_path / "out.h5"
    old = old_data_set(out)
    limit = 300_000 if npts == 20_000 else 5_000
    body = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
rows = [event(pick("P", 3.0), evid=str(number)) for number in range({n_events})]
try:
    makeh5(MemoryArchive(three("X1.AAA.00", 0.0, {npts})), {str(out)!r}, catalog(*rows),
           range_s=50.0, overwrite=True, progress=False)
except OSError as error:
    print(type(error).__name__, error.errno, error)
"""
    result = subprocess.run(script(body), capture_output=True, text=True, timeout=60, check=False)
    assert "cannot write" in result.stdout
    assert "File too large" in result.stdout
    assert (result.returncode, result.stderr, result.stdout.count("\n")) == (0, "", 1)
    assert out.read_bytes() == old
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"range_s": -1.0}, "range_s -1.0"),
        ({"range_s": float("nan")}, "range_s nan"),
        ({"rate_hz": 0.0}, "rate_hz 0.0"),
        ({"threads": 0}, "threads 0"),
        ({"fill": 2**31}, "fill 2147483648"),
        ({"compression": "gzip:10"}, "compression 'gzip:10'"),
        ({"compression": "zip"}, "compression 'zip'"),
        ({"components": ""}, "components ''"),
        ({"components": "EEZ"}, "components 'EEZ'"),
        ({"components": "enz"}, "components 'enz'"),
        ({"components": "E,N"}, "components 'E,N'"),
    ],
)
def test_an_argument_out_of_range_is_named(
    tmp_path: Path, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        makeh5(MemoryArchive([]), tmp_path / "out.h5", catalog(), **options)
    assert list(tmp_path.iterdir()) == []


def test_missing_inputs_are_file_not_found_and_make_nothing(tmp_path: Path) -> None:
    missing, out = tmp_path / "missing", tmp_path / "out.h5"
    for arguments in (
        (missing, out, catalog()),
        (MemoryArchive([]), out, missing),
        (MemoryArchive([]), out, catalog(), missing),
        (MemoryArchive([]), missing / "out.h5", catalog()),
    ):
        with pytest.raises(FileNotFoundError):
            makeh5(*arguments, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_catalogue_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.pha").write_text("")
    with pytest.raises(CatalogError):
        makeh5(MemoryArchive([]), tmp_path / "out.h5", tmp_path / "empty.pha", progress=False)
    assert not (tmp_path / "out.h5").exists()


SPELLINGS = {
    "itself": lambda path: path,
    "text": str,
    "over a folder": lambda path: path.parent / "sub" / ".." / path.name,
    "a link": lambda path: path.with_name("link"),
    "a hard link": lambda path: path.with_name("hard"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("role", ["index", "catalogue", "catalogue read", "stations", "table"])
def test_an_input_is_never_overwritten_however_it_is_spelt(
    tmp_path: Path, role: str, spelling: str
) -> None:
    path = tmp_path / "input"
    with h5py.File(path, "w"):  # even one that is HDF5
        pass
    (tmp_path / "sub").mkdir()
    path.with_name("link").symlink_to(path)
    path.with_name("hard").hardlink_to(path)
    before = path.read_bytes()
    out = SPELLINGS[spelling](path)
    inputs: dict[str, Any] = {"index": MemoryArchive([]), "catalog": catalog(), "stations": None}
    inputs |= {
        "index": {"index": path},
        "catalogue": {"catalog": path},
        "catalogue read": {"catalog": Catalog(str(path))},
        "stations": {"stations": path},
        "table": {"stations": StationTable(str(path), [])},
    }[role]
    with pytest.raises(ValueError, match="is an input"):
        makeh5(out=out, overwrite=True, progress=False, **inputs)
    assert path.read_bytes() == before


def test_a_folder_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        makeh5(MemoryArchive([]), tmp_path, catalog(), overwrite=True, progress=False)
