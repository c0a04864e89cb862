"""A folder that appears under its name only when it is whole. Knows nothing of what is in it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from credit_fast.output_file import cannot_write, input_path, naming_output, sync

__all__ = ["check_folder", "check_inputs", "whole_folder"]


def check_folder(target: Path, *, overwrite: bool, names: Collection[str], proof: str) -> None:
    """Whether `target` can be made, before any work.

    An existing folder is replaced with `overwrite` only, and only when it is empty, or holds files
    of `names` and no more, the one that is the `proof` of an export among them. FileExistsError,
    NotADirectoryError or FileNotFoundError when it cannot be made.
    """
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder for {target.name}")
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise NotADirectoryError(f"{target} is a file: an export is a folder")
    if not overwrite:
        raise FileExistsError(f"{target} exists: choose another name, or replace it (--overwrite)")
    found = sorted(target.iterdir())
    others = [path.name for path in found if path.name not in names or not path.is_file()]
    if others:
        raise FileExistsError(
            f"{target} holds {others[0]}, which no export wrote: it is not replaced, "
            "choose another name"
        )
    if found and not (target / proof).is_file():
        raise FileExistsError(
            f"{target} has no {proof}, so no export wrote {found[0].name}: it is not replaced, "
            "choose another name"
        )


def check_inputs(target: Path, inputs: Iterable[object]) -> None:
    """ValueError when an input lies in the folder that is to be replaced."""
    for path in filter(None, map(input_path, inputs)):
        if path.resolve().is_relative_to(target.resolve()):
            raise ValueError(f"{path} is an input: {target} would be replaced, choose another name")


@contextmanager
def whole_folder(
    target: Path,
    *,
    overwrite: bool,
    names: Collection[str],
    proof: str,
    last_check: Callable[[], object] = lambda: None,
) -> Iterator[Path]:
    """Yield a new folder beside `target`; it gets that name when the block ends well.

    Whatever goes wrong before removes it, and an older folder keeps its name, or gets it back.
    Where another folder has taken the name meanwhile, the older one stays beside it under the name
    that the error tells; what a kill leaves names `left_parts`. `last_check` is called when all is
    written; what it raises stops the renaming. See `check_folder`, which is asked again before the
    renaming; OSError when the name cannot be given.
    """
    mark = secrets.token_hex(4)
    part = target.with_name(f"{target.name}.{mark}.part")
    old = target.with_name(f"{target.name}.{mark}.old")
    try:
        part.mkdir()
        made = part.stat()
    except OSError as error:
        raise cannot_write(target, error) from error
    try:
        yield part
        last_check()
        check_folder(target, overwrite=overwrite, names=names, proof=proof)
        with naming_output(target):
            for path in part.iterdir():
                sync(path)
            sync(part)
            if target.exists():
                target.rename(old)
            part.rename(target)
            sync(target.parent)
    finally:
        # An interrupt can come between any two steps: what is there tells how far it got.
        try:
            if old.exists():
                _settle(old, target, made)
        finally:
            if part.exists():
                shutil.rmtree(part)


def _settle(old: Path, target: Path, made: os.stat_result) -> None:
    """Remove the older folder when the one that was made has its name, else give it back."""
    if not os.path.lexists(target):
        old.rename(target)
    elif os.path.samestat(target.stat(), made):
        shutil.rmtree(old)
    else:
        raise FileExistsError(
            f"{target} appeared during the run and was not replaced; the older one is {old}"
        )
