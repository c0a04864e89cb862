"""Files read by several threads and processes at once: equal answers, in time, after forks too."""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import credit_fast
from credit_fast import Client, UTCDateTime, _core

START = UTCDateTime("2019-09-09T09:00:00")
RATE = 100.0
RECLEN = 512
ENCODINGS = {
    "STEIM1": np.int32,
    "STEIM2": np.int32,
    "INT32": np.int32,
    "INT16": np.int16,
    "FLOAT32": np.float32,
    "FLOAT64": np.float64,
}
#: Seconds that all questions of a test may take; they take a few.
LIMIT_S = 120


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A file of each encoding, each of them once more with a damaged record, and a text."""
    folder = tmp_path_factory.mktemp("files")
    draw = np.random.default_rng(6)
    for encoding, dtype in ENCODINGS.items():
        noise = draw.integers(-9_000, 9_000, 60_000)
        data = _core.encode_mseed2(
            "XX", "AAA", "", "HHZ", START.ns, RATE, noise.astype(dtype), encoding, RECLEN
        )
        (folder / encoding).write_bytes(data)
        damaged = data[: 5 * RECLEN] + bytes(RECLEN) + data[6 * RECLEN :]
        (folder / f"{encoding}.damaged").write_bytes(damaged)
    (folder / "text").write_text("no seismogram, but long enough to be looked at by a reader" * 9)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is decoded by several threads: more than two million samples."""
    file = tmp_path_factory.mktemp("large") / "large.mseed"
    noise = np.random.default_rng(7).integers(-9_000, 9_000, 3_000_000, dtype=np.int32)
    file.write_bytes(
        _core.encode_mseed2("XX", "AAA", "", "HHZ", START.ns, RATE, noise, "STEIM2", RECLEN)
    )
    return file


def answer(file: Path, threads: int | None = None) -> str:
    """A sum over the samples, or what the error says."""
    told = hashlib.sha256()
    try:
        for trace in credit_fast.read(file, threads=threads):
            told.update(f"{trace.id} {trace.stats.starttime}".encode() + trace.data.tobytes())
    except credit_fast.MiniSeedError as error:
        return str(error)
    return told.hexdigest()


def answers(files: list[Path]) -> list[str]:
    with warnings.catch_warnings():
        # The filters are of all threads: here nothing but the damage is told.
        warnings.simplefilter("ignore", credit_fast.DataWarning)
        return [answer(file) for file in files]


@pytest.mark.filterwarnings("ignore::credit_fast.DataWarning")
def test_threads_that_read_at_once_get_what_one_gets(files: list[Path], large: Path) -> None:
    expected = [answer(file) for file in files]
    assert len(set(expected)) == len(files) == 2 * len(ENCODINGS) + 1
    whole = answer(large, threads=1)
    with ThreadPoolExecutor(8) as pool:
        large_ones = [pool.submit(answer, large, threads) for threads in (1, 2, 3, None)]
        small_ones = [pool.submit(answer, file) for _ in range(40) for file in files]
        found = [future.result(timeout=LIMIT_S) for future in small_ones]
        assert [future.result(timeout=LIMIT_S) for future in large_ones] == [whole] * 4
    assert found == expected * 40


# Python warns that a process with threads is forked, which is what is tried here.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_read_after_the_parent_read_with_threads(
    files: list[Path], large: Path, method: str
) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    every = [*files, large]
    expected = answers(every)
    stop = threading.Event()

    def read_on() -> None:
        while not stop.is_set():
            answer(large)

    # The parent reads, with threads of the core, at the very moment of each fork.
    reading = threading.Thread(target=read_on)
    reading.start()
    try:
        for _ in range(3):
            context = multiprocessing.get_context(method)
            with ProcessPoolExecutor(2, mp_context=context) as pool:
                for found in pool.map(answers, [every] * 2, timeout=LIMIT_S):
                    assert found == expected
    finally:
        stop.set()
        reading.join()


@pytest.mark.parametrize("call", ["read", "get_waveforms", "get_waveforms_bulk", "cut"])
def test_another_thread_runs_while_samples_are_decoded(
    large: Path, tmp_path: Path, call: str
) -> None:
    """The interpreter is asked never to switch: another thread runs only if it is let in."""
    index = tmp_path / "index.db"
    credit_fast.makeindex(large, index, progress=False)
    client = Client(index)
    window = ("XX", "AAA", "", "HHZ", START, START + 20_000)
    calls = {
        "read": lambda: credit_fast.read(large, threads=1),
        "get_waveforms": lambda: client.get_waveforms(*window),
        "get_waveforms_bulk": lambda: client.get_waveforms_bulk([window] * 2, threads=1),
        "cut": lambda: client.cut([window[:5]], 2_000_000, components=None, threads=1),
    }
    calls[call]()
    ran, go = threading.Event(), threading.Lock()
    go.acquire()

    def other() -> None:
        with go:
            ran.set()

    thread = threading.Thread(target=other)
    thread.start()
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1_000)
    try:
        go.release()
        sum(range(1_000_000))  # as long as a call, and nobody is let in
        was_let_in_before = ran.is_set()
        until = time.monotonic() + LIMIT_S
        while not ran.is_set() and time.monotonic() < until:
            calls[call]()
        was_let_in = ran.is_set()
    finally:
        sys.setswitchinterval(usual)
        thread.join()
    assert not was_let_in_before
    assert was_let_in
