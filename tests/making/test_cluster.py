"""A run on a Dask cluster makes what one process makes, whichever worker is killed."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from h5_compare import contents
from memory_archive import catalog, event, pick, three

import credit_fast
from credit_fast.account.files import OutputNames
from credit_fast.errors import MissingExtraError
from credit_fast.making import cluster as module
from credit_fast.making import job, makeh5
from credit_fast.making.cluster import Cluster, Part
from credit_fast.making.journal import Journal
from credit_fast.making.output import Output
from credit_fast.station_records import Settings

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
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


def made(index: Path, folder: Path, events: slice = slice(EVENTS), **options: Any) -> Any:
    picks = [pick("P", 3.0, f"X1.{station}.00.HHZ") for station in STATIONS]
    # The last is there twice; one is no ASCII.
    ids = [f"event.{number % 23:03d}" for number in range(EVENTS)]
    ids[4] = "Tōhoku.004"
    rows = [event(*picks, evid=name) for name in ids[events]]
    return makeh5(
        index,
        folder / "out.h5",
        catalog(*rows),
        **{"range_s": 2.0, "progress": False, "noise": 2, **options},
    )


def assert_same(folder: Path, other: Path) -> None:
    names = [sorted(path.name for path in each.iterdir()) for each in (folder, other)]
    assert names[0] == names[1] == ["out.csv", "out.events.jsonl", "out.h5", "out.report.json"]
    assert contents(folder / "out.h5") == contents(other / "out.h5")
    assert (folder / "out.csv").read_text() == (other / "out.csv").read_text()
    lines = [(each / "out.events.jsonl").read_text().splitlines()[1:] for each in (folder, other)]
    assert lines[0] == lines[1]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def stopped_at(
    number: int, monkeypatch: pytest.MonkeyPatch, index: Path, folder: Path, cluster: Any
) -> list[str]:
    """Stop a run when it takes an event, after a state for each; the parts that it asked for."""
    take, submit = Part.take, Cluster.submit
    taken: list[str] = []
    asked: list[str] = []

    def until_then(part: Part, event_id: str, output: Output) -> Any:
        if len(taken) == number:
            raise KeyboardInterrupt
        taken.append(event_id)
        return take(part, event_id, output)

    def noted(self: Cluster, first: int, events: Any) -> Part:
        part = submit(self, first, events)
        asked.append(str(part._names.data_set))
        return part

    with monkeypatch.context() as patch:
        patch.setattr(job, "_STATE_RECORDS", 1)
        patch.setattr(Part, "take", until_then)
        patch.setattr(Cluster, "submit", noted)
        with suppress(KeyboardInterrupt):
            made(index, folder, scheduler=cluster.scheduler_address)
    return asked


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
    tmp_path_factory: pytest.TempPathFactory,
    index: Path,
    cluster: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    made(index, alone)
    child = os.fork()
    if child == 0:
        try:
            made(index, together, scheduler=cluster.scheduler_address)
        finally:
            os._exit(0)
    wait_until(lambda: any((together / "out.h5.parts").rglob("*.h5")))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    [folder] = (together / "out.h5.parts").iterdir()
    asked = stopped_at(-1, monkeypatch, index, together, cluster)
    assert {Path(part).parent for part in asked} == {folder}
    assert_same(together, alone)


def test_workers_in_another_folder_find_the_index(
    tmp_path_factory: pytest.TempPathFactory, index: Path, cluster: Any, monkeypatch: Any
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    made(index, alone)
    on_workers(cluster, partial(os.chdir, tmp_path_factory.mktemp("elsewhere")))
    monkeypatch.chdir(index.parent)
    made(Path(index.name), together, scheduler=cluster.scheduler_address)
    assert_same(together, alone)


def test_an_index_that_workers_do_not_see_ends_the_run_and_is_named(
    tmp_path: Path, index: Path, cluster: Any
) -> None:
    seen = tmp_path / "seen.db"
    seen.write_bytes(index.read_bytes())

    class Client(credit_fast.Client):
        def __reduce__(self) -> Any:
            return credit_fast.Client, ([str(tmp_path / "hidden.db")], None)

    with pytest.raises(ConnectionError, match=r"a worker .* failed: .*hidden\.db.* same names"):
        made(Client(seen), tmp_path, scheduler=cluster.scheduler_address)  # type: ignore[arg-type]
    assert len(on_workers(cluster, os.getpid)) == 2


def test_a_run_without_workers_says_so(
    tmp_path: Path, index: Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.2)
    with distributed.LocalCluster(
        n_workers=0, threads_per_worker=1, processes=True, dashboard_address=None
    ) as empty:
        address = empty.scheduler_address
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(made, index, tmp_path, scheduler=address)
            wait_until(lambda: "no worker is connected" in caplog.text)
            assert f"dask worker {address}" in caplog.text
            empty.scale(1)
            report = run.result()
    assert report.events.total == EVENTS
    assert caplog.text.count("no worker is connected") == 1


def on_workers(cluster: Any, function: Callable[[], Any]) -> list[Any]:
    """What a function returns in the process of each worker."""
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        return list(client.run(function).values())


def slow_down() -> Callable[[], None]:
    """What makes a worker slow, which then notes a whole state after each event."""

    def slow() -> None:  # a local function: workers cannot import this file
        import time

        from credit_fast.making import job

        quick = job.pack_station

        def pack(*args: Any) -> Any:
            time.sleep(0.2)
            return quick(*args)

        job.pack_station, job._STATE_RECORDS = pack, 1  # type: ignore[assignment]

    return slow


def test_a_restart_takes_no_part_of_what_it_throws_away(
    tmp_path_factory: pytest.TempPathFactory, index: Path, cluster: Any
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    made(index, alone, range_s=1.5)
    on_workers(cluster, slow_down())
    child = os.fork()
    if child == 0:
        try:
            # Parts of the same numbers, but of other events.
            made(
                index, together, slice(1, EVENTS), range_s=1.5, scheduler=cluster.scheduler_address
            )
        finally:
            os._exit(0)
    parts = together / "out.h5.parts"
    wait_until(lambda: any(b"pages" in each.read_bytes() for each in parts.rglob("*.journal")))
    pids = on_workers(cluster, os.getpid)
    for pid in (child, *pids):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(child, 0)
    assert list(parts.rglob("*.h5.part"))
    made(index, together, range_s=1.5, scheduler=cluster.scheduler_address, restart=True)
    assert_same(together, alone)


def test_a_run_that_goes_on_asks_for_the_parts_that_it_had_asked_for(
    tmp_path_factory: pytest.TempPathFactory,
    index: Path,
    cluster: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    made(index, alone)
    assert stopped_at(0, monkeypatch, index, together, cluster)
    assert list(together.iterdir()) == []  # nothing was done
    # In the middle of the second part, when others are made already.
    first = stopped_at(4, monkeypatch, index, together, cluster)
    again = stopped_at(-1, monkeypatch, index, together, cluster)
    assert len(first) > 4
    assert again[: len(first) - 1] == first[1:]
    assert_same(together, alone)


def test_an_update_on_a_cluster_is_that_of_one_process(
    tmp_path_factory: pytest.TempPathFactory, index: Path, cluster: Any
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    for folder, scheduler in ((alone, None), (together, cluster.scheduler_address)):
        made(index, folder, slice(8), scheduler=scheduler)
        report = made(index, folder, update=True, scheduler=scheduler)
        assert report.events_kept == 8 + 2  # the windows of noise
    assert_same(together, alone)


def test_a_worker_waits_for_one_that_was_given_up_and_still_makes_the_part(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = event(pick("P", 3.0, "X1.AAA.00.HHZ"))
    names = OutputNames(tmp_path / "0.h5")
    monkeypatch.setattr(module, "_POLL_S", 0.01)

    def make() -> None:
        opener = partial(credit_fast.Client, index)
        module.make_part(opener, str(names.data_set), [row], None, Settings(), 1)

    given_up = Journal(names.journal)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(make)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.5)
        # It ends well after all.
        given_up.close()
        other.result()
    assert list(contents(names.data_set)) != []
    given_up = Journal(names.journal)
    monkeypatch.setattr(module, "_PATIENCE_S", 0.0)
    with pytest.raises(BlockingIOError, match=r"another run is writing .*0\.h5"):
        make()
    given_up.close()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "head"])
def test_a_scheduler_that_does_not_answer_is_named(
    tmp_path: Path, index: Path, address: str
) -> None:
    with socket.socket() as nobody:  # bound, so that nobody else is there
        nobody.bind(("127.0.0.1", 0))
        address = address.format(port=nobody.getsockname()[1])
        expected = rf"no Dask scheduler answers at '{address}': .*\(dask scheduler\).*--scheduler"
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
            pytest.raises(ConnectionError, match=expected),
        ):
            made(index, tmp_path, scheduler=address)
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_goes_away_is_named_and_what_is_done_is_kept(
    tmp_path_factory: pytest.TempPathFactory,
    index: Path,
    cluster: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    made(index, alone)
    take = Part.take
    taken = []
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as other,
        monkeypatch.context() as patch,
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
    ):

        def take_and_close(part: Part, event_id: str, output: Output) -> Any:
            taken.append(event_id)
            if len(taken) == 4:
                other.close()
            return take(part, event_id, output)

        patch.setattr(job, "_STATE_RECORDS", 1)
        patch.setattr(Part, "take", take_and_close)
        address = other.scheduler_address
        with pytest.raises(ConnectionError, match=f"scheduler at {address} does not answer any"):
            made(index, together, scheduler=address)
    assert len(taken) >= 4
    made(index, together, scheduler=cluster.scheduler_address)
    assert_same(together, alone)


def test_without_distributed_the_error_names_the_extra(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"credit-fast\[dask\]"):
        made(index, tmp_path, scheduler="tcp://127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []
