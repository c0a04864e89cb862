"""Threads inside forked and spawned workers, all kinds of questions: equal answers, in time."""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_fast
from credit_fast import Client, UTCDateTime, _core

START = UTCDateTime("2013-03-03T00:00:00")
RATE = 100.0
#: Seconds that all questions of a test may take; they take a few.
LIMIT_S = 120


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Two indexes, four channels, files of five minutes."""
    folder = tmp_path_factory.mktemp("archive")
    noise = np.random.default_rng(3).integers(-5000, 5000, 120_000, dtype=np.int32)
    for year, channels in enumerate(("ZN", "EZ")):
        data = folder / str(year)
        data.mkdir()
        for letter in channels:
            for part in range(4):
                start_ns = (START + 1200 * year + 300 * part).ns
                samples = noise[30_000 * part : 30_000 * (part + 1)]
                records = _core.encode_mseed2(
                    "XX", "AAA", "", f"HH{letter}", start_ns, RATE, samples, "STEIM2"
                )
                (data / f"{letter}{part}").write_bytes(records)
        credit_fast.makeindex(data, folder / f"{year}.db", progress=False)
    return Client(str(folder / "?.db"))


def questions() -> list[tuple[str, Any]]:
    random = np.random.default_rng(8)
    asked: list[tuple[str, Any]] = []
    for number in range(60):
        begin = START + float(random.uniform(-10, 2390))
        end = begin + float(random.uniform(0, 60))
        rows = [("XX", "AAA", "", "HH?", begin + s, end + s) for s in range(0, 200, 10)]
        kinds = {
            "get_waveforms": rows[0],
            "get_waveforms_bulk": (rows,),
            "cut": ([(*row[:3], "HH", row[4]) for row in rows], 500),
            "get_availability": rows[0],
        }
        name = list(kinds)[number % len(kinds)]
        asked.append((name, kinds[name]))
    return asked


def answer(client: Client, question: tuple[str, Any]) -> str:
    """A sum over all that was answered."""
    name, arguments = question
    found = getattr(client, name)(*arguments)
    told = hashlib.sha256()
    if name == "cut":
        told.update(found.data.tobytes() + found.starttime_ns.tobytes())
    elif name == "get_availability":
        told.update(repr(found).encode())
    else:
        for trace in found:
            told.update(f"{trace.id} {trace.stats.starttime}".encode() + trace.data.tobytes())
    return told.hexdigest()


def in_threads(client: Client) -> list[str]:
    """All questions, by four threads at once."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda question: answer(client, question), questions()))


@pytest.fixture(params=["fork", "spawn"])
def pool(request: pytest.FixtureRequest) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context(request.param)
    with ProcessPoolExecutor(3, mp_context=context) as made:
        yield made


# Python warns that a process with threads is forked, which is what is tried here.
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_threads_in_workers_get_the_same_answers_in_time(
    client: Client, pool: ProcessPoolExecutor
) -> None:
    expected = [answer(client, question) for question in questions()]
    assert len(set(expected)) > 50
    # The parent asks meanwhile: a fork may come while any lock is held.
    with ThreadPoolExecutor(2) as here:
        busy = [here.submit(in_threads, client) for _ in range(2)]
        workers = [pool.submit(in_threads, client) for _ in range(6)]
        for future in [*workers, *busy]:
            assert future.result(timeout=LIMIT_S) == expected


def test_files_and_descriptors_do_not_pile_up(client: Client) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("no /proc/self/fd on this system")
    for question in questions():
        answer(client, question)
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        in_threads(client)
    # A thread closes its connections when it has ended, which is after it was joined.
    until = time.monotonic() + LIMIT_S
    while len(list(descriptors.iterdir())) > before:
        assert time.monotonic() < until
        time.sleep(0.05)
