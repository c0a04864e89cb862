"""Ways to spoil the index of an archive with `two.mseed`, and what is found then. No test here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bad_files import RECLEN, mseed

#: Where the second row of `two.mseed` begins.
SECOND_ROW = len(mseed())
ROW = "WHERE filename LIKE '%/two.mseed' AND byteoffset=0"
OF_TWO = "WHERE filename LIKE '%/two.mseed'"
SUMMARY = """
DELETE FROM tsindex_summary; INSERT INTO tsindex_summary
SELECT network,station,location,channel,min(starttime),max(endtime),''
FROM tsindex GROUP BY 1,2,3,4;
"""


@dataclass(frozen=True)
class Damage:
    """What is done to the index of `indexed`, what is found, and words of each line."""

    name: str
    script: str
    found: tuple[tuple[str, str, int | None], ...]
    words: tuple[str, ...]
    deep: bool = False


def of_row(name: str, change: str, *words: str) -> Damage:
    """The first row of `two.mseed` changed to one that cannot be right."""
    script = f"UPDATE tsindex SET {change} {ROW};{SUMMARY}"
    return Damage(name, script, (("two.mseed", "row", 0),), words)


def of_summary(name: str, script: str, *words: str) -> Damage:
    return Damage(name, script, (("index.db", "summary", None),), words)


def of_state(name: str, script: str, *words: str) -> Damage:
    return Damage(name, script, (("two.mseed", "state", None),), words)


def different(name: str, change: str, *words: str) -> Damage:
    """The first row of `two.mseed` changed to one that only a scan tells to be wrong."""
    script = f"UPDATE tsindex SET {change} {ROW};{SUMMARY}"
    return Damage(name, script, (("two.mseed", "different-row", 0),), words, deep=True)


DAMAGE = [
    of_row(
        "end before start",
        "endtime='2000-01-01T00:00:00'",
        "row of XX.BAD..BHZ from 2020-03-01T00:00:00: endtime 2000-01-01T00:00:00: expected",
    ),
    of_row("no time", "starttime='soon'", "starttime soon: expected YYYY-MM-DD"),
    Damage(
        "NULL time",
        f"UPDATE tsindex SET endtime=NULL {ROW}",
        (("two.mseed", "row", 0), ("index.db", "summary", None)),
        ("endtime NULL: expected YYYY-MM-DD", "expected 2020-03-01T00:00:00 to NULL"),
    ),
    Damage(
        "negative offset",
        f"UPDATE tsindex SET byteoffset=-512 {ROW}",
        (("two.mseed", "row", None),),
        (f"byteoffset -512, bytes {SECOND_ROW}: expected a place in the file",),
    ),
    Damage(
        "no bytes",
        f"UPDATE tsindex SET bytes=0 {ROW}",
        (("two.mseed", "row", None),),
        ("bytes 0:",),
    ),
    Damage(
        "absurd bytes",
        f"UPDATE tsindex SET bytes=9223372036854775807 WHERE byteoffset={SECOND_ROW}",
        (("two.mseed", "row", None),),
        ("bytes 9223372036854775807: expected",),
    ),
    Damage(
        "bytes behind the end of the file",
        f"UPDATE tsindex SET bytes=bytes+512 WHERE byteoffset={SECOND_ROW}",
        (("two.mseed", "row", SECOND_ROW),),
        (f"ends at byte {2 * SECOND_ROW + 512}: expected at most {2 * SECOND_ROW}",),
    ),
    of_row("no rate", "samplerate='fast'", "samplerate fast: expected a number"),
    of_row("no time index", "timeindex='nonsense'", "timeindex nonsense: expected epoch=>offset"),
    of_row(
        "time index elsewhere",
        f"timeindex='1583020800.000000=>0,1583020810.000000=>{SECOND_ROW},latest=>1'",
        f"timeindex names the byte {SECOND_ROW}: expected 0 to {SECOND_ROW}",
    ),
    of_row(
        "time index out of order",
        "timeindex='1583020800.000000=>512,1583020810.000000=>0,latest=>1'",
        "timeindex names the byte 0 behind 512",
    ),
    of_row(
        "time index of another day",
        "timeindex='1583120800.000000=>0,latest=>1'",
        "timeindex names the time 2020-03-02T03:46:40: expected one between",
    ),
    of_row("no spans", "timespans='[1:2],[3'", "timespans [1:2],[3: expected [epoch:epoch]"),
    of_row(
        "spans outside",
        "timespans='[1583020799.500000:1583020810.000000]'",
        "timespans has 2020-02-29T23:59:59.500000 to 2020-03-01T00:00:10: expected spans between",
    ),
    of_row(
        "a span that ends before it begins",
        "timespans='[1583020810.000000:1583020805.000000]'",
        "timespans has 2020-03-01T00:00:10 to 2020-03-01T00:00:05: expected spans",
    ),
    of_row("rates of no span", "timerates='100,50'", "timerates 100,50: expected 1 numbers"),
    Damage(
        "overlap",
        f"UPDATE tsindex SET bytes=bytes+512 {ROW}",
        (("two.mseed", "overlap", SECOND_ROW),),
        (f"{SECOND_ROW} to {2 * SECOND_ROW}: expected none of those of the row of XX.BAD..BHZ",),
    ),
    Damage(
        "twice",
        f"INSERT INTO tsindex SELECT * FROM tsindex {OF_TWO}",
        (("two.mseed", "duplicate", 0), ("two.mseed", "duplicate", SECOND_ROW)),
        ("row of XX.BAD..BHZ", "row of XX.BAD..BHE"),
    ),
    Damage(
        "no file name",
        "INSERT INTO tsindex(network,station,location,channel,starttime,endtime,filename)"
        "SELECT network,station,location,channel,starttime,endtime,column1 FROM tsindex,"
        f"(VALUES (NULL),(''),(x'ff00')) WHERE byteoffset={SECOND_ROW}",
        (("index.db", "row", None),),
        ("rows without a name of a file: 3, expected none",),
    ),
    of_summary(
        "channel missing in the summary",
        "DELETE FROM tsindex_summary WHERE channel='BHE'",
        "tsindex_summary lacks XX.BAD..BHE",
    ),
    of_summary(
        "channel too many in the summary",
        "INSERT INTO tsindex_summary VALUES ('XX','NONE','','BHZ','2020','2021','')",
        "tsindex_summary names XX.NONE..BHZ",
    ),
    of_summary(
        "end in the summary",
        "UPDATE tsindex_summary SET latest='2020-03-02T00:00:00' WHERE channel='BHE'",
        "tsindex_summary has XX.BAD..BHE from 2020-03-01T00:00:00 to 2020-03-02T00:00:00: "
        "expected 2020-03-01T00:00:00 to 2020-03-01T00:00:39.990000",
    ),
    of_summary(
        "empty summary", "DELETE FROM tsindex_summary", "tsindex_summary is empty: expected the 4"
    ),
    of_summary("no summary", "DROP TABLE tsindex_summary", "no table tsindex_summary"),
    of_state(
        "rows lost",
        f"DELETE FROM tsindex {OF_TWO};{SUMMARY}",
        f"no row: expected some, as credit_fast_files has {2 * SECOND_ROW // RECLEN} records",
    ),
    of_state(
        "state lost",
        f"DELETE FROM credit_fast_files {OF_TWO}",
        "2 rows, and no entry in credit_fast_files",
    ),
    of_state(
        "records of none",
        f"UPDATE credit_fast_files SET records=0 {OF_TWO}",
        "2 rows: expected none, as credit_fast_files has 0 records",
    ),
    of_state(
        "mark of a file that is there",
        "INSERT INTO credit_fast_problems SELECT filename,NULL,0,'vanished','gone',1 "
        f"FROM credit_fast_files {OF_TWO}",
        "marked as vanished: expected no mark",
    ),
    Damage(
        "state of no sense",
        f"UPDATE credit_fast_files SET size='big' {OF_TWO}",
        (("two.mseed", "state", None),),
        ("1 entries of credit_fast_files or credit_fast_problems",),
    ),
    Damage(
        "no table of problems",
        "DROP TABLE credit_fast_problems",
        (("index.db", "database", None),),
        ("no table credit_fast_problems: expected it of makeindex; make a new index",),
    ),
    Damage(
        "a column of an older version",
        "ALTER TABLE credit_fast_problems DROP COLUMN count",
        (("index.db", "database", None),),
        ("table credit_fast_problems lacks what makeindex needs: count",),
    ),
    Damage(
        "a lost column",
        "ALTER TABLE tsindex DROP COLUMN hash",
        (("index.db", "database", None),),
        ("table tsindex lacks what makeindex needs: hash; make a new index",),
    ),
    # Only a scan finds these.
    Damage(
        "where to go on",
        f"UPDATE credit_fast_files SET data_end=data_end-512,last_start_ns=0 {OF_TWO}",
        (("two.mseed", "state", None),),
        (
            f"credit_fast_files has data_end {2 * SECOND_ROW - RECLEN}, expected {2 * SECOND_ROW}; "
            "last_start_ns 0, expected 1583020",
        ),
        deep=True,
    ),
    Damage(
        "a fingerprint",
        f"UPDATE credit_fast_files SET fingerprint=7 {OF_TWO}",
        (("two.mseed", "changed", None),),
        ("other bytes than when the file was scanned, at the same size and time of change: ",),
        deep=True,
    ),
    different(
        "rate", "samplerate=50", "samplerate 50, expected 100, as a scan of the file gives it"
    ),
    different(
        "end",
        "endtime='2020-03-01T00:00:40'",
        "endtime 2020-03-01T00:00:40, expected 2020-03-01T00:00:39.990000",
    ),
    different("channel", "channel='BHN'", "row of XX.BAD..BHN", "channel BHN, expected BHZ"),
    different("two columns", "version=1,timeindex=NULL", "version 1, expected 2; timeindex NULL"),
    different(
        "spans",
        "timespans='[1583020800.000000:1583020810.000000],[1583020820.000000:1583020839.990000]'",
        "timespans [1583020800.000000:1583020810.000000],[1583020820.000000:1583020…, "
        "expected [1583020800.000000:1583020839.990000],",
    ),
    different(
        "bookkeeping",
        "filemodtime='2001-01-01T00:00:00'",
        "filemodtime 2001-01-01T00:00:00, expected 20",
    ),
    Damage(
        "a row lost",
        f"DELETE FROM tsindex {ROW};{SUMMARY}",
        (("two.mseed", "missing-row", 0),),
        (f"no row of XX.BAD..BHZ from 2020-03-01T00:00:00, {SECOND_ROW} bytes: expected it",),
        deep=True,
    ),
    Damage(
        "a row too many",
        f"UPDATE tsindex SET bytes=512 {ROW};"
        "INSERT INTO tsindex SELECT network,station,location,channel,quality,version,starttime,"
        "endtime,samplerate,filename,1024,512,hash,NULL,timespans,timerates,format,filemodtime,"
        f"updated,scanned FROM tsindex {ROW}",
        (("two.mseed", "different-row", 0), ("two.mseed", "extra-row", 1024)),
        (f"bytes 512, expected {SECOND_ROW}", "expected none that begins here"),
        deep=True,
    ),
    Damage(
        "a problem lost",
        "DELETE FROM credit_fast_problems WHERE filename LIKE '%/spoiled.mseed'",
        (("spoiled.mseed", "stored-problems", 3 * RECLEN),),
        ("the index keeps 0 problems of the file: expected 1, as a scan finds",),
        deep=True,
    ),
    Damage(
        "a hash",
        f"UPDATE tsindex SET hash='0123' {ROW}",
        (("two.mseed", "hash", 0),),
        (f"hash 0123, expected {hashlib.md5(mseed()).hexdigest()}, the MD5 of its bytes",),
        deep=True,
    ),
]
