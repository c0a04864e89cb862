"""A file that is one whole state or the next, whatever happens between two calls."""

from __future__ import annotations

import random
from pathlib import Path

import h5py
import numpy as np
import pytest

from credit_fast.making.patched_file import PAGE, PatchedFile, restore


def test_it_reads_like_a_file_and_comes_back_as_each_of_its_states(tmp_path: Path) -> None:
    """Random writes, reads and lengths against a bytearray; after each state, all of it again."""
    draw = random.Random(7)
    path = tmp_path / "file"
    file = PatchedFile(path, 0)
    model = bytearray()
    states: list[tuple[bytes, dict[int, bytes]]] = []
    for step in range(3000):
        place = draw.randrange(0, 5 * PAGE)
        match draw.randrange(20):
            case 0:
                pages = dict(file.next_state())
                states.append((bytes(model), pages))
                at_once = draw.random() < 0.5
                if at_once:
                    file.settle()
                crashed = tmp_path / f"crashed{step}"
                crashed.write_bytes(path.read_bytes())
                restore(crashed, len(model), pages)
                assert crashed.read_bytes() == model
                if not at_once:
                    file.seek(0)
                    assert file.read(len(model)) == model
                    file.settle()
            case 1:
                file.truncate(place)
                kept = min(place, len(model))
                model[kept:] = bytes(place - kept)
            case 2 | 3 | 4 | 5 | 6:
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
                if states and draw.random() < 0.05:
                    # What came after a state does not touch it.
                    state, pages = states[-1]
                    crashed = tmp_path / f"crashed{step}"
                    crashed.write_bytes(path.read_bytes())
                    restore(crashed, len(state), pages)
                    assert crashed.read_bytes() == state
    assert len(states) > 50
    file.abandon()
    file.seek(0)
    file.write(b"nothing of this")
    file.close()
    file.close()
    restore(path, len(states[-1][0]), states[-1][1])
    assert path.read_bytes() == states[-1][0]


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
