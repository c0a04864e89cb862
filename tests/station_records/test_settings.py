"""What a user may choose: ranges, names, configuration files, and the window that comes of it."""

from __future__ import annotations

import pickle
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from memory_archive import at, event, pick, three

from credit_fast.hdf5 import layout
from credit_fast.station_records import Settings

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"range_s": "500"}, "range_s '500': expected 0 to 1000000 seconds"),
        ({"range_s": True}, "range_s True: expected 0 to 1000000 seconds"),
        ({"before_s": -1}, "before_s -1: expected 0 to 1000000 seconds"),
        ({"after_s": float("inf")}, "after_s inf: expected 0 to 1000000 seconds"),
        ({"min_length_s": None}, "min_length_s None: expected 0 to 1000000 seconds"),
        (
            {"around": "orign"},
            "around 'orign': expected one of picks, origin; did you mean origin?",
        ),
        ({"rate_hz": "fast"}, "rate_hz 'fast': expected a positive rate in Hz, or None for any"),
        ({"fill": 0.5}, "fill 0.5: expected an int32 value"),
        (
            {"compression": "gzip:10"},
            "compression 'gzip:10': expected gzip, gzip:1 to gzip:9, lzf or none",
        ),
        (
            {"channels": "BHZ"},
            "channels 'BHZ': expected two letters of a band and `?`, as HH? (orientations are "
            "`components`)",
        ),
        ({"channels": 5}, "channels 5: expected words between commas, or a list of them"),
        ({"resample_hz": 0}, "resample_hz 0: expected a positive rate in Hz, or None to leave it"),
        (
            {"dtype": "int16"},
            "dtype 'int16': expected one of as-is, int32, float32, float64; did you mean int32?",
        ),
        ({"noise": -1}, "noise -1: expected 0 or more windows"),
        ({"noise_seed": 0.5}, "noise_seed 0.5: expected a whole number"),
        ({"phases": "Pg,a/b"}, "phases: phase name 'a/b' holds one of , . / or NUL"),
        ({"min_picks": -1}, "min_picks -1: expected 0 or more picks"),
        ({"max_distance_km": "far"}, "max_distance_km 'far': expected 0 to 20100 km"),
        ({"all_stations": 1}, "all_stations 1: expected true or false"),
        ({"all_stations": True}, "all_stations needs max_distance_km: how far is all?"),
        (
            {"gaps": "spilt"},
            "gaps 'spilt': expected one of fill, split, drop; did you mean split?",
        ),
        (
            {"max_gap_s": 1.0},
            "max_gap_s 1.0: all gaps are filled unless `gaps` is split or drop",
        ),
        ({"components": ["Z"]}, "components ['Z']: expected letters of E N Z 1 2, each once"),
    ],
)
def test_what_is_out_of_its_range_is_named_with_what_is_expected(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError) as caught:
        Settings(**options)
    assert str(caught.value) == words


@pytest.mark.parametrize("options", [{"rate_hz": None}, {"rate_hz": 50}, {"resample_hz": 50}])
def test_settings_come_back_from_their_toml_and_their_dict(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    made = Settings(range_s=30, after_s=90.5, around="origin", channels="BH?, HH?", **options)
    (tmp_path / "made.toml").write_text(made.to_toml())
    assert Settings.from_toml(tmp_path / "made.toml") == made
    assert Settings.from_dict(made.to_dict()) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert hash(Settings.from_dict(made.to_dict())) == hash(made)
    assert Settings(range_s=30).to_toml() == Settings(range_s=30.0).to_toml()
    assert made.to_dict().keys() == {field.name for field in fields(Settings)}
    (tmp_path / "empty.toml").write_text("# all defaults\n")
    assert Settings.from_toml(tmp_path / "empty.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rang_s = 5", "unknown key 'rang_s': did you mean range_s?"),
        ("zzz = 5", "unknown key 'zzz': expected one of range_s, before_s, "),
        ("range_s = -5", "range_s -5: expected 0 to 1000000 seconds"),
        ("range_s 5", "is no TOML: "),
        ("rate_hz = 50\nresample_hz = 100", "expected one of them"),
    ],
)
def test_a_fault_of_a_configuration_file_is_told_with_the_name_of_the_file(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "set.toml"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        Settings.from_toml(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_bytes_that_are_no_text_are_no_toml(tmp_path: Path) -> None:
    (tmp_path / "set.toml").write_bytes(b"range_s = 5 # \xff")
    with pytest.raises(ValueError, match="is no TOML"):
        Settings.from_toml(tmp_path / "set.toml")
    with pytest.raises(FileNotFoundError):
        Settings.from_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("options", "window"),
    [
        ({"range_s": 2.0}, (3.0, 9.0)),
        ({"range_s": 2.0, "before_s": 1.0}, (4.0, 9.0)),
        ({"range_s": 2.0, "after_s": 0.0}, (3.0, 7.0)),
        ({"range_s": 2.0, "around": "origin"}, (-2.0, 2.0)),
        ({"before_s": 1.0, "after_s": 8.0, "around": "origin"}, (-1.0, 8.0)),
        ({"range_s": 2.0, "min_length_s": 10.0}, (1.0, 11.0)),
        ({"before_s": 0.0, "after_s": 4.0, "min_length_s": 10.0}, (3.0, 13.0)),
        ({"range_s": 2.0, "min_length_s": 5.0}, (3.0, 9.0)),
    ],
)
def test_the_window_goes_around_picks_or_origin(
    options: dict[str, Any], window: tuple[float, float]
) -> None:
    found = Settings(**options).window(at(0.0), (at(5.0), at(7.0)))
    assert found == (at(window[0]), at(window[1]))


def test_an_odd_nanosecond_that_lacks_is_added_all_the_same() -> None:
    start_ns, end_ns = Settings(range_s=0, min_length_s=3e-9).window(0, (10, 10)) or (0, 0)
    assert end_ns - start_ns == 3


def test_without_a_pick_only_the_origin_gives_a_window() -> None:
    assert Settings(range_s=2.0).window(at(0.0), None) is None
    assert Settings(range_s=2.0, around="origin").window(at(0.0), None) == (at(-2.0), at(2.0))


def test_the_record_covers_the_window_that_was_chosen(make: Any) -> None:
    report, file = make(
        three(STATION, -10.0, 6000),
        event(pick("Pg", 3.0), pick("Sg", 5.0)),
        before_s=1.0,
        after_s=3.0,
        min_length_s=20.0,
    )
    data = file[EVID][STATION]["HHZ"]
    assert (len(data), data.attrs["btime"]) == (2001, layout.format_time(at(-5.0)))
    assert report.components.written == 3


def test_around_the_origin_a_pick_outside_is_partial_and_one_without_time_has_its_waveform(
    make: Any,
) -> None:
    rows = [pick("Pg", 3.0), pick("Sg", 9.0), pick("Pg", None, "X1.BBB.00.HHZ")]
    traces = [*three(STATION, -10.0, 6000), *three("X1.BBB.00", -10.0, 6000)]
    report, file = make(traces, event(*rows), around="origin", before_s=1.0, after_s=5.0)
    assert file[EVID][STATION]["HHZ"].attrs["btime"] == layout.format_time(at(-1.0))
    assert {len(file[EVID][name]["HHN"]) for name in (STATION, "X1.BBB.00")} == {601}
    assert (report.picks.written, report.picks.partial, report.picks.n_refused) == (1, 1, 1)
