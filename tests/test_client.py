"""The client where it is used: names and times, several processes and threads, availability."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_fast
from credit_fast import Client, UTCDateTime, _core

START = UTCDateTime("2012-03-01T00:00:00")
RATE = 100.0
NPTS = 60_000


def counting(first: int, npts: int) -> np.ndarray:
    """Samples that tell their place."""
    return np.arange(first, first + npts, dtype=np.int32)


def write(folder: Path, location: str, channel: str, first: int, npts: int) -> Path:
    data = _core.encode_mseed2(
        "XX",
        "AAA",
        location,
        channel,
        (START + first / RATE).ns,
        RATE,
        counting(first, npts),
        "STEIM2",
    )
    path = folder / f"{location}{channel}.{first}"
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two locations, three channels, a gap of 100 s in HHN, two files for HHZ."""
    folder = tmp_path_factory.mktemp("archive")
    write(folder, "", "HHZ", 0, NPTS // 2)
    write(folder, "", "HHZ", NPTS // 2, NPTS // 2)
    write(folder, "", "HHN", 0, 20_000)
    write(folder, "", "HHN", 30_000, 30_000)
    write(folder, "10", "HHZ", 0, NPTS)
    write(folder, "10", "LHZ", 0, NPTS)
    path = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(folder, path, progress=False)
    return path


@pytest.fixture
def client(index: Path) -> Client:
    return Client(index)


@pytest.mark.parametrize(
    ("codes", "ids"),
    [
        (("XX", "AAA", "", "HHZ"), ["XX.AAA..HHZ"]),
        (("XX", "AAA", "--", "HHZ"), ["XX.AAA..HHZ"]),
        (("*", "*", "*", "HHZ"), ["XX.AAA..HHZ", "XX.AAA.10.HHZ"]),
        (("X?", "A[A-C]A", "10,--", "?HZ"), ["XX.AAA..HHZ", "XX.AAA.10.HHZ", "XX.AAA.10.LHZ"]),
        (("XX", "AAA", "--", "HHN,HHZ"), ["XX.AAA..HHN", "XX.AAA..HHZ"]),
        (("XX", "AAA", "10", "HH[!N]"), ["XX.AAA.10.HHZ"]),
        (("xx", "AAA", "*", "*"), []),
        (("XX", "AAA", "00", "*"), []),
    ],
)
def test_codes_select_channels(
    client: Client, codes: tuple[str, str, str, str], ids: list[str]
) -> None:
    stream = client.get_waveforms(*codes, START + 1, START + 2)
    assert [trace.id for trace in stream] == ids


@pytest.mark.parametrize(
    "as_user_time",
    [
        str,
        lambda t: t,
        lambda t: t.datetime,
        lambda t: t.datetime.replace(tzinfo=dt.timezone.utc),
        lambda t: np.datetime64(t.ns, "ns"),
        lambda t: t.timestamp,
        lambda t: t.isoformat(),
    ],
)
def test_any_time_is_understood(client: Client, as_user_time: object) -> None:
    start, end = (as_user_time(START + s) for s in (299.5, 300.5))  # type: ignore[operator]
    (trace,) = client.get_waveforms("XX", "AAA", "", "HHZ", start, end)
    np.testing.assert_array_equal(trace.data, counting(29_950, 101))
    assert trace.stats.starttime == START + 299.5


def test_pieces_of_each_file_come_apart_without_merging(client: Client) -> None:
    window = ("XX", "AAA", "", "HHZ", START + 299, START + 301)
    assert [t.stats.npts for t in client.get_waveforms(*window)] == [201]
    assert [t.stats.npts for t in client.get_waveforms(*window, merge=None)] == [100, 101]


def test_a_gap_gives_two_traces_or_a_masked_one(client: Client) -> None:
    window = ("XX", "AAA", "", "HHN", START + 199, START + 301)
    assert [t.stats.npts for t in client.get_waveforms(*window)] == [100, 101]
    (merged,) = client.get_waveforms(*window, merge=0)
    assert isinstance(merged.data, np.ma.MaskedArray)
    assert merged.data.mask.sum() == 10_000


def test_questions_that_make_no_sense_are_refused(client: Client) -> None:
    with pytest.raises(ValueError, match="before starttime"):
        client.get_waveforms("XX", "AAA", "", "HHZ", START + 2, START + 1)
    with pytest.raises(ValueError, match="merge 7"):
        client.get_waveforms("XX", "AAA", "", "HHZ", START, START + 1, merge=7)
    with pytest.raises((ValueError, TypeError)):
        client.get_waveforms("XX", "AAA", "", "HHZ", "yesterday", START)


@pytest.mark.parametrize(
    ("place", "given", "kind", "text"),
    [
        (0, None, TypeError, r"network None: expected text \(\"\*\" is all\)"),
        (1, 5, TypeError, "station 5: expected text"),
        (3, ["HHZ"], TypeError, r"channel \['HHZ'\]: expected text"),
        (3, "HH[Z", ValueError, r"channel 'HH\[Z': \"\[\" without \"\]\" in 'HH\[Z'"),
        (3, "HH[Z,N]", ValueError, r"in 'HH\[Z': expected letters in brackets, without commas"),
        (3, "HHN,HH[]", ValueError, r"in 'HH\[\]'"),
        (3, "HH[!]", ValueError, r"in 'HH\[!\]'"),
        (4, None, TypeError, "starttime None: expected a time"),
        (5, None, TypeError, "endtime None: expected a time"),
    ],
)
def test_a_code_or_time_that_is_none_is_named(
    client: Client, place: int, given: Any, kind: type[Exception], text: str
) -> None:
    row = ["XX", "AAA", "", "HHZ", START, START + 1]
    row[place] = given
    asked: Any = row
    for question in (
        client.get_waveforms, client.get_checked_waveforms, client.get_availability_percentage,
    ):  # fmt: skip
        with pytest.raises(kind, match=text):
            question(*asked)
    with pytest.raises(ValueError, match=f"row 1 of the bulk request.*{text}"):
        client.get_waveforms_bulk([("XX", "AAA", "", "HHZ", START, START + 1), row])
    if given is not None:
        with pytest.raises(kind, match=text):
            client.get_nslc(*asked[:4])
        with pytest.raises(ValueError, match=f"request 0.*{text}"):
            client.cut([asked[:5]], 10, components=None)


def test_brackets_that_are_closed_are_understood(client: Client) -> None:
    for channel in ("HH[Z]", "HH[!N]", "[!L]H[YZ],LH[]Z]"):
        assert ("XX", "AAA", "", "HHZ") in client.get_nslc(channel=channel)
    # One character each: none of them is the empty location.
    assert {codes[2] for codes in client.get_nslc(location="??")} == {"10"}


def test_channels_and_extents(client: Client) -> None:
    assert client.get_nslc() == [
        ("XX", "AAA", "", "HHN"),
        ("XX", "AAA", "", "HHZ"),
        ("XX", "AAA", "10", "HHZ"),
        ("XX", "AAA", "10", "LHZ"),
    ]
    assert client.get_nslc(location="--", channel="*N") == [("XX", "AAA", "", "HHN")]
    end = START + (NPTS - 1) / RATE
    assert client.get_availability_extent(location="", channel="HHN") == [
        ("XX", "AAA", "", "HHN", START, end)
    ]


def test_extents_are_clipped_to_the_question_and_know_gaps(client: Client) -> None:
    gap = (START + 210, START + 290)
    asked = ("XX", "AAA", "", "HHN")
    assert client.get_availability_extent(*asked, START + 100, START + 210) == [
        (*asked, START + 100, START + 199.99)
    ]
    assert client.get_availability_extent(*asked, *gap) == []
    assert not client.has_data(*asked, *gap)
    assert client.has_data("XX", "AAA", "", "HHZ", *gap)
    assert client.has_data(*asked)
    assert not client.has_data("YY")
    assert client.get_nslc("XX", "AAA", "", "*", *gap) == [("XX", "AAA", "", "HHZ")]


def cut(client: Client, second: int) -> int:
    """First sample of a window: tells whether the right one came."""
    (trace,) = client.get_waveforms("XX", "AAA", "", "HHZ", START + second, START + second + 1)
    assert trace.stats.npts == 101
    return int(trace.data[0])


def cut_all(client: Client) -> list[int]:
    return [cut(client, second) for second in range(0, 590, 10)]


EXPECTED = [second * 100 for second in range(0, 590, 10)]


def test_a_client_is_shared_by_threads(client: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: cut_all(client), range(16)):
            assert found == EXPECTED


def test_a_pickled_client_answers_the_same(client: Client) -> None:
    again = pickle.loads(pickle.dumps(client))
    assert repr(again) == repr(client)
    assert cut_all(again) == EXPECTED


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_used_client_works_in_worker_processes(client: Client, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    assert cut_all(client) == EXPECTED
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for found in pool.map(cut_all, [client] * 4, timeout=60):
            assert found == EXPECTED


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_parents_connection_alone(client: Client, index: Path) -> None:
    assert cut(client, 10) == 1000
    child = os.fork()
    if child == 0:
        os._exit(0 if cut_all(client) == EXPECTED else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert cut_all(client) == EXPECTED


def _descriptors_of(file: Path) -> int:
    """How many descriptors of this process lead to a file."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            found += link.readlink() == file.resolve()
        except OSError:  # the descriptor of the listing itself
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no list of descriptors here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_opens_a_connection_of_its_own_and_closes_none_that_it_inherited(
    client: Client, index: Path
) -> None:
    """SQLite forbids both: it would work with the locks and transactions of the parent."""
    client.get_nslc()
    inherited = _descriptors_of(index)
    assert inherited >= 1
    child = os.fork()
    if child == 0:
        status = 1
        try:
            client.get_nslc()
            status = 0 if _descriptors_of(index) == inherited + 1 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert _descriptors_of(index) == inherited


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forks_while_other_threads_ask_end_in_time(client: Client) -> None:
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            cut(client, 10)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                os._exit(0 if cut(client, 20) == 2000 else 1)
            deadline = time.monotonic() + 20
            while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    pytest.fail("a child hangs")
                time.sleep(0.005)
            assert os.waitstatus_to_exitcode(ended[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_questions_about_reversed_times_are_refused(client: Client) -> None:
    with pytest.raises(ValueError, match="before starttime"):
        client.has_data("XX", starttime=START + 2, endtime=START + 1)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="uses /proc as root")
def test_an_index_that_cannot_be_written_is_a_permission_error(tmp_path: Path) -> None:
    with pytest.raises(PermissionError):
        credit_fast.makeindex(tmp_path, "/proc/index.db", progress=False)


def test_folders_in_the_place_of_an_index_are_named(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        Client(tmp_path)
    with pytest.raises(IsADirectoryError):
        credit_fast.makeindex(tmp_path, tmp_path, progress=False)
    with pytest.raises(ValueError, match="threads 200000"):
        credit_fast.makeindex(tmp_path, tmp_path / "i.db", threads=200_000, progress=False)


def test_long_lists_of_stations_are_no_problem(client: Client) -> None:
    stations = ",".join([f"S{n:04}" for n in range(5000)] + ["AAA"])
    assert len(client.get_waveforms("XX", stations, "10", "HHZ", START, START + 1)) == 1


def test_read_gives_the_same_on_any_number_of_threads(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    samples = rng.integers(-3000, 3000, 5_000_000).cumsum().astype(np.int32)
    data = bytearray(_core.encode_mseed2("XX", "AAA", "", "HHZ", 0, 100.0, samples, "STEIM2", 4096))
    with pytest.warns(credit_fast.DataWarning):
        data[4096 * 700 + 64 + 8] ^= 1  # the last sample of a record, as stored for checking
        one = credit_fast.read(bytes(data), threads=1)
    path = tmp_path / "file"
    path.write_bytes(data)
    for threads in (2, 3, None):
        with pytest.warns(credit_fast.DataWarning, match="at byte 2867200"):
            (trace,) = credit_fast.read(path, threads=threads)
        assert np.array_equal(trace.data, samples)
        assert np.array_equal(trace.data, one[0].data)
    with pytest.raises(ValueError, match="threads 0: expected at least 1"):
        credit_fast.read(path, threads=0)
