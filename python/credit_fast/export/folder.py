"""A folder that appears under its name only when it is whole. Knows nothing of what is in it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from credit_fast.output_file import cannot_write, sync

__all__ = ["check_folder", "whole_folder"]


def check_folder(target: Path, *, overwrite: bool, is_ours: Callable[[str], bool]) -> None:
    """Whether `target` can be made, before any work.

    An existing folder is replaced with `overwrite` only, and only when `is_ours` says of the name
    of each thing in it that an export wrote it. FileExistsError, NotADirectoryError or
    FileNotFoundError when it cannot be made.
    """
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder for {target.name}")
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise NotADirectoryError(f"{target} is a file: an export is a folder")
    if not overwrite:
        raise FileExistsError(f"{target} exists: choose another name, or replace it (--overwrite)")
    others = sorted(path.name for path in target.iterdir() if not is_ours(path.name))
    if others:
        raise FileExistsError(
            f"{target} holds {others[0]}, which no export wrote: it is not replaced, "
            "choose another name"
        )


@contextmanager
def whole_folder(
    target: Path,
    *,
    overwrite: bool,
    is_ours: Callable[[str], bool],
    last_check: Callable[[], object] = lambda: None,
) -> Iterator[Path]:
    """Yield a new folder beside `target`; it gets that name when the block ends well.

    Whatever goes wrong before removes it, and an older folder stays as it was. `last_check` is
    called when all is written; what it raises stops the renaming. See `check_folder`, which is
    asked again before the renaming; OSError when the name cannot be given.
    """
    mark = secrets.token_hex(4)
    part = target.with_name(f"{target.name}.{mark}.part")
    old = target.with_name(f"{target.name}.{mark}.old")
    try:
        part.mkdir()
    except OSError as error:
        raise cannot_write(target, error) from error
    try:
        yield part
        last_check()
        check_folder(target, overwrite=overwrite, is_ours=is_ours)
        try:
            for path in part.iterdir():
                sync(path)
            sync(part)
            if target.exists():
                target.rename(old)
            try:
                part.rename(target)
            except OSError:
                if old.exists():
                    old.rename(target)
                raise
            sync(target.parent)
        except OSError as error:
            raise cannot_write(target, error) from error
    finally:
        for left in (part, old):
            if left.exists():
                shutil.rmtree(left)
