"""EarthScope's portable-fdsnws-dataselect on the loopback: start it, ask it, and what it loses.

It needs pymseed below 1, the tests 1 or later: so it lives in an environment of its own, which
`make test-python` makes. Asserts nothing.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives import Window
from mseed_files import NANOSECONDS, Segment, from_obspy
from tsindex_rows import Rows

COMMAND = "portable-fdsnws-dataselect"
ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venvs" / "dataselect"
PATIENCE_S = 30.0

SETTINGS = """
[index_db]
path = {index}
{summary}
[server]
interface = 127.0.0.1
port = {port}
"""


def command() -> str:
    """Path of the server's command; skips when it is not installed."""
    beside = ENVIRONMENT / "bin" / COMMAND
    found = str(beside) if beside.exists() else shutil.which(COMMAND)
    if found is None:
        pytest.skip(f"{COMMAND} not installed: make .venvs/dataselect/.installed")
    return found


@dataclass(frozen=True)
class Server:
    """A running server and ObsPy's client of it."""

    url: str
    client: Any

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a plain request below `/fdsnws/dataselect/1/`."""
        url = f"{self.url}/fdsnws/dataselect/1/{path}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def body(self, window: Window) -> bytes:
        """The records that answer a window; none for "no data"."""
        network, station, location, channel = window.id.split(".")
        codes = f"net={network}&sta={station}&loc={location or '--'}&cha={channel}"
        start, end = (np.datetime64(ns, "ns") for ns in (window.start_ns, window.end_ns))
        times = f"start={start.astype('M8[us]')}&end={end.astype('M8[us]')}"
        status, body = self.get(f"query?{codes}&{times}")
        assert status in (200, 204), (status, body)
        return body

    def window(self, window: Window) -> list[Segment]:
        """What ObsPy's client gets for a window, joined as ours joins."""
        import obspy
        from obspy.clients.fdsn.header import FDSNNoDataException
        from obspy.io.mseed import ObsPyMSEEDFilesizeTooSmallError

        times = (obspy.UTCDateTime(ns=ns) for ns in (window.start_ns, window.end_ns))
        try:
            stream = self.client.get_waveforms(*window.id.split("."), *times)
        except (FDSNNoDataException, ObsPyMSEEDFilesizeTooSmallError):
            # It answers "200" with no bytes where records that it looked at are not in the window.
            return []
        return from_obspy(stream.merge(-1))


@contextmanager
def serving(index: Path, folder: Path, *, summary: bool = True) -> Iterator[Server]:
    """Serve an index on a free port until the block ends; files of the server go to `folder`.

    Its documentation strongly recommends a summary; mseedindex makes none.
    """
    from obspy.clients.fdsn import Client

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings, output = folder / "server.ini", folder / "server.txt"
    named = "summary_table = tsindex_summary" if summary else ""
    settings.write_text(SETTINGS.format(index=index, summary=named, port=port))
    with output.open("w") as stream:
        process = subprocess.Popen(
            [command(), str(settings)], stdout=stream, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url, output)
        # This server has an HTML page where ObsPy looks for other services.
        without = {"event": None, "station": None}
        yield Server(url, Client(url, service_mappings=without, timeout=PATIENCE_S))
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _wait(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    """Return when the server answers; fails with its words when it ends, or never does."""
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/fdsnws/dataselect/1/version", timeout=PATIENCE_S):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"{COMMAND} does not serve: {output.read_text().strip() or 'no word of it'}")


def is_lost(rows: Rows, window: Window) -> bool:
    """Whether a fault of the server (2.0.2) takes samples from a window of one channel.

    It takes the flag `latest=>1`, with which each `timeindex` ends, for a byte offset. So of a row
    that goes on behind the window it reads nothing behind the first record, when the window ends
    behind the last entry: in the last hour of a day file, anywhere in a file of an hour or less.

    It multiplies the seconds of an entry as floats, which may come out some nanoseconds later than
    they are. A window that ends with the very sample of an entry then loses that sample.

    It compares times as texts, its own with six decimals: `…:00` is before `…:00.000000`. A window
    that begins with the last sample of a row loses it when that is on a whole second.
    """
    return any(_loses(row, window) for row in rows if _id(row) == window.id)


def _loses(row: dict[str, Any], window: Window) -> bool:
    begin, end = (_ns(row[name]) for name in ("starttime", "endtime"))
    if window.start_ns == end and "." not in row["endtime"]:
        return True
    whole = window.start_ns <= begin and end <= window.end_ns
    if row["timeindex"] is None or whole or window.end_ns < begin or end < window.start_ns:
        return False
    entries = [entry.split("=>")[0] for entry in row["timeindex"].split(",")[:-1]]
    exact = [int(entry.replace(".", "")) * 1_000 for entry in entries]
    floats = [int(float(entry) * NANOSECONDS) for entry in entries]
    if any(a <= window.end_ns < b for a, b in zip(exact, floats, strict=True)):
        return True
    return exact[-1] <= window.end_ns < end


def _id(row: dict[str, Any]) -> str:
    return ".".join(row[name] for name in ("network", "station", "location", "channel"))


def _ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))
