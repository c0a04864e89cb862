"""An export that is stopped, killed or runs out of disk: no half folder under the name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from check_cases import STATION, make, small_archive, two_events
from memory_archive import MemoryArchive, catalog, event, pick, three
from table_cases import rows

from credit_fast.export import ExportReport, export_seisbench
from credit_fast.station_records import Settings

EVENTS = [event(pick("P", 4.0), evid=f"e{number}") for number in range(30)]


class Stopping(MemoryArchive):
    """Sends this process a signal when it is asked for the tenth time."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(three(STATION, 0.0, 900))
        self.number = number

    def get_waveforms(self, *place: Any) -> Any:
        answer = super().get_waveforms(*place)
        if len(self.asked) == 10:
            os.kill(os.getpid(), self.number)
        return answer


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals, raised: type[BaseException]
) -> None:
    options: dict[str, Any] = {"catalog": catalog(*EVENTS), "settings": Settings(range_s=2.0)}
    export_seisbench(Stopping(signal.SIGCONT), tmp_path / "sb", progress=False, **options)
    before = (tmp_path / "sb" / "metadata.csv").read_bytes()
    with pytest.raises(raised):
        export_seisbench(
            Stopping(number), tmp_path / "sb", overwrite=True, seed=3, progress=False, **options
        )
    assert (tmp_path / "sb" / "metadata.csv").read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["sb"]


def test_a_signal_at_the_very_end_leaves_the_older_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = MemoryArchive(three(STATION, 0.0, 900))
    options: dict[str, Any] = {"catalog": catalog(*EVENTS), "settings": Settings(range_s=2.0)}
    export_seisbench(archive, tmp_path / "sb", progress=False, **options)
    before = (tmp_path / "sb" / "metadata.csv").read_bytes()
    as_dict = ExportReport.to_dict

    def interrupted(report: ExportReport) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGINT)
        return as_dict(report)

    monkeypatch.setattr(ExportReport, "to_dict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_seisbench(
            archive, tmp_path / "sb", overwrite=True, seed=3, progress=False, **options
        )
    assert (tmp_path / "sb" / "metadata.csv").read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["sb"]


KILLED = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from memory_archive import *
from credit_fast.export import export_seisbench
from credit_fast.station_records import Settings

class Waiting(MemoryArchive):
    def get_waveforms(self, *place):
        if len(self.asked) >= 10:  # two threads may be here at once
            os.write(1, b"waiting\\n")
            time.sleep(60)
        return super().get_waveforms(*place)

events = [event(pick("P", 4.0), evid=f"e{number}") for number in range(30)]
archive = Waiting(three("X1.AAA.00", 0.0, 900))
export_seisbench(archive, "sb", catalog=catalog(*events), settings=Settings(range_s=2.0))
"""


def test_after_kill_9_the_name_is_free_and_the_rest_is_named(tmp_path: Path) -> None:
    tests = str(Path(__file__).resolve().parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, tests], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.kill()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("sb.") and left.name.endswith(".part")
    archive = MemoryArchive(three(STATION, 0.0, 900))
    report = export_seisbench(
        archive, tmp_path / "sb", catalog=catalog(*EVENTS), settings=Settings(range_s=2.0)
    )
    assert report.left_parts == [str(left)]
    assert len(rows(tmp_path / "sb" / "metadata.csv")) == 30
    assert "left over: " in str(report)


def test_a_folder_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    class Meanwhile(MemoryArchive):
        def get_waveforms(self, *place: Any) -> Any:
            (tmp_path / "sb").mkdir(exist_ok=True)
            return super().get_waveforms(*place)

    archive = Meanwhile(three(STATION, 0.0, 900))
    options: dict[str, Any] = {"catalog": catalog(*EVENTS), "settings": Settings(range_s=2.0)}
    with pytest.raises(FileExistsError, match="exists"):
        export_seisbench(archive, tmp_path / "sb", progress=False, **options)
    assert [item.name for item in tmp_path.iterdir()] == ["sb"]
    assert not list((tmp_path / "sb").iterdir())


def test_time_and_order_make_no_difference(tmp_path: Path) -> None:
    """HDF5 can note the time of its objects: two runs must be equal all the same."""
    make(tmp_path / "in.h5", small_archive(), two_events())
    export_seisbench(tmp_path / "in.h5", tmp_path / "a", threads=1, progress=False)
    time.sleep(1.1)
    export_seisbench(tmp_path / "in.h5", tmp_path / "b", threads=4, progress=False)
    for name in ("metadata.csv", "waveforms.hdf5"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
