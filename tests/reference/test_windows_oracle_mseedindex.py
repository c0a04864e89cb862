"""Windows by an index of mseedindex, against the oracle of `test_windows_oracle.py`.

In its rows time may go back and spans overlap: there a record has its own time.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tsindex_rows import mseedindex
from window_layouts import WindowDrawing, draw_layout
from window_oracle import Channel, Trace, Window

from credit_fast import Client, UTCDateTime

SEED = 7_000
LAYOUTS = 25


@pytest.mark.parametrize("merge", [-1, None])
def test_windows_by_an_index_of_mseedindex_hold_the_samples_that_the_rule_names(
    tmp_path: Path, merge: int | None
) -> None:
    command = mseedindex()
    asked: Counter[str] = Counter()
    for seed in range(SEED, SEED + LAYOUTS):
        layout = draw_layout(seed)
        folder, database = tmp_path / f"{seed}", tmp_path / f"{seed}.db"
        folder.mkdir()
        for file in range(len(layout.files)):
            path = folder / f"{file}.mseed"
            path.write_bytes(layout.contents(file))
            subprocess.run([command, "-sqlite", str(database), str(path)], check=True)
        client = Client(database)
        drawing = WindowDrawing(layout, "mseedindex")
        for id_ in drawing.ids:
            # Nothing is decided: each file has its own time of scanning, whole seconds.
            channel = Channel([r for r in layout.records if r.id == id_], sorted_rows=False)
            for _ in range(12):
                window = Window(*drawing.window(id_), drawing.random.choice(["nearest", "inside"]))
                ends = UTCDateTime(ns=window.start_ns), UTCDateTime(ns=window.end_ns)
                codes = channel.records[0].codes
                stream = client.get_waveforms(*codes, *ends, merge, edge=window.edge, version="all")
                traces = [
                    Trace(t.id, t.stats.starttime.ns, t.stats.sampling_rate, np.asarray(t.data))
                    for t in stream
                ]
                pieces = merge is None
                wrong = channel.impossible(traces, window, pieces=pieces)
                if channel.is_plain and not pieces:
                    wrong += channel.wrong_traces(traces, window)
                assert not wrong, f"{id_} {window}:\n" + "\n".join(wrong) + layout.table([id_])
                asked["all"] += 1
                asked["found"] += bool(traces)
                asked["plain"] += channel.is_plain
    assert min(asked["found"], 2 * asked["plain"]) > asked["all"] / 2
