"""Windows of archives drawn at random, against an oracle that looks at every sample.

A failure names the seed of its layout: ``CREDIT_FAST_SEED=… CREDIT_FAST_LAYOUTS=1`` repeats it, a
larger number of layouts goes on to the next seeds.
"""

from __future__ import annotations

import os
import random
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from availability_oracle import (
    Span,
    cuts,
    leeway_ns,
    samples_inside,
    shares,
    spans_of,
    united,
    wrong_spans,
)
from overlap_oracle import decided
from window_layouts import QUALITIES, Layout, WindowDrawing, build, draw_layout
from window_oracle import Channel, Trace, Window

from credit_fast import Client, DataWarning, UTCDateTime
from credit_fast.waveform import Stream

SEED = int(os.environ.get("CREDIT_FAST_SEED", "20261125"))
LAYOUTS = int(os.environ.get("CREDIT_FAST_LAYOUTS", "50"))
WINDOWS = 30  # of each channel, for each question
EDGES = ["nearest", "nearest", "inside", "outside"]


@dataclass(frozen=True)
class Archive:
    """A layout that was written and indexed, and what the oracle knows of its channels."""

    layout: Layout
    client: Client
    #: All records of each channel.
    written: dict[str, Channel]
    #: What is left of them where newer ones count. Without those that rounding decides.
    decided: dict[str, Channel]

    def questions(
        self, test: str, channels: dict[str, Channel], count: int = WINDOWS
    ) -> Iterator[tuple[Channel, Window]]:
        """Windows of each channel, for one test always the same."""
        drawing = WindowDrawing(self.layout, test)
        for id_, channel in channels.items():
            for _ in range(count):
                edge = drawing.random.choice(EDGES)
                yield channel, Window(*drawing.window(id_), edge, drawing.random.random() < 0.3)

    def failure(self, channel: Channel, window: object, wrong: Sequence[str]) -> str:
        """What to print."""
        id_ = channel.records[0].id
        text = "\n".join(wrong[:8])
        return f"{id_} {window}:\n{text}\n{self.layout.table([id_])}"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Archive]:
    layouts = [
        (draw_layout(seed), tmp_path_factory.mktemp("index"))
        for seed in range(SEED, SEED + LAYOUTS)
    ]
    build(layouts)
    made = []
    for layout, folder in layouts:
        written, left = {}, {}
        for id_ in sorted({record.id for record in layout.records}):
            records = [record for record in layout.records if record.id == id_]
            written[id_] = Channel(records)
            decision = decided(records, layout.newness)
            if decision.is_sure:
                left[id_] = Channel(decision.left, records)
        made.append(Archive(layout, Client(layout.indexes(folder)), written, left))
    return made


def codes_of(channel: Channel) -> tuple[str, str, str, str]:
    network, station, location, code = channel.records[0].codes
    return network, station, location, code


def ends(window: Window) -> tuple[UTCDateTime, UTCDateTime]:
    return UTCDateTime(ns=window.start_ns), UTCDateTime(ns=window.end_ns)


def traces_of(stream: Stream, id_: str) -> list[Trace]:
    return [
        Trace(t.id, t.stats.starttime.ns, t.stats.sampling_rate, np.asarray(t.data))
        for t in stream
        if t.id == id_
    ]


def fail_if(failures: list[str]) -> None:
    assert not failures, f"{len(failures)} windows are wrong; the first:\n{failures[0]}"


def test_windows_hold_the_samples_that_the_rule_names(archives: list[Archive]) -> None:
    failures = []
    asked = strict = found = 0
    for archive in archives:
        for channel, window in archive.questions("windows", archive.decided):
            rules = {"edge": window.edge, "half_open": window.half_open}
            stream = archive.client.get_waveforms(*codes_of(channel), *ends(window), **rules)
            traces = traces_of(stream, channel.records[0].id)
            assert len(traces) == len(stream)
            asked += 1
            strict += channel.is_plain
            found += bool(traces)
            if wrong := channel.wrong_traces(traces, window):
                failures.append(archive.failure(channel, window, wrong))
    print(f"{asked} windows, {strict} of channels without differing overlaps, {found} with data")
    fail_if(failures)
    assert LAYOUTS < 10 or min(strict, found) > asked / 2


def test_pieces_of_files_hold_each_record_by_itself(archives: list[Archive]) -> None:
    failures = []
    asked = strict = 0
    for archive in archives:
        for channel, window in archive.questions("pieces", archive.written):
            rules = {"edge": window.edge, "half_open": window.half_open}
            stream = archive.client.get_waveforms(*codes_of(channel), *ends(window), None, **rules)
            traces = traces_of(stream, channel.records[0].id)
            asked += 1
            strict += bool(channel.pieces)
            if wrong := channel.wrong_pieces(traces, window):
                failures.append(archive.failure(channel, window, wrong))
    print(f"{asked} windows, {strict} of channels in order")
    fail_if(failures)
    assert LAYOUTS < 10 or strict > asked / 8


def test_many_windows_at_once_are_those_of_the_rule(archives: list[Archive]) -> None:
    failures = []
    for archive in archives:
        questions = list(archive.questions("bulk", archive.decided))
        for edge in set(EDGES):
            windows = [replace(window, edge=edge, half_open=False) for _, window in questions]
            rows = [("*", "*", "*", "*", *ends(window)) for window in windows]
            streams = archive.client.get_waveforms_bulk(rows, grouped=True, edge=edge, threads=2)
            for window, stream in zip(windows, streams, strict=True):
                starts = [(trace.id, trace.stats.starttime.ns) for trace in stream]
                assert starts == sorted(starts)
                for id_, channel in archive.decided.items():
                    if wrong := channel.wrong_traces(traces_of(stream, id_), window):
                        failures.append(archive.failure(channel, window, wrong))
    fail_if(failures)


def test_only_versions_that_are_asked_for_count(archives: list[Archive]) -> None:
    failures = []
    asked = found = 0
    for archive in archives:
        draw = random.Random(archive.layout.seed)
        for channel, window in archive.questions("versions", archive.decided, 6):
            versions = draw.sample([1, 2, 3, 4], draw.choice([1, 2]))
            records = [record for record in channel.written if record.version in versions]
            options: dict[str, Any] = {"version": versions}
            if draw.random() < 0.4:
                records = [record for record in records if not record.is_miniseed3]
                options = {"quality": [QUALITIES[version] for version in versions]}
            decision = decided(records, archive.layout.newness)
            if not decision.is_sure:
                continue
            stream = archive.client.get_waveforms(
                *codes_of(channel), *ends(window), edge=window.edge, half_open=window.half_open,
                **options,
            )  # fmt: skip
            asked += 1
            found += bool(stream)
            if not records:
                assert not stream
                continue
            left = Channel(decision.left, channel.written)
            if wrong := left.wrong_traces(traces_of(stream, channel.records[0].id), window):
                failures.append(archive.failure(channel, (window, options), wrong))
    fail_if(failures)
    assert LAYOUTS < 10 or asked > found > asked / 10


def test_all_versions_stay_where_nothing_shall_decide(archives: list[Archive]) -> None:
    failures = []
    for archive in archives:
        for channel, window in archive.questions("all versions", archive.written, 10):
            options = {"version": "all"} if window.half_open else {"quality": "*"}
            stream = archive.client.get_waveforms(
                *codes_of(channel), *ends(window), edge=window.edge, half_open=window.half_open,
                **options,
            )  # fmt: skip
            if wrong := channel.wrong_traces(traces_of(stream, channel.records[0].id), window):
                failures.append(archive.failure(channel, (window, options), wrong))
    fail_if(failures)


def test_what_was_left_out_is_counted(archives: list[Archive]) -> None:
    """Of a window around all: each sample is given or counted, under the reason for it."""
    failures = []
    seen: Counter[str] = Counter()
    for archive in archives:
        for id_, channel in archive.decided.items():
            around = Window(
                int(min(channel.times_ns)) - 10**12, int(max(channel.times_ns)) + 10**12
            )
            stream = archive.client.get_waveforms(*codes_of(channel), *ends(around))
            counted = stream.overlaps[id_]
            seen += counted
            given = sum(len(trace) for trace in stream)
            written = sum(len(record.values) for record in channel.written)
            lost = decided(channel.written, archive.layout.newness).lost
            wrong = []
            if given + sum(counted.values()) != written:
                wrong.append(f"{given} samples, {counted}, of {written}")
            for reason in ("version", "scan", "identical"):
                least = sum(sample.reasons == {reason} for sample in lost)
                most = sum(reason in sample.reasons for sample in lost)
                # Copies within one file and version are not among them, and become one, too.
                most += written if reason == "identical" else 0
                if not least <= counted[reason] <= most:
                    wrong.append(f"{counted}, expected {least} to {most} by {reason}")
            if wrong:
                failures.append(archive.failure(channel, around, wrong))
    fail_if(failures)
    assert LAYOUTS < 10 or min(seen["version"], seen["scan"], seen["identical"]) > 0


def test_half_open_windows_in_a_row_share_no_sample_and_lose_none(
    archives: list[Archive],
) -> None:
    failures = []
    for archive in archives:
        drawing = WindowDrawing(archive.layout, "in a row")
        for id_, channel in archive.decided.items():
            # Where records stray windows may have grids that differ: then a sample is lost.
            if not channel.is_plain or any(run.strays for run in channel.runs):
                continue
            for edge in set(EDGES):
                times = sorted(drawing.time(id_) for _ in range(12))
                first, last = int(min(channel.times_ns)), int(max(channel.times_ns))
                times = sorted([first - 10**11, *times, last + 10**11])
                windows = [Window(a, b, edge, True) for a, b in pairwise(times)]
                rows = [(*codes_of(channel), *ends(window)) for window in windows]
                answer = archive.client.get_waveforms_bulk(rows, edge=edge, half_open=True)
                values = sorted(v for trace in answer for v in trace.data.tolist())
                if values != sorted(channel.values.tolist()):
                    text = f"{len(values)} samples, expected {len(channel.values)}"
                    failures.append(archive.failure(channel, windows, [text]))
    fail_if(failures)


def test_cuts_have_each_sample_in_its_place(archives: list[Archive]) -> None:
    failures = []
    asked = whole = partly = 0
    for archive in archives:
        draw = random.Random(archive.layout.seed)
        for channel, window in archive.questions("cut", archive.decided):
            if not channel.is_plain:
                continue
            npts = draw.choice([1, 2, 10, 100, 1000])
            request = (*codes_of(channel), UTCDateTime(ns=window.start_ns))
            with warnings.catch_warnings():
                # Runs of another rate than the first one of a window are left out, and told.
                warnings.filterwarnings("ignore", ".*sample rate", DataWarning)
                found = archive.client.cut(
                    [request], npts, None, "float64", incomplete="nan", threads=1
                )
            options = cuts(channel, window.start_ns, npts)
            asked += 1
            whole += found.coverage.item() == 1
            partly += 0 < found.coverage.item() < 1
            wrong = [
                f"{option}, found from {found.starttime_ns.item()} at {found.sampling_rate.item()} "
                f"Hz {found.data[0, 0]}"
                for option in options
                if not (
                    abs(option.start_ns - found.starttime_ns.item()) <= 1
                    and np.array_equal(option.rate_hz, found.sampling_rate.item(), equal_nan=True)
                    and np.array_equal(option.data, found.data[0, 0], equal_nan=True)
                    and found.coverage.item() == np.mean(~np.isnan(option.data))
                )
            ]
            if len(wrong) == len(options):
                failures.append(archive.failure(channel, (window.start_ns, npts), wrong))
    print(f"{asked} cuts, {whole} whole, {partly} in part")
    fail_if(failures)
    assert LAYOUTS < 10 or (whole > asked / 10 and partly > asked / 10)


def test_availability_is_what_the_samples_say(archives: list[Archive]) -> None:
    failures = []
    for archive in archives:
        for channel, window in archive.questions("availability", archive.written):
            kinds = []
            if (spans := united(channel)) is not None:
                kinds.append(({"merge_overlap": True}, spans))
            if channel.is_plain and len(channel.single) == len(channel.records):
                kinds.append(({}, spans_of(channel, by_rate=False)))
                kinds.append(({"include_sample_rate": True}, spans_of(channel, by_rate=True)))
            for options, spans in kinds:
                rows = archive.client.get_availability(*codes_of(channel), *ends(window), **options)
                found = [(row[4].ns, row[5].ns) for row in rows]
                wrong = wrong_spans(channel, spans, found, window.start_ns, window.end_ns)
                if "include_sample_rate" in options:
                    # Six digits, where the rate of a row changes.
                    rates = {f"{float(span.rate):.6g}" for span in spans}
                    wrong += [f"rate {row[6]}" for row in rows if f"{row[6]:.6g}" not in rates]
                if wrong:
                    failures.append(archive.failure(channel, (window, options), wrong))
    fail_if(failures)


def test_extents_are_the_first_and_the_last_sample(archives: list[Archive]) -> None:
    for archive in archives:
        expected = [
            (*codes_of(channel), min(channel.times_ns), max(channel.times_ns))
            for channel in archive.written.values()
        ]
        found = archive.client.get_availability_extent()
        assert [(*row[:4], row[4].ns, row[5].ns) for row in found] == sorted(expected), (
            archive.layout.table()
        )


def test_has_data_is_what_the_samples_say(archives: list[Archive]) -> None:
    failures = []
    answers = {True: 0, False: 0}
    for archive in archives:
        for channel, window in archive.questions("has data", archive.written):
            inside = samples_inside(channel, window.start_ns, window.end_ns)
            found = archive.client.has_data(*codes_of(channel), *ends(window))
            if inside is not None:
                answers[found] += 1
            if inside is (not found):
                failures.append(archive.failure(channel, window, [f"found {found}"]))
    fail_if(failures)
    assert LAYOUTS < 10 or min(answers.values()) > LAYOUTS


def test_percentages_are_what_the_samples_say(archives: list[Archive]) -> None:
    failures = []
    gaps_seen = 0
    for archive in archives:
        for channel, window in archive.questions("percentage", archive.written):
            length_ns = window.end_ns - window.start_ns
            if not length_ns:
                continue
            fraction, gaps = archive.client.get_availability_percentage(
                *codes_of(channel), *ends(window)
            )
            options = shares(channel, window.start_ns, window.end_ns)
            covered_ns = fraction * length_ns
            off_ns = (leeway_ns(channel) + 1000) * (2 + len(channel.single)) + 1e-12 * length_ns
            gaps_seen += gaps
            least, most = (
                Span(f(o.covered_ns for o in options), f(o.gaps for o in options), 0)
                for f in (min, max)
            )
            if not (
                least[0] - off_ns <= covered_ns <= most[0] + off_ns and least[1] <= gaps <= most[1]
            ):
                text = f"{covered_ns} ns, {gaps} gaps: expected {least[:2]} to {most[:2]}"
                failures.append(archive.failure(channel, window, [text]))
    fail_if(failures)
    assert gaps_seen
