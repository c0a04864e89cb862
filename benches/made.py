"""What the answers of the tasks at scale must be, from what was made. Runs no program."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from answers import Answer, rows_digest
from scale import ManyFiles
from setting import Setting
from workers import Case, Maker

#: Samples of each record that the task touched asks for.
TOUCHED_NPTS = 101


def _rows(choose: Callable[[Setting], ManyFiles], setting: Setting) -> Case:
    return Case(lambda: choose(setting).rows(), rows_digest)


def _touched(setting: Setting) -> Case:
    """All windows, file by file within each channel."""

    def answer(_: object) -> Answer:
        digest = hashlib.sha256()
        small = setting.scale.small
        for group in range(small.groups):
            samples = small.samples(group, 0)[:TOUCHED_NPTS].tobytes()
            for _ in range(small.files):
                digest.update(samples)
        return {"windows": {"number": small.n_files, "sha256": digest.hexdigest()}}

    return Case(lambda: None, answer)


CASES: dict[tuple[str, str], Maker] = {
    ("small", "made"): partial(_rows, lambda setting: setting.scale.small),
    ("rows", "made"): partial(_rows, lambda setting: setting.scale.rows),
    ("memory", "made, many files"): partial(_rows, lambda setting: setting.scale.small),
    ("memory", "made, many rows"): partial(_rows, lambda setting: setting.scale.rows),
    ("touched", "made"): _touched,
}
