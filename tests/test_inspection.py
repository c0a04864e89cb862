"""`inspect_files`: what it finds in good, damaged and foreign files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from credit_fast._core import encode_mseed2
from credit_fast.inspection import FileInspection, inspect_files

START_NS = 1_330_560_000_000_000_000
SECOND_NS = 1_000_000_000


def mseed(
    channel: str = "HHZ", first: int = 0, npts: int = 3000, encoding: str = "STEIM2"
) -> bytes:
    """Records of 100 Hz that begin `first` samples after the start."""
    start_ns = START_NS + first * SECOND_NS // 100
    samples = np.arange(first, first + npts, dtype=np.int32)
    return encode_mseed2("XX", "AAA", "", channel, start_ns, 100.0, samples, encoding)


def inspected(folder: Path, data: bytes, *, records: bool = False) -> FileInspection:
    path = folder / "file"
    path.write_bytes(data)
    (found,) = inspect_files(path, records=records)
    return found


def test_a_good_file_is_well(tmp_path: Path) -> None:
    data = mseed()
    found = inspected(tmp_path, data, records=True)
    assert found.problems == [] and found.breaks == []
    (trace,) = found.traces
    assert (trace.id, trace.format, trace.version) == ("XX.AAA..HHZ", 2, "D")
    assert (trace.starttime.ns, trace.npts) == (START_NS, 3000)
    assert trace.endtime.ns == START_NS + 2999 * SECOND_NS // 100
    assert (trace.rate_hz, trace.encodings, trace.record_lengths) == (100.0, ["Steim2"], [512])
    assert found.samples == 3000 and found.bytes == len(data)
    assert [record.offset for record in found.record_list] == list(range(0, len(data), 512))
    assert sum(record.npts for record in found.record_list) == 3000
    assert found.verdict.startswith(f"all well: {len(data) // 512} records, 1 channel, 0 gaps")


def test_gaps_and_overlaps_are_no_problems(tmp_path: Path) -> None:
    data = mseed(npts=1000) + mseed(first=1500, npts=1000) + mseed(first=2400, npts=1000)
    data += mseed("HHN", npts=5000)
    found = inspected(tmp_path, data)
    assert found.problems == []
    (gap,), (overlap,) = found.gaps, found.overlaps
    assert (gap.id, gap.samples, overlap.samples) == ("XX.AAA..HHZ", 500, -100)
    assert gap.before.ns == START_NS + 999 * SECOND_NS // 100
    assert gap.after.ns == START_NS + 1500 * SECOND_NS // 100
    assert overlap.before > overlap.after
    assert found.verdict.endswith("2 channels, 1 gap, 1 overlap")


def test_damage_is_told_with_its_place_and_costs_nothing_else(tmp_path: Path) -> None:
    data = bytearray(mseed())
    data[1024:1072] = bytes(48)
    found = inspected(tmp_path, bytes(data) + b"foreign")
    first, last = found.problems
    assert (first.offset, first.length) == (1024, 512)
    assert (last.offset, last.length) == (len(data), 7)
    assert found.skipped_bytes == 519
    assert found.records == len(data) // 512 - 1
    assert len(found.traces) == 2 and len(found.gaps) == 1
    assert found.verdict.startswith("2 problems, 519 bytes skipped")


def test_a_payload_that_ends_early_is_a_fault_of_its_record(tmp_path: Path) -> None:
    data = bytearray(mseed())
    data[512 + 128 : 512 + 132] = bytes(4)
    found = inspected(tmp_path, bytes(data), records=True)
    (problem,) = found.problems
    assert problem.offset == 512 and "payload holds" in problem.reason
    faults = [record.fault for record in found.record_list]
    assert faults[1] is not None and "payload holds" in faults[1]
    assert all(fault is None for at, fault in enumerate(faults) if at != 1)
    assert found.samples < 3000 == sum(trace.npts for trace in found.traces)


def test_encodings_and_channels_are_told_apart(tmp_path: Path) -> None:
    found = inspected(tmp_path, mseed() + mseed("HHE", encoding="INT32") + mseed("HHN"))
    assert found.ids == ["XX.AAA..HHZ", "XX.AAA..HHE", "XX.AAA..HHN"]
    assert found.encodings == ["Steim2", "int32"]
    assert found.rates_hz == [100.0]


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "empty file"), (b"no seismogram" * 99, "not a miniSEED file")]
)
def test_a_foreign_file_is_one_problem(tmp_path: Path, data: bytes, reason: str) -> None:
    found = inspected(tmp_path, data)
    (problem,) = found.problems
    assert reason in problem.reason and found.verdict == problem.reason


def test_folders_are_walked_and_names_with_a_dot_passed_over(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("b", "below/a", ".hidden"):
        (tmp_path / name).write_bytes(mseed())
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    found = list(inspect_files(tmp_path))
    names = {Path(item.path).name: item for item in found}
    assert sorted(names) == ["a", "b", "link"]
    assert names["link"].problems[0].kind == "unreadable"
    assert len(list(inspect_files([tmp_path / "b", tmp_path / ".hidden"]))) == 2


def test_a_missing_file_is_an_error_before_any_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(mseed())
    with pytest.raises(FileNotFoundError):
        inspect_files([tmp_path / "a", tmp_path / "missing"])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions of a user")
def test_a_forbidden_file_is_a_problem_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(mseed())
    (tmp_path / "b").write_bytes(mseed())
    (tmp_path / "a").chmod(0)
    forbidden, good = inspect_files(tmp_path)
    assert forbidden.problems[0].kind == "unreadable"
    assert good.problems == []


def test_everything_goes_into_json(tmp_path: Path) -> None:
    data = mseed(npts=1000) + mseed(first=1500) + b"foreign bytes"
    found = inspected(tmp_path, data, records=True)
    again = json.loads(json.dumps(found.to_dict()))
    assert again["gaps"][0]["samples"] == 500
    assert again["traces"][0]["starttime"] == str(found.traces[0].starttime)
    assert again["problems"][0]["offset"] == len(data) - 13
    assert len(again["record_list"]) == found.records


def test_real_files_have_the_traces_that_read_gives(shared_data: Path) -> None:
    import credit_fast

    for name in ("mspass/3channels.mseed", "simplemseed/bird_jsc.ms3", "rsudp/testdata.ms"):
        path = shared_data / "oddities" / name
        (found,) = inspect_files(path)
        stream = credit_fast.read(str(path))
        ours = [(t.id, t.starttime.ns, t.npts) for t in found.traces]
        assert sorted(ours) == sorted((t.id, t.stats.starttime.ns, t.stats.npts) for t in stream)
        assert found.problems == []


def test_opaque_records_are_counted_and_no_problem(tmp_path: Path) -> None:
    record = bytearray(mseed(npts=100))
    assert len(record) == 512
    record[52] = 100  # the encoding in blockette 1000
    found = inspected(tmp_path, bytes(record))
    assert (found.records, found.opaque_records, found.samples) == (1, 1, 0)
    assert found.traces == [] and found.problems == []
