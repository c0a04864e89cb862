"""The names and text forms of the layout, against what every known reader does with them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_archive import event, pick

from credit_fast.catalogs.model import Station
from credit_fast.hdf5 import layout

CREDIT_TIME = "%Y/%m/%d %H:%M:%S.%f"


def test_time_text_always_has_six_decimals() -> None:
    assert layout.format_time(1_330_608_131_000_000_000) == "2012/03/01 13:22:11.000000"


def test_time_text_is_rounded_to_the_microsecond() -> None:
    assert layout.format_time(1_330_608_131_999_999_500) == "2012/03/01 13:22:12.000000"
    assert layout.format_time(1_330_608_131_123_456_499) == "2012/03/01 13:22:11.123456"


@given(st.integers(min_value=-(2**60), max_value=2**62))
def test_time_text_is_what_strptime_reads_back(time_ns: int) -> None:
    text = layout.format_time(time_ns)
    moment = datetime.strptime(text, CREDIT_TIME).replace(tzinfo=timezone.utc)
    assert layout.format_time(layout.parse_time(text)) == text
    assert abs(layout.parse_time(text) - time_ns) <= 500
    whole = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    microseconds = (whole.days * 86_400 + whole.seconds) * 10**6 + whole.microseconds
    assert layout.parse_time(text) == microseconds * 1000


def test_time_without_a_fraction_is_read() -> None:
    assert layout.parse_time("2012/03/01 13:22:11") == 1_330_608_131_000_000_000


@pytest.mark.parametrize("text", ["", "None", "2012-03-01T13:22:11", "2012/13/01 00:00:00.0", "U"])
def test_what_is_no_time_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|month"):
        layout.parse_time(text)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**9))))
def test_gaps_text_is_read_back(gaps: list[tuple[int, int]]) -> None:
    assert layout.parse_gaps(layout.format_gaps(gaps)) == gaps


def test_only_pg_carries_its_row_type() -> None:
    assert pick("Pg", 1.0).key == "TRAVTIME.Pg"
    assert layout.phase_of("POLARITY.Pg") == "Pg"
    assert layout.phase_of("Sg") == "Sg"


@pytest.mark.parametrize("row_type", ["TRAVTIME", "AMPLITUD", "POLARITY"])
@pytest.mark.parametrize("phase", ["Pg", "Sg", "Pn", "Sn", "P", "S", "PmP"])
def test_no_pick_attribute_breaks_a_reader(phase: str, row_type: str) -> None:
    row = pick(phase, 3.0, row_type=row_type)
    attributes = [
        *layout.pick_attributes(row, row.time_ns),
        *layout.extra_attributes(row, 1),
        *layout.station_attributes([row.key], Station("X1", "AAA", "00", 1.0, 2.0, 3.0)),
    ]
    for name, value in attributes:
        if layout.must_be_time(name):
            datetime.strptime(str(value), CREDIT_TIME)
        if "dist" in name:
            assert float(value) == 12.5


def test_the_alphabetically_last_dist_attribute_is_the_distance() -> None:
    rows = [pick("Pg", 3.0), pick("Sg", 5.0), pick("Pg", 3.0, row_type="POLARITY")]
    attributes = dict(item for row in rows for item in layout.pick_attributes(row, row.time_ns))
    last = sorted(name for name in attributes if "dist" in name)[-1]
    assert last == "TRAVTIME.Pg.distaz"
    assert float(attributes[last]) == 12.5
    assert attributes["TRAVTIME.Pg.azimuth"] == 301.5


def test_values_of_a_row_are_named_by_its_type() -> None:
    names = {
        row_type: [name for name, _ in layout.value_attributes(pick("Sg", 1, row_type=row_type))]
        for row_type in ("TRAVTIME", "AMPLITUD", "POLARITY")
    }
    assert names == {
        "TRAVTIME": ["Sg.RMS", "Sg.WT"],
        "AMPLITUD": ["Sg.AMP", "Sg.PERIOD"],
        "POLARITY": ["Sg.UPDOWN", "Sg.CLARITY"],
    }


def test_a_pick_without_time_has_its_fields_and_no_time() -> None:
    names = [name for name, _ in layout.pick_attributes(pick("Sg", None), None)]
    assert "Sg" not in names
    assert "Sg.strs" in names


def test_unknown_numbers_have_their_stand_ins() -> None:
    unknown = event()
    unknown.depth_km = unknown.magnitude = None
    attributes = dict(layout.event_attributes(unknown))
    assert attributes["depth"] == -1.0
    assert attributes["mag"] != attributes["mag"]  # NaN
    distances = dict(layout.pick_attributes(pick("P", 1.0, distance_km=None), 0))
    assert distances["P.dist"] == -123.0
    assert float(distances["P.distaz"]) == -123.0


def test_only_btime_among_dataset_attributes_looks_like_a_begin_time() -> None:
    names = (layout.DELTA, layout.BEGIN_TIME, layout.NPTS, layout.GAPS, layout.COMPLETENESS)
    assert [name for name in (*names, layout.SUBSAMPLE_OFFSET) if "btime" in name] == ["btime"]


@pytest.mark.parametrize("phase", ["", "P,S", "P/S", "P.S", "lon", "types", "dist", "P\0"])
def test_a_phase_name_that_would_break_the_layout_is_named(phase: str) -> None:
    assert layout.phase_fault(phase)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b"])
def test_an_event_id_that_is_no_group_name_is_named(name: str) -> None:
    assert layout.group_name_fault(name)


@pytest.mark.parametrize("name", ["YN.201103130305.0001", "2012_03_01", "事件1"])
def test_a_usual_event_id_is_a_group_name(name: str) -> None:
    assert layout.group_name_fault(name) is None


@pytest.mark.parametrize(
    ("channel", "band"),
    [("HHZ", "HH"), ("BH", "BH"), ("SHZ", "SH"), ("", None), ("NONE", None), ("-", None)],
)
def test_the_band_is_the_first_two_letters_of_a_channel_code(
    channel: str, band: str | None
) -> None:
    assert layout.band_of(channel) == band
