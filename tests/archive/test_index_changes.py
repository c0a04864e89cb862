"""A client that was asked before sees what changed in its index since."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_files import mseed, sqlite_script

import credit_fast
from credit_fast import Client, UTCDateTime

BEGIN, END = UTCDateTime("1900-01-01"), UTCDateTime("2100-01-01")

#: Rows are kept in memory from the second question about a channel on.
ASKED = 4


def samples(client: Client, channel: str = "*") -> int:
    stream = client.get_waveforms("XX", "GOOD", "*", channel, BEGIN, END, merge=None)
    return sum(len(trace) for trace in stream)


def ask(client: Client) -> int:
    [npts] = {samples(client, "BHZ") for _ in range(ASKED)}
    return npts


def makeindex(archive: Path, index: Path) -> None:
    credit_fast.makeindex(archive, index, progress=False)


def test_rows_of_new_changed_and_lost_files_are_seen(archive: Path, index: Path) -> None:
    makeindex(archive, index)
    client = Client(index)
    once = ask(client)
    assert once > 0
    (archive / "more.mseed").write_bytes(mseed(station="GOOD"))
    makeindex(archive, index)
    assert ask(client) == 2 * once
    (archive / "more.mseed").write_bytes(b"no data any more")
    makeindex(archive, index)
    assert ask(client) == once


def test_another_process_changes_the_index(archive: Path, index: Path) -> None:
    makeindex(archive, index)
    client = Client(index)
    once = ask(client)
    sqlite_script(index, "DELETE FROM tsindex")
    assert once > 0
    assert ask(client) == 0


def test_an_index_that_another_file_replaced_is_opened_anew(
    archive: Path, index: Path, tmp_path: Path
) -> None:
    makeindex(archive, index)
    client = Client(index)
    once = ask(client)
    (archive / "more.mseed").write_bytes(mseed(station="GOOD"))
    makeindex(archive, tmp_path / "new.db")
    (tmp_path / "new.db").replace(index)
    assert ask(client) == 2 * once


@pytest.mark.parametrize("kind", ["VIEW", "TABLE"])
def test_an_index_whose_rows_have_no_numbers_gives_the_same(
    archive: Path, index: Path, kind: str
) -> None:
    makeindex(archive, index)
    once = ask(Client(index))
    rows = "CREATE VIEW tsindex AS SELECT * FROM rows"
    if kind == "TABLE":
        columns = (
            "network,station,location,channel,quality,version,starttime,endtime,samplerate,"
            "filename,byteoffset,bytes,hash,timeindex,timespans,timerates,format,filemodtime,"
            "updated,scanned"
        )
        rows = (
            f"CREATE TABLE tsindex ({columns},PRIMARY KEY (filename,byteoffset)) WITHOUT ROWID;"
            "INSERT INTO tsindex SELECT * FROM rows"
        )
    script = f"DROP INDEX credit_fast_slow_idx;ALTER TABLE tsindex RENAME TO rows;{rows}"
    sqlite_script(index, script)
    assert ask(Client(index)) == once > 0
