"""A file that is one whole state or the next, whatever happens between two calls."""

from __future__ import annotations

import random
from pathlib import Path

import h5py
import numpy as np
import pytest

from credit_fast.making.patched_file import PAGE, PatchedFile, restore


@pytest.mark.parametrize("seed", range(4))
def test_it_reads_like_a_file_and_comes_back_as_each_of_its_states(
    tmp_path: Path, seed: int
) -> None:
    """Random calls against a bytearray; whenever it ends, it is the last state of the journal."""
    draw = random.Random(seed)
    path = tmp_path / "file"
    file = PatchedFile(path, 0)
    model = bytearray()
    journaled: tuple[bytes, dict[int, bytes]] = b"", {}
    pending: tuple[bytes, dict[int, bytes]] | None = None
    seen = {"states": 0, "shorter": 0, "written before settling": 0}

    def check_crash() -> None:
        crashed = tmp_path / "crashed"
        crashed.write_bytes(path.read_bytes())
        state, pages = journaled
        restore(crashed, len(state), pages)
        assert crashed.read_bytes() == state

    for _ in range(3000):
        place = draw.randrange(0, 5 * PAGE)
        match draw.randrange(20):
            case 0 if pending is None:
                pending = bytes(model), dict(file.next_state())
                seen["states"] += 1
                seen["shorter"] += file.is_shorter
                check_crash()
                if not file.is_shorter:
                    continue  # it may be written to before the journal has that state
                journaled, pending = pending, None
                check_crash()
                file.settle()
                check_crash()
                assert path.stat().st_size == len(model)
            case 0 | 1 if pending is not None:
                journaled, pending = pending, None
                check_crash()
                file.settle()
                check_crash()
            case 2:
                file.truncate(place)
                kept = min(place, len(model))
                model[kept:] = bytes(place - kept)
            case 3 | 4 | 5 | 6 | 7:
                file.seek(place)
                length = draw.randrange(0, 2 * PAGE)
                assert file.read(length) == model[place : place + length]
            case _:
                data = draw.randbytes(draw.choice([1, 10, 100, PAGE, 3 * PAGE]))
                file.seek(place)
                assert file.write(data) == len(data)
                model[len(model) : place] = bytes(max(0, place - len(model)))
                model[place : place + len(data)] = data
                assert file.size == len(model)
                seen["written before settling"] += pending is not None
                if draw.random() < 0.1:
                    check_crash()
    assert all(count > 30 for count in seen.values()), seen
    if pending is not None:
        file.settle()
        journaled = pending
    file.abandon()
    file.seek(0)
    file.write(b"nothing of this")
    file.close()
    file.close()
    file.abandon()  # its number may be another file's by now
    check_crash()


def test_a_file_shorter_than_its_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(99))
    with pytest.raises(ValueError, match="has 99 bytes, expected at least 100"):
        restore(path, 100, {})


def test_an_hdf5_file_is_whole_in_each_of_its_states(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    raw = PatchedFile(path, 0)
    states = []
    with h5py.File(raw, "w") as file:
        for number in range(300):
            group = file.create_group(f"event {number}")
            group.attrs["text"] = "x" * number
            group.create_dataset("samples", data=np.arange(number * 10), chunks=True)
            if number % 23 == 0:
                file.flush()
                pages = raw.next_state()
                copy = tmp_path / f"{number}.h5"
                copy.write_bytes(path.read_bytes())
                states.append((copy, number + 1, raw.size, pages))
                raw.settle()
    raw.next_state()
    raw.settle()
    raw.close()
    states.append((path, 300, path.stat().st_size, {}))
    for copy, count, size, pages in states:
        restore(copy, size, pages)
        with h5py.File(copy) as file:
            assert len(file) == count
            for number in range(count):
                assert len(file[f"event {number}"].attrs["text"]) == number
                assert file[f"event {number}/samples"][()].tolist() == list(range(number * 10))


def test_what_is_written_again_as_it_was_is_no_change(tmp_path: Path) -> None:
    file = PatchedFile(tmp_path / "file", 0)
    file.write(bytes(range(256)) * 64)
    file.next_state()
    file.settle()
    file.seek(0)
    file.write(bytes(range(256)) * 64)
    file.seek(PAGE + 5)
    file.write(b"new")
    assert list(file.next_state()) == [1]
    file.settle()
    file.close()


def test_states_of_a_long_run_are_no_larger_than_those_of_a_short_one(tmp_path: Path) -> None:
    """HDF5 writes the names of all groups again with each state."""
    raw = PatchedFile(tmp_path / "a.h5", 0)
    pages = []
    with h5py.File(raw, "w") as file:
        for number in range(20_000):
            file.create_group(f"event {number:06d}")
            if number % 100 == 99:
                file.flush()
                pages.append(len(raw.next_state()))
                raw.settle()
    raw.next_state()
    raw.settle()
    raw.close()
    assert max(pages[-50:]) <= max(pages[10:60]) + 3
