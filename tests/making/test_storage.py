"""How nodes of a data set are stored: filters, types of attributes, the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from h5py import h5t
from memory_archive import event, noise, pick, three, trace

from credit_fast.hdf5.compression import Compression, parse_compression

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("gzip", Compression("gzip", 2)),
        ("gzip:6", Compression("gzip", 6)),
        ("lzf", Compression("lzf")),
        ("none", Compression("none")),
    ],
)
def test_a_compression_is_a_method_with_or_without_a_level(text: str, meaning: Compression) -> None:
    assert parse_compression(text) == meaning


@pytest.mark.parametrize("text", ["", "GZIP", "gzip:", "gzip:0", "gzip:10", "lzf:1", "zstd", "4"])
def test_another_compression_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected gzip, gzip:1 to gzip:9, lzf or none"):
        parse_compression(text)


@pytest.mark.parametrize(
    ("compression", "filters", "options"),
    [
        ("gzip", (True, "gzip"), 2),
        ("gzip:1", (True, "gzip"), 1),
        ("gzip:9", (True, "gzip"), 9),
        ("lzf", (True, "lzf"), None),
        ("none", (False, None), None),
    ],
)
@pytest.mark.parametrize("npts", [500, 262_145])
def test_each_compression_is_read_back_by_h5py(
    make: Any, compression: str, filters: tuple[bool, str | None], options: int | None, npts: int
) -> None:
    data = noise(3, npts)
    row = event(pick("P", 0.0), pick("S", (npts - 1) / 100))
    _, file = make([trace(f"{STATION}.HHZ", 0.0, data)], row, range_s=0.0, compression=compression)
    dataset = file[EVID][STATION]["HHZ"]
    assert np.array_equal(dataset[()], data)
    assert (dataset.shuffle, dataset.compression) == filters
    assert dataset.compression_opts == options


@pytest.mark.parametrize("compression", ["gzip", "lzf", "none"])
def test_components_that_are_alike_have_samples_and_attributes_of_their_own(
    make: Any, compression: str
) -> None:
    short = noise(7, 480)
    traces = [*three(STATION, 0.0, 500)[:2], trace(f"{STATION}.HHZ", 0.0, short)]
    row = event(pick("P", 0.0), pick("S", 4.99))
    _, file = make(traces, row, range_s=0.0, compression=compression)
    station = file[EVID][STATION]
    for item in traces:
        node = station[item.stats.channel]
        assert np.array_equal(node[: len(item.data)], item.data)
    assert [station[name].attrs["gaps"] for name in station] == ["", "", "480:20"]
    assert [list(node.attrs) for node in station.values()] == [list(station["HHZ"].attrs)] * 3
    assert station["HHE"].id != station["HHN"].id


def test_lzf_takes_samples_that_it_cannot_compress(make: Any) -> None:
    rng = np.random.default_rng(3)
    data = rng.integers(-(2**31), 2**31, 500, dtype=np.int32)
    row = event(pick("P", 0.0), pick("S", 4.99))
    traces = [trace(f"{STATION}.HHZ", 0.0, data)]
    _, file = make(traces, row, range_s=0.0, compression="lzf")
    dataset = file[EVID][STATION]["HHZ"]
    assert dataset.id.get_chunk_info(0).filter_mask == 2  # left uncompressed
    assert np.array_equal(dataset[()], data)


@pytest.mark.parametrize("compression", ["gzip", "lzf", "none"])
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_the_fill_value_of_a_dataset_is_that_of_its_gaps(
    make: Any, compression: str, dtype: str
) -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.0, noise(1, 200)),
        trace(f"{STATION}.HHZ", 3.0, noise(1, 200)),
    ]
    row = event(pick("P", 0.0), pick("S", 4.99))
    _, file = make(traces, row, range_s=0.0, compression=compression, dtype=dtype, fill=-31)
    dataset = file[EVID][STATION]["HHZ"]
    assert dataset.dtype == np.dtype(dtype)
    assert dataset.fillvalue == -31
    assert set(dataset[200:300].tolist()) == {-31}


def test_attributes_have_the_types_that_readers_take(make: Any) -> None:
    _, file = make(three(STATION, 0.0, 500), event(pick("P", 3.0)))
    nodes = (file[EVID], file[EVID][STATION], file[EVID][STATION]["HHZ"])
    kinds = {name: node.attrs.get_id(name).get_type() for node in nodes for name in node.attrs}
    texts = [kind for kind in kinds.values() if isinstance(kind, h5t.TypeStringID)]
    assert all(kind.is_variable_str() and kind.get_cset() == h5t.CSET_UTF8 for kind in texts)
    numbers = {name: kind for name, kind in kinds.items() if kind not in texts}
    assert numbers.pop("waveform_length_sample").dtype == np.dtype("<i8")
    assert numbers.keys() >= {"lat", "mag", "P.dist", "delta", "completeness"}
    assert {kind.dtype for kind in numbers.values()} == {np.dtype("<f8")}


def test_a_file_is_the_same_byte_by_byte_when_it_is_made_again(make: Any) -> None:
    contents = []
    for _ in range(2):
        _, file = make(three(STATION, 0.0, 500), event(pick("P", 3.0)), overwrite=True)
        contents.append(Path(file.filename).read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("compression", ["gzip", "lzf", "none"])
def test_samples_of_each_type_are_stored_as_they_are_beside_others_of_one_length(
    make: Any, compression: str
) -> None:
    """More than two of each: the third of a kind is a copy of a model."""
    kinds = [np.int32, np.float32, np.float64] * 5
    traces, picks = [], []
    for number, kind in enumerate(kinds):
        name = f"X1.S{number:02d}.00"
        data = noise(number, 500).astype(kind)
        traces.append(trace(f"{name}.HHZ", 0.0, data if kind == np.int32 else data + kind(0.5)))
        picks.append(pick("P", 2.0, f"{name}.HHZ"))
    _, file = make(traces, event(*picks), range_s=9.0, compression=compression, dtype="as-is")
    for given in traces:
        stored = file[EVID][given.id[:-4]]["HHZ"]
        assert stored.dtype == given.data.dtype
        assert np.array_equal(stored[()], given.data)
