"""Samples read past HDF5's filters: those that h5py reads, or an error that names the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from memory_archive import noise

from credit_fast import open_dataset
from credit_fast.errors import DatasetError
from credit_fast.hdf5 import layout, samples
from credit_fast.hdf5.samples import read_samples

DATA = noise(3, 5000)
GZIP = {"compression": "gzip"}


@pytest.fixture
def file(tmp_path: Path) -> Any:
    with h5py.File(tmp_path / "samples.h5", "w") as opened:
        yield opened


def is_known(dataset: h5py.Dataset) -> bool:
    """Whether it is read without HDF5's filters."""
    return samples._find_chunks(dataset.id) is not None


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (5000,)},
        {"chunks": (5000,), "shuffle": True},
        {"chunks": (5000,), **GZIP},
        {"chunks": (5000,), "shuffle": True, **GZIP},
        {"chunks": True, **GZIP},  # the toolkit's
        {"chunks": (5000,), "maxshape": (None,), "shuffle": True, **GZIP},
        {"chunks": (700,), "shuffle": True, **GZIP},
        {"chunks": (1,), **GZIP},
    ],
)
@pytest.mark.parametrize("dtype", ["<i4", "<f4", "<f8"])
def test_all_forms_of_both_writers_are_read_without_the_filters(
    file: h5py.File, options: dict[str, Any], dtype: str
) -> None:
    dataset = file.create_dataset("x", data=DATA.astype(dtype), **options)
    assert is_known(dataset)
    (found,) = read_samples([dataset.id])
    assert found.dtype == np.dtype(dtype)
    assert np.array_equal(found, DATA)


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("<i4", {}),
        ("<i4", {"chunks": (5000,), "compression": "lzf"}),
        ("<i4", {"chunks": (5000,), "fletcher32": True, **GZIP}),
        ("<i4", {"chunks": (5000,), "scaleoffset": 0}),
        (">i4", {"chunks": (5000,), **GZIP}),
        ("<i8", {"chunks": (5000,), **GZIP}),
        ("<u4", {"chunks": (5000,), **GZIP}),
    ],
)
def test_anything_else_is_left_to_h5py(
    file: h5py.File, dtype: str, options: dict[str, Any]
) -> None:
    dataset = file.create_dataset("x", data=np.abs(DATA).astype(dtype), **options)
    assert not is_known(dataset)
    (found,) = read_samples([dataset.id])
    assert np.array_equal(found, np.abs(DATA))


def test_a_chunk_that_is_not_there_has_the_fill_value(file: h5py.File) -> None:
    dataset = file.create_dataset("x", (900,), "<i4", chunks=(300,), fillvalue=7, **GZIP)
    dataset[300:600] = 1
    assert not is_known(dataset)
    assert read_samples([dataset.id])[0].tolist() == [7] * 300 + [1] * 300 + [7] * 300


@pytest.mark.parametrize("mask", [2, 3])
def test_chunks_that_a_filter_left_as_they_are_follow_their_mask(
    file: h5py.File, mask: int
) -> None:
    dataset = file.create_dataset("x", (5000,), "<i4", chunks=(5000,), shuffle=True, **GZIP)
    stored = DATA.astype("<i4").view(np.uint8)
    if mask == 2:  # only the second filter, gzip, was left out
        stored = np.ascontiguousarray(stored.reshape(-1, 4).T)
    dataset.id.write_direct_chunk((0,), stored.tobytes(), filter_mask=mask)
    assert is_known(dataset)
    assert np.array_equal(read_samples([dataset.id])[0], DATA)


def test_many_datasets_at_once_keep_their_order(file: h5py.File) -> None:
    forms = [{"chunks": (4000,), **GZIP}, {}, {"chunks": (333,), "shuffle": True}]
    nodes = [
        file.create_dataset(f"{n}", data=DATA[: 4999 - n].astype(dtype), **forms[n % 3]).id
        for n, dtype in enumerate(["<i4", "<f8", "<f4", "<f8", "<i4"])
    ]
    for threads in (1, 3):
        for n, found in enumerate(read_samples(nodes, threads)):
            assert np.array_equal(found, DATA[: 4999 - n])
    assert read_samples([]) == []


def test_samples_of_eight_bytes_stand_behind_any_number_of_four(file: h5py.File) -> None:
    data = DATA[:1001]
    nodes = [
        file.create_dataset(dtype[1:], data=data.astype(dtype), chunks=(1001,), **GZIP).id
        for dtype in ("<i4", "<f8", "<f4")
    ]
    for found, dtype in zip(read_samples(nodes), ("<i4", "<f8", "<f4"), strict=True):
        assert found.dtype == np.dtype(dtype)
        assert found.flags.aligned
        assert np.array_equal(found, data)


@pytest.mark.parametrize(
    ("chunk", "npts", "known"),
    [(1 << 21, 10, True), ((1 << 21) + 1, 10, False), (1, 16_384, True), (1, 16_385, False)],
)
def test_larger_or_more_chunks_are_left_to_h5py(
    file: h5py.File, chunk: int, npts: int, known: bool
) -> None:
    """Of four bytes: 8 MiB of memory for a chunk, whatever is in it."""
    data = noise(1, npts)
    options = {"maxshape": (None,), "chunks": (chunk,), **GZIP}
    dataset = file.create_dataset("x", data=data, **options)
    assert is_known(dataset) == known
    assert np.array_equal(read_samples([dataset.id])[0], data)


def test_bytes_that_were_shuffled_for_another_size_are_left_to_h5py(tmp_path: Path) -> None:
    """The size of an element stands in the file, beside the type."""
    path = tmp_path / "two.h5"
    with h5py.File(path, "w") as made:
        made.create_dataset("x", data=DATA, chunks=(5000,), shuffle=True, **GZIP)
    content = path.read_bytes()
    told = b"shuffle\0" + (4).to_bytes(4, "little")
    assert content.count(told) == 1
    path.write_bytes(content.replace(told, b"shuffle\0" + (2).to_bytes(4, "little")))
    with h5py.File(path) as opened:
        dataset = opened["x"]
        assert not is_known(dataset)
        assert np.array_equal(read_samples([dataset.id])[0], dataset[()])
        assert not np.array_equal(dataset[()], DATA)


def test_more_than_the_kept_memory_is_read_in_parts(
    file: h5py.File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "_KEPT_BYTES", 1000)
    dataset = file.create_dataset("x", data=DATA, chunks=(100,), shuffle=True, **GZIP)
    assert np.array_equal(read_samples([dataset.id])[0], DATA)


class Asked:
    """A dataset that notes what is asked of it."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.names.append(name)
        return getattr(self.node, name)


def test_many_chunks_are_found_by_one_question_and_undone_a_few_at_a_time(
    file: h5py.File, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question for each goes through all of them each time; 16,384 took five seconds."""
    data = noise(1, 4 * 1000 + 1)
    dataset = file.create_dataset("x", data=data, chunks=(4,), shuffle=True, **GZIP)
    few, many = Asked(file.create_dataset("few", data=data[:8], chunks=(4,)).id), Asked(dataset.id)
    found = [samples._find_chunks(node) for node in (few, many)]  # type: ignore[arg-type]
    assert [len(item.infos) for item in found if item is not None] == [2, 1001]
    assert few.names == many.names

    numbers: list[int] = []
    undo = samples.decompress_chunks

    def counted(jobs: list[Any], threads: int) -> Any:
        numbers.append(len(jobs))
        return undo(jobs, threads)

    monkeypatch.setattr(samples, "decompress_chunks", counted)
    assert np.array_equal(read_samples([dataset.id])[0], data)
    assert sum(numbers) == 1001
    assert max(numbers) <= 256


def test_without_a_list_of_chunks_hdf5_reads(
    file: h5py.File, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As h5py on an older HDF5 has none."""
    dataset = file.create_dataset("x", data=DATA, chunks=(700,), **GZIP)
    assert is_known(dataset)
    monkeypatch.setattr(samples, "_CAN_LIST", False)
    assert not is_known(dataset)
    assert np.array_equal(read_samples([dataset.id])[0], DATA)


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (b"no zlib stream at all", "damaged"),
        (b"x", "damaged"),
        (b"x" * 5000, "claims 5000 bytes"),
    ],
)
def test_a_damaged_chunk_is_named(file: h5py.File, stored: bytes, text: str) -> None:
    dataset = file.create_dataset("a/x", data=DATA, chunks=(1000,), shuffle=True, **GZIP)
    dataset.id.write_direct_chunk((3000,), stored)
    place = "samples of /a/x are unreadable: the chunk of samples 3000 to 3999"
    with pytest.raises(DatasetError, match=f"{place}.*{text}"):
        read_samples([dataset.id])


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A data set of one station record; another file has a link to its event."""
    with h5py.File(tmp_path / "part.h5", "w") as made:
        for n, name in enumerate(("HHZ", "HHE", "HHN")):
            made.create_dataset(f"ev/XX.A.00/{name}", data=DATA + n, **GZIP)
        made.create_group("ev/XX.B.00")
        made.create_group("ev/XX.C.00/HHZ")
    with h5py.File(tmp_path / "master.h5", "w") as made:
        made["ev"] = h5py.ExternalLink("part.h5", "/ev")
    return tmp_path


@pytest.mark.parametrize("name", ["part.h5", "master.h5"])
def test_the_waveforms_of_a_record_are_there_by_channel(records: Path, name: str) -> None:
    with open_dataset(records / name) as dataset:
        found = dataset.waveforms("ev", "XX.A.00")
        assert list(found) == ["HHE", "HHN", "HHZ"]
        for n, channel in enumerate(("HHZ", "HHE", "HHN")):
            assert np.array_equal(found[channel], DATA + n)
        assert dataset.waveforms("ev", "XX.B.00", threads=1) == {}


def test_waveforms_of_no_record_are_a_key_error(records: Path) -> None:
    with open_dataset(records / "part.h5") as dataset:
        for evid, station in (("no", "XX.A.00"), ("ev", "XX.A."), ("", ""), ("ev/XX.A.00", "HHZ")):
            with pytest.raises(KeyError, match="no station record"):
                dataset.waveforms(evid, station)
        with pytest.raises(DatasetError, match="HHZ is not a readable 1-D dataset"):
            dataset.waveforms("ev", "XX.C.00")
        with pytest.raises(ValueError, match="threads 0"):
            dataset.waveforms("ev", "XX.A.00", threads=0)


def test_a_component_that_claims_too_many_samples_costs_no_memory(records: Path) -> None:
    """Without a chunk in the file they would be a gibibyte of zeros."""
    with h5py.File(records / "part.h5", "a") as made:
        npts = layout.MAX_SAMPLES + 1
        made.create_dataset("ev/XX.B.00/HHZ", (npts,), "<i4", chunks=(1 << 20,), **GZIP)
    text = "HHZ claims 268435457 samples, more than 268435456"
    with (
        open_dataset(records / "part.h5") as dataset,
        pytest.raises(DatasetError, match=text),
    ):
        dataset.waveforms("ev", "XX.B.00")


def test_a_link_to_a_file_that_is_gone_is_a_dataset_error(records: Path) -> None:
    (records / "part.h5").unlink()
    with open_dataset(records / "master.h5") as dataset, pytest.raises(DatasetError):
        dataset.waveforms("ev", "XX.A.00")
