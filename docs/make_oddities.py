"""Write docs/oddities.md: what credit_fast, pymseed and ObsPy do with odd files; --check compares.

The files are those of `oddities` in the real data and the miniSEED test data of the installed
ObsPy. A difference that no line of `REASONS` explains ends the script with code 1.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "reference"))

import numpy as np
from mseed_files import (
    Segment,
    differences,
    from_obspy,
    from_ours,
    from_pymseed,
    obspy_test_files,
    shared_files,
    short_name,
)

import credit_fast
from credit_fast.inspection import inspect_files

PAGE = Path(__file__).with_name("oddities.md")

#: Characters of an error message that are shown.
SHOWN = 90


@dataclass(frozen=True)
class Reason:
    """Why our answer is right where it differs: files, the other library, the reason."""

    files: str
    library: str
    text: str


VERSION_3 = "does not read miniSEED 3"
EMPTY = "a record without samples is no trace; it is counted, and parts no neighbours"
VOLUME = "the data records of a full SEED volume are records; its control headers are passed over"
CODES = "codes keep their form; pymseed turns those of fewer than three letters into `Z_H_`"
FOREIGN = "one bad record never costs its file: the rest is read, the damage reported"

REASONS = [
    Reason("shared/*.mseed3", "ObsPy", VERSION_3),
    Reason("shared/*.ms3", "ObsPy", VERSION_3),
    Reason("*headeronly.mseed2", "both", EMPTY),
    Reason("*headeronly.mseed3", "pymseed", EMPTY),
    Reason("*detection.record.mseed2", "both", EMPTY),
    Reason("*nodata_dataoffset.mseed", "both", EMPTY),
    Reason("*mseed_data_offset_0.mseed", "both", EMPTY),
    Reason("*three_records_zero_data_in_middle.mseed", "ObsPy", EMPTY),
    Reason("*chinese-full-seed/*", "pymseed", VOLUME),
    Reason("*fullseed*", "pymseed", VOLUME),
    Reason("*arclink_full.seed", "pymseed", VOLUME),
    Reason("*blockette008.mseed", "pymseed", VOLUME),
    Reason(
        "*-mixedorder.mseed?",
        "pymseed",
        "records stand in the order of the file, as in ObsPy; `merge(-1)` joins them in time",
    ),
    Reason("*/agfa.mseed", "pymseed", CODES),
    Reason("*/D1360930.203.mseed", "pymseed", CODES),
    Reason("*/nan_float??.mseed", "pymseed", CODES),
    Reason(
        "*/gecko_non_ascii_header.ms",
        "pymseed",
        "of a code with bytes that are no ASCII the rest is kept, as ObsPy does",
    ),
    Reason("*/brokenlastrecord.mseed", "pymseed", FOREIGN),
    Reason("*noise_record*.mseed", "pymseed", FOREIGN),
    Reason("*/infinite-loop.mseed", "both", FOREIGN),
    Reason(
        "*/microsecond_wrap.mseed",
        "pymseed",
        "10,000 ten-thousandths are the next second, as ObsPy reads them; no sample is doubtful",
    ),
]


@dataclass(frozen=True)
class Answer:
    """What one library does with one file."""

    segments: list[Segment]
    error: str = ""
    notes: str = ""

    @property
    def text(self) -> str:
        """A cell of the table."""
        if self.error:
            return self.error
        samples = sum(segment.npts for segment in self.segments)
        what = f"{len(self.segments):,} tr, {samples:,} sa"
        return f"{what}; {self.notes}" if self.notes else what


def short(text: str) -> str:
    """One line without the folders of this machine."""
    words = (word for word in text.split() if not word.startswith(("/", "'/", '"/')))
    line = " ".join(words)
    line = line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
    return line.replace("|", "\\|").replace("<", "&lt;")


def answer(read: Callable[[Path], list[Segment]], file: Path) -> Answer:
    """What a library gives, or the exception that it raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            segments = read(file)
        except Exception as error:
            return Answer([], f"{type(error).__name__}: {short(str(error))}")
    texts = {short(str(w.message)) for w in caught if "eprecat" not in str(w.message)}
    return Answer(segments, notes="; ".join(sorted(texts)))


def read_ours(file: Path) -> list[Segment]:
    """Our segments; warnings are replaced by what `inspect` says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_ours(credit_fast.read(str(file)))


def read_obspy(file: Path) -> list[Segment]:
    """ObsPy's segments."""
    import obspy

    return from_obspy(obspy.read(str(file), format="MSEED"))


def ours(file: Path) -> Answer:
    """Our answer, with the problems that `credit-fast inspect` lists."""
    found = answer(read_ours, file)
    (inspection,) = inspect_files(file)
    places = [f"{short(p.reason)} at byte {p.offset}" for p in inspection.problems]
    notes = f"{len(places)} problem{'s' * (len(places) > 1)}: {places[0]}" if places else ""
    return replace(found, notes=notes)


def joined(segments: list[Segment]) -> list[Segment]:
    """By channel and time, without empty ones, neighbours within half a sample joined."""
    in_time = sorted((s for s in segments if s.npts), key=lambda s: (s.id, s.start_ns))
    out: list[Segment] = []
    for segment in in_time:
        last = out[-1] if out else None
        if last is not None and follows(last, segment):
            out[-1] = replace(last, data=np.concatenate([last.data, segment.data]))
        else:
            out.append(segment)
    return out


def follows(last: Segment, segment: Segment) -> bool:
    """Whether no sample lies between two segments, and none is there twice."""
    if last.id != segment.id or last.rate_hz != segment.rate_hz or not last.rate_hz:
        return False
    if last.data.dtype.kind != segment.data.dtype.kind:
        return False
    next_ns = last.start_ns + last.npts / last.rate_hz * 1e9
    return bool(abs(segment.start_ns - next_ns) <= 0.5e9 / last.rate_hz)


def relation(mine: Answer, other: Answer) -> str:
    """`equal`, `same samples` (traces parted otherwise), or `differs`."""
    if mine.error or other.error:
        return "equal" if mine.error and other.error else "differs"

    def in_order(segments: list[Segment]) -> list[Segment]:
        return sorted(segments, key=lambda s: (s.id, s.start_ns, s.npts))

    if not differences(in_order(mine.segments), in_order(other.segments), tolerance_ns=1000):
        return "equal"
    if not differences(joined(mine.segments), joined(other.segments), tolerance_ns=1000):
        return "same samples"
    return "differs"


def reason(name: str, library: str, found: str) -> str | None:
    """Why we are right; empty for an equal answer, None when nothing explains the difference."""
    if found == "equal":
        return ""
    for entry in REASONS:
        if fnmatch(name, entry.files) and entry.library in (library, "both"):
            return entry.text
    return None


def rivals() -> str:
    """The other libraries and their versions."""
    import obspy
    import pymseed

    return f"pymseed {pymseed.__version__}, ObsPy {obspy.__version__}"


def page() -> tuple[str, list[str]]:
    """The page, and the differences that nothing explains."""
    files = shared_files("oddities") + obspy_test_files()
    rows, unexplained = [], []
    counts: dict[str, dict[str, int]] = {"pymseed": {}, "ObsPy": {}}
    for file in files:
        name = short_name(file)
        mine = ours(file)
        cells, why = [], {}
        for library, read in (("pymseed", from_pymseed), ("ObsPy", read_obspy)):
            other = answer(read, file)
            found = relation(mine, other)
            counts[library][found] = counts[library].get(found, 0) + 1
            text = reason(name, library, found)
            if text is None:
                unexplained.append(f"{name}: {library} {found}: {mine.text} | {other.text}")
            elif text:
                why.setdefault(text, []).append(library)
            mark = {"equal": "=", "same samples": "≈", "differs": "≠"}[found]
            cells.append(mark if found == "equal" and not other.error else f"{mark} {other.text}")
        shown = name.removeprefix("shared/oddities/")
        because = "; ".join(f"{' and '.join(names)}: {text}" for text, names in why.items())
        rows.append(f"| {shown} | {mine.text} | {cells[0]} | {cells[1]} | {because} |")
    head = HEAD.format(versions=rivals(), summary=summary(counts, len(files)))
    return head + "\n".join(rows) + "\n", unexplained


def summary(counts: dict[str, dict[str, int]], files: int) -> str:
    """One line for each library."""
    lines = []
    for library, found in counts.items():
        parts = ", ".join(f"{found.get(k, 0)} {k}" for k in ("equal", "same samples", "differs"))
        lines.append(f"* {library}: {files} files, {parts}.")
    return "\n".join(lines)


HEAD = """\
# Odd files

Generated by `make oddities` with {versions}; do not edit.

What the three libraries do with every file of `oddities` in the real data and every miniSEED
file of ObsPy's own tests. Traces (tr) and samples (sa); `=`: the same traces, times and samples
as ours; `≈`: the same samples, parted into traces otherwise; `≠`: something else, and the last
column says why ours is right. Problems are those of `credit-fast inspect`, the first of them in
words.

{summary}

| file | credit_fast | pymseed | ObsPy | why |
|---|---|---|---|---|
"""


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args().check
    if not shared_files("oddities"):
        print("real data not found: set CREDIT_FAST_DATA to its folder", file=sys.stderr)
        return 0 if check else 2
    if check and rivals() not in PAGE.read_text(encoding="utf-8"):
        print(f"{PAGE.name} is of other versions than {rivals()}: not compared", file=sys.stderr)
        return 0
    text, unexplained = page()
    for line in unexplained:
        print(f"no reason given: {line}", file=sys.stderr)
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.name} is not what the files give: run `make oddities`", file=sys.stderr)
        return 1
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
