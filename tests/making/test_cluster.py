"""A run on a Dask cluster makes what one process makes, whichever worker is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from h5_compare import contents
from memory_archive import catalog, event, pick, three

import credit_fast
from credit_fast.errors import MissingExtraError
from credit_fast.making import job, makeh5
from credit_fast.making.cluster import Cluster
from credit_fast.station_records import Settings

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX"),
    # What Dask and Tornado do with sockets and loops while they end is theirs.
    pytest.mark.filterwarnings("default"),
]

EVENTS = 24
STATIONS = ("AAA", "BBB")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for station in STATIONS:
        for item in three(f"X1.{station}.00", 0.0, 200_000):
            credit_fast.write(item, folder / item.id)
    path = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(folder, path, progress=False)
    return path


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_PART_RECORDS", 6)


def made(index: Path, folder: Path, **options: Any) -> Any:
    picks = [pick("P", 3.0, f"X1.{station}.00.HHZ") for station in STATIONS]
    # The last is there twice; one is no ASCII.
    ids = [f"event.{number % 23:03d}" for number in range(EVENTS)]
    ids[4] = "Tōhoku.004"
    rows = [event(*picks, evid=name) for name in ids]
    return makeh5(
        index, folder / "out.h5", catalog(*rows), range_s=2.0, progress=False, noise=2, **options
    )


def assert_same(folder: Path, other: Path) -> None:
    names = [sorted(path.name for path in each.iterdir()) for each in (folder, other)]
    assert names[0] == names[1] == ["out.csv", "out.events.jsonl", "out.h5", "out.report.json"]
    assert contents(folder / "out.h5") == contents(other / "out.h5")
    assert (folder / "out.csv").read_text() == (other / "out.csv").read_text()
    lines = [(each / "out.events.jsonl").read_text().splitlines()[1:] for each in (folder, other)]
    assert lines[0] == lines[1]


def test_a_cluster_makes_what_one_process_makes(
    tmp_path_factory: pytest.TempPathFactory, index: Path, cluster: Any
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    expected = made(index, alone)
    report = made(index, together, scheduler=cluster.scheduler_address)
    assert str(report.events) == str(expected.events)
    assert report.noise.total == 2
    assert_same(together, alone)


def test_a_worker_that_is_killed_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, index: Path, cluster: Any
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    made(index, alone)
    killed = []

    def kill() -> None:
        parts = together / "out.h5.parts"
        while not parts.exists():
            time.sleep(0.01)
        with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
            for pid in list(client.run(os.getpid).values())[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    made(index, together, scheduler=cluster.scheduler_address)
    killer.join()
    assert killed
    assert_same(together, alone)


def test_a_client_that_is_killed_goes_on_with_the_parts_that_are_there(
    tmp_path_factory: pytest.TempPathFactory, index: Path, cluster: Any
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    made(index, alone)
    child = os.fork()
    if child == 0:
        try:
            made(index, together, scheduler=cluster.scheduler_address)
        finally:
            os._exit(0)
    parts = together / "out.h5.parts"
    deadline = time.monotonic() + 30
    while not list(parts.glob("*.h5")) and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    whole = (together / "out.h5").exists()
    made(index, together, scheduler=cluster.scheduler_address, overwrite=whole)
    assert_same(together, alone)


def test_parts_of_other_settings_are_not_taken(
    tmp_path_factory: pytest.TempPathFactory, index: Path, cluster: Any
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    made(index, alone)
    source = credit_fast.Client(index)
    left = Cluster(cluster.scheduler_address, together / "out.h5", source, None, Settings())
    with left:
        part = left.submit(0, [event(pick("P", 3.0, "X1.AAA.00.HHZ"))])
        part.wait(lambda: None)
        part.close()
        kept = (together / "out.h5.parts").rename(together / "kept")
    kept.rename(together / "out.h5.parts")  # as a run leaves them that is stopped
    assert list((together / "out.h5.parts").glob("*.h5"))
    made(index, together, scheduler=cluster.scheduler_address)
    assert_same(together, alone)


def test_without_distributed_the_error_names_the_extra(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"credit-fast\[dask\]"):
        made(index, tmp_path, scheduler="tcp://127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []
