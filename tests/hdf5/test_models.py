"""Nodes that are copies of a model are those that h5py's own calls make."""

from __future__ import annotations

import math
import random
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5g

from credit_fast.hdf5 import models
from credit_fast.hdf5.models import Models, link_named

Attributes = list[tuple[str, Any]]

VALUES: list[Attributes] = [
    [("time", "2012/03/01 13:22:11.000000"), ("lat", 29.5), ("npts", 1), ("strs", "")],
    [("time", "2012/03/01 13:22:12.000000"), ("lat", 0.0), ("npts", 2), ("strs", "四川")],
    [("time", "2012/03/01 13:22:12.000000"), ("lat", -0.0), ("npts", 2), ("strs", "四川")],
    [("time", "2012/03/01 13:22:12.000000"), ("lat", math.nan), ("npts", 0), ("strs", "a" * 999)],
    [("time", 3.0), ("lat", 29.5), ("npts", 1), ("strs", "")],
    [("time", "2012/03/01 13:22:11.000000"), ("lat", 29), ("npts", 1), ("strs", "")],
    [("time", "2012/03/01 13:22:11.000000"), ("lat", 29.5)],
    [("lat", 29.5), ("time", "2012/03/01 13:22:11.000000")],
    [],
]


def open_files() -> int:
    count: int = h5py.h5f.get_obj_count(types=h5py.h5f.OBJ_FILE)
    return count


def by_models(path: Path, rows: list[tuple[str, Attributes]]) -> None:
    with h5py.File(path, "w") as file:
        root, made = file["/"].id, Models()
        for name, attributes in rows:
            create = partial(h5g.create, root, name.encode(), link_named(name))
            node = made.make(root, name, "group", create, attributes)
            assert isinstance(node, h5g.GroupID)


def by_h5py(path: Path, rows: list[tuple[str, Attributes]]) -> None:
    with h5py.File(path, "w") as file:
        for name, attributes in rows:
            group = file.create_group(name)
            for label, value in attributes:
                if isinstance(value, str):
                    group.attrs.create(label, value, dtype=h5py.string_dtype("utf-8"))
                else:
                    group.attrs[label] = value


def told(path: Path) -> list[Any]:
    """Everything of each group: how its name is encoded, its attributes, their types and bytes."""
    found = []
    with h5py.File(path) as file:
        for name, group in file.items():
            attributes = []
            for label in group.attrs:
                identity = group.attrs.get_id(label)
                kind = identity.get_type()
                text = kind.get_cset() if isinstance(kind, h5py.h5t.TypeStringID) else None
                value = group.attrs[label]
                bits = value if isinstance(value, str) else np.asarray(value).tobytes()
                attributes.append((label, str(identity.dtype), text, identity.shape, bits))
            cset = file.id.links.get_info(name.encode()).cset
            found.append((name, cset, attributes))
    return found


@pytest.mark.parametrize("most", [1024, 2])
def test_attributes_are_those_that_h5py_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Whichever groups were made before, and when models are forgotten, too."""
    monkeypatch.setattr(models, "_MOST_KINDS", most)
    draw = random.Random(1)
    rows = [(f"{number}{draw.choice(('', '台'))}", draw.choice(VALUES)) for number in range(300)]
    by_models(tmp_path / "ours.h5", rows)
    by_h5py(tmp_path / "h5py.h5", rows)
    assert told(tmp_path / "ours.h5") == told(tmp_path / "h5py.h5")


def test_no_model_is_in_the_file_and_nothing_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    by_models(tmp_path / "ours.h5", [(str(number), VALUES[0]) for number in range(100)])
    assert [path.name for path in tmp_path.iterdir()] == ["ours.h5"]
    with h5py.File(tmp_path / "ours.h5") as file:
        assert len(file) == 100


def test_a_copy_costs_hardly_any_room(tmp_path: Path) -> None:
    """What a text of the model had is given back when another one takes its place."""
    draw = random.Random(1)
    rows = [
        (str(number), [("time", f"{number:030d}"), ("strs", "s" * draw.randrange(50, 300))])
        for number in range(1000)
    ]
    by_models(tmp_path / "ours.h5", rows)
    by_h5py(tmp_path / "h5py.h5", rows)
    ours, theirs = ((tmp_path / name).stat().st_size for name in ("ours.h5", "h5py.h5"))
    assert ours <= 1.02 * theirs


def test_two_of_a_kind_are_made_and_all_others_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_MOST_KINDS", 4)
    made: list[str] = []
    before = open_files()
    with h5py.File(tmp_path / "ours.h5", "w") as file:
        root, of_kind = file["/"].id, Models()

        def create(name: str) -> h5g.GroupID:
            made.append(name)
            return h5g.create(root, name.encode())

        for number in range(90):
            kind = f"{number % 3}"
            of_kind.make(root, f"{kind} {number}", kind, partial(create, f"{kind} {number}"), [])
        assert made == ["0 0", "1 1", "2 2", "0 3", "1 4", "2 5"]
        # With too many kinds it begins anew, and keeps no more files than one.
        for number in range(90, 190):
            of_kind.make(root, f"{number}", number, partial(create, f"{number}"), [])
        assert len(of_kind._models) <= 4
        assert open_files() == before + 2


def test_datasets_are_of_one_kind_each(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "ours.h5", "w") as file:
        root, made = file["/"].id, Models()
        for number in range(20):
            npts = 10 + number % 3

            def create(number: int = number, npts: int = npts) -> h5py.h5d.DatasetID:
                return file.create_dataset(str(number), (npts,), "i4", compression=1).id

            made.make(root, str(number), npts, create, [("number", number)])
    with h5py.File(tmp_path / "ours.h5") as file:
        for number in range(20):
            dataset = file[str(number)]
            assert dataset.shape == (10 + number % 3,)
            assert (dataset.compression, dataset.attrs["number"]) == ("gzip", number)
