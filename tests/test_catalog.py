"""The phase report, line by line: what is kept, what is refused, and what is said about it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from credit_fast.catalogs import Catalog, Event, Pick, read_catalog
from credit_fast.catalogs.fields import parse_microseconds, parse_number
from credit_fast.catalogs.phase_report import PROBLEM_KINDS, _PhaseReport, magnitude_type_of
from credit_fast.catalogs.text_lines import MAX_LINE_BYTES
from credit_fast.errors import CatalogError

Parse = Callable[..., Catalog]

# The lines that public sources show.
EVENT = (
    "#EVENT SC.202001312355.0001 eq 2020 01 31 031 15 55 35 550000 LOC  104.519   29.474 "
    "DEP        4 MAG   ML  0.5"
)
EVENT_NO_DEPTH = (
    "#EVENT YN.202001312039.0002 eq 2020 01 31 031 12 39 09 110000 LOC   98.035   24.514 "
    "DEP     NONE MAG   ML  1.0"
)
CUT_ROW = (
    "PHASE  SC.202001312355.0001 eq TRAVTIME SC   HMS 00 BHZ     Pg ttime  2.81  V "
    "2020 01 31 031 15 55 38 360000 ..."
)
ROW = (
    "PHASE  SC.202001312355.0001 eq TRAVTIME SC   JJS 00 BHZ     Pg ttime      14.21  V "
    "2020 01 31 031 15 55 49 760000 MAGSOURCE   MAGTYPE  MAG DISTAZ     79.9  111.5 "
    "LOC_RMSWT    RMS      WT"
)
AMPLITUDE_ROW = (
    "PHASE SC.202001312355.0001 eq AMPLITUD SC JJS 00 BHN SMN ttime NONE V YYYY MM DD DOY HH MM "
    "SS US MAGSOURCE ML 1.2 DISTAZ 79.9 111.5 AMP 103.5 0.44"
)
POLARITY_ROW = ROW.replace("TRAVTIME", "POLARITY").replace(
    "LOC_RMSWT    RMS      WT", "POL_UPDOWN C I"
)


def ns(text: str) -> int:
    """Nanoseconds since 1970 of an ISO time of whole microseconds, by way of datetime."""
    delta = datetime.fromisoformat(text).replace(tzinfo=timezone.utc) - datetime(
        1970, 1, 1, tzinfo=timezone.utc
    )
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000


@pytest.fixture
def parse(tmp_path: Path) -> Parse:
    """Write lines to a file and read it, by both paths, which must agree."""

    def read(*lines: str, end: str = "\n") -> Catalog:
        path = tmp_path / "report.pha"
        path.write_bytes(end.join(lines).encode())
        catalog = read_catalog(path)
        assert catalog == _PhaseReport(str(path), fast=False).read()
        assert {problem.kind for problem in catalog.problems} <= set(PROBLEM_KINDS)
        for event in catalog:  # a data set has the line only
            assert magnitude_type_of(event.raw) == event.magnitude_type
        return catalog

    return read


def kinds(catalog: Catalog) -> list[tuple[str, int | None]]:
    return [(problem.kind, problem.line) for problem in catalog.problems]


def test_quoted_event_line_gives_all_its_fields(parse: Parse) -> None:
    (event,) = parse(EVENT)
    assert (event.event_id, event.event_type) == ("SC.202001312355.0001", "eq")
    assert event.time_ns == ns("2020-01-31T15:55:35.550000")
    assert (event.longitude_deg, event.latitude_deg) == (104.519, 29.474)
    assert (event.depth_km, event.magnitude, event.magnitude_type) == (4.0, 0.5, "ML")
    assert event.line == 1
    assert event.raw == (
        "EVENT,SC.202001312355.0001,eq,2020,01,31,031,15,55,35,550000,LOC,104.519,29.474,"
        "DEP,4,MAG,ML,0.5"
    )


def test_depth_and_magnitude_can_be_none(parse: Parse) -> None:
    catalog = parse(EVENT_NO_DEPTH, EVENT.replace("ML  0.5", "NONE NONE"), EVENT[:90])
    assert [event.depth_km for event in catalog] == [None, 4.0, None]
    assert [event.magnitude for event in catalog] == [1.0, None, None]
    assert [event.magnitude_type for event in catalog] == ["ML", "", ""]


def test_date_appended_to_an_event_line_changes_only_raw(parse: Parse) -> None:
    (event,) = parse(EVENT + " 20200131")
    assert (event.magnitude_type, event.magnitude) == ("ML", 0.5)
    assert event.raw.endswith("ML,0.5,20200131")


def test_full_row_gives_all_its_fields(parse: Parse) -> None:
    catalog = parse(EVENT, ROW)
    (pick,) = catalog[0].picks
    assert pick == Pick(
        network="SC",
        station="JJS",
        location="00",
        channel="BHZ",
        phase="Pg",
        time_ns=ns("2020-01-31T15:55:49.760000"),
        row_type="TRAVTIME",
        travel_time_s=14.21,
        distance_km=79.9,
        azimuth_deg=111.5,
        record_type="V",
        magnitude_source="MAGSOURCE",
        magnitude_type="MAGTYPE",
        magnitude_text="MAG",
        value1="RMS",
        value2="WT",
        raw=",".join(ROW.split()),
        line=2,
    )
    assert (pick.station_id, pick.key) == ("SC.JJS.00", "TRAVTIME.Pg")
    assert catalog.problems == []


def test_times_come_as_the_packages_own_class(parse: Parse) -> None:
    (event,) = parse(EVENT, ROW, AMPLITUDE_ROW)
    assert str(event.time) == "2020-01-31T15:55:35.550000Z"
    assert str(event.picks[0].time) == "2020-01-31T15:55:49.760000Z"
    assert event.picks[1].time is None
    assert "1 events, 2 picks, 2020-01-31T15:55:35" in str(parse(EVENT, ROW, AMPLITUDE_ROW))


def test_quoted_row_that_is_cut_short_keeps_what_it_has(parse: Parse) -> None:
    catalog = parse(EVENT, CUT_ROW)
    (pick,) = catalog[0].picks
    assert (pick.network, pick.station, pick.location, pick.channel) == ("SC", "HMS", "00", "BHZ")
    assert pick.time_ns == ns("2020-01-31T15:55:38.360000")
    assert (pick.travel_time_s, pick.record_type) == (2.81, "V")
    assert (pick.distance_km, pick.azimuth_deg, pick.value1, pick.value2) == (None, None, "", "")
    assert catalog.problems == []


def test_quoted_row_whose_event_id_is_cut_short_is_an_orphan(parse: Parse) -> None:
    catalog = parse(EVENT, CUT_ROW.replace("SC.202001312355.0001", "SC.202001..."))
    assert catalog.n_picks == 0
    assert kinds(catalog) == [("orphan-pick", 2)]
    assert "SC.202001..." in catalog.problems[0].reason
    assert "SC.202001312355.0001" in catalog.problems[0].reason


def test_every_shorter_form_of_a_row_is_a_pick_or_a_problem(parse: Parse) -> None:
    words = ROW.split()
    for n in range(1, len(words) + 1):
        catalog = parse(EVENT, " ".join(words[:n]))
        complete = n >= 20
        assert catalog.n_picks == complete
        assert kinds(catalog) == ([] if complete else [("bad-pick", 2)])
        if complete:
            pick = catalog[0].picks[0]
            assert pick.raw == ",".join(words[:n])
            assert pick.distance_km == (79.9 if n >= 25 else None)
            assert pick.azimuth_deg == (111.5 if n >= 26 else None)
            assert (pick.value1, pick.value2) == ("RMS" * (n >= 28), "WT" * (n >= 29))


def test_row_that_ends_within_the_microseconds_is_refused(parse: Parse) -> None:
    catalog = parse(EVENT, CUT_ROW[: CUT_ROW.index("0000 ...")])
    assert catalog.n_picks == 0
    assert "microseconds" in catalog.problems[0].reason


def test_every_shorter_form_of_an_event_line_is_an_event_or_a_problem(parse: Parse) -> None:
    words = EVENT.split()
    for n in range(1, len(words) + 1):
        catalog = parse(EVENT_NO_DEPTH, " ".join(words[:n]))
        complete = n >= 14
        assert len(catalog) == 1 + complete
        assert kinds(catalog) == ([] if complete else [("bad-event", 2)])


def test_amplitude_row_without_time_is_kept(parse: Parse) -> None:
    catalog = parse(EVENT, AMPLITUDE_ROW)
    (pick,) = catalog[0].picks
    assert (pick.time_ns, pick.travel_time_s) == (None, None)
    assert (pick.row_type, pick.phase, pick.key) == ("AMPLITUD", "SMN", "SMN")
    assert (pick.magnitude_source, pick.magnitude_type, pick.magnitude_text) == (
        "MAGSOURCE",
        "ML",
        "1.2",
    )
    assert (pick.distance_km, pick.value1, pick.value2) == (79.9, "103.5", "0.44")
    assert catalog.problems == []


def test_polarity_row_has_its_letters_and_its_own_key(parse: Parse) -> None:
    (event,) = parse(EVENT, ROW, POLARITY_ROW)
    assert [pick.key for pick in event.picks] == ["TRAVTIME.Pg", "POLARITY.Pg"]
    assert (event.picks[1].value1, event.picks[1].value2) == ("C", "I")


def test_two_dashes_are_the_empty_location(parse: Parse) -> None:
    (event,) = parse(EVENT, ROW.replace(" 00 BHZ", " -- BHZ"))
    assert event.picks[0].location == ""
    assert event.picks[0].station_id == "SC.JJS."


def test_absent_location_code_moves_no_other_field(parse: Parse) -> None:
    with_code = parse(EVENT, ROW.replace(" 00 BHZ", " -- BHZ"))[0].picks[0]
    without = parse(EVENT, ROW.replace(" 00 BHZ", " BHZ"))[0].picks[0]
    without.raw = with_code.raw
    assert without == with_code


def test_absent_record_type_moves_no_other_field(parse: Parse) -> None:
    whole = parse(EVENT, ROW)[0].picks[0]
    without = parse(EVENT, ROW.replace("  V ", " "))[0].picks[0]
    assert without.record_type == ""
    without.raw, without.record_type = whole.raw, whole.record_type
    assert without == whole


@pytest.mark.parametrize(
    ("old", "new"),
    [("ttime", "TT"), ("DISTAZ", "DA"), ("LOC", "XY"), ("DEP", "Z"), ("MAG ", "M ")],
)
def test_fields_are_found_by_position_where_the_keyword_is_missing(
    parse: Parse, old: str, new: str
) -> None:
    whole = parse(EVENT, ROW)[0]
    other = parse(EVENT.replace(old, new), ROW.replace(f" {old} ", f" {new} "))[0]
    other.raw, other.picks[0].raw = whole.raw, whole.picks[0].raw
    if old == "MAG ":
        other.picks[0].magnitude_text = whole.picks[0].magnitude_text
    assert other == whole


def test_absent_event_type_and_magnitude_type_move_no_other_field(parse: Parse) -> None:
    whole = parse(EVENT)[0]
    other = parse(EVENT.replace(" eq ", " ").replace("ML", ""))[0]
    assert (other.event_type, other.magnitude_type) == ("", "")
    other.event_type, other.magnitude_type, other.raw = "eq", "ML", whole.raw
    assert other == whole


@pytest.mark.parametrize("old", ["DEP ", " 4 ", "MAG "])
def test_event_lines_that_lack_words_keep_their_magnitude(parse: Parse, old: str) -> None:
    (event,) = parse(EVENT.replace(old, " "))
    assert event.magnitude == 0.5
    assert event.magnitude_type == ("" if old == "MAG " else "ML")


def test_an_event_id_that_is_a_keyword_moves_nothing(parse: Parse) -> None:
    (event,) = parse(EVENT.replace("SC.202001312355.0001", "DEP"))
    assert (event.event_id, event.magnitude_type, event.magnitude) == ("DEP", "ML", 0.5)


def test_event_line_without_id_is_refused(parse: Parse) -> None:
    catalog = parse(EVENT, EVENT.replace("SC.202001312355.0001", ""))
    assert kinds(catalog) == [("bad-event", 2)]
    assert "no event id" in catalog.problems[0].reason


def test_row_with_neither_ttime_nor_location_is_refused(parse: Parse) -> None:
    catalog = parse(EVENT, ROW, ROW.replace("ttime", "TT").replace(" 00 BHZ", " BHZ"))
    assert (catalog.n_picks, kinds(catalog)) == (1, [("bad-pick", 3)])


def test_row_of_29_known_words_in_another_order_is_read_by_its_keywords(parse: Parse) -> None:
    usual = ROW.replace("79.9  111.5 LOC_RMSWT", "NONE NONE NONE")
    moved = usual.replace("MAGSOURCE   MAGTYPE", "MAGTYPE") + " more"
    assert len(usual.split()) == len(moved.split()) == 29
    catalog = parse(EVENT, usual, moved)
    first, second = catalog[0].picks
    assert (second.value1, second.value2) == (first.value1, first.value2) == ("RMS", "WT")
    assert (second.magnitude_source, second.magnitude_type) == ("", first.magnitude_type)
    assert kinds(catalog) == [("warning", 3)]


@pytest.mark.parametrize("codes", ["SC JJS 00 Pg", "SC JJS Pg", "SC JJS 00 BHZ Pg Sg", "SC JJS"])
def test_row_whose_codes_cannot_be_told_apart_is_refused(parse: Parse, codes: str) -> None:
    catalog = parse(EVENT, ROW.replace("SC   JJS 00 BHZ     Pg", codes))
    assert (catalog.n_picks, kinds(catalog)) == (0, [("bad-pick", 2)])


@pytest.mark.parametrize("code", ["J.S", "J/S", "--", "站"])
def test_row_with_an_impossible_code_is_refused(parse: Parse, code: str) -> None:
    catalog = parse(EVENT, ROW.replace("JJS", code))
    assert kinds(catalog) == [("bad-pick", 2)]
    assert "station code" in catalog.problems[0].reason


def test_unknown_row_type_is_refused(parse: Parse) -> None:
    catalog = parse(EVENT, ROW.replace("TRAVTIME", "DURATION"))
    assert kinds(catalog) == [("bad-pick", 2)]
    assert "DURATION" in catalog.problems[0].reason


@pytest.mark.parametrize(
    ("word", "microseconds"),
    [("940000", 940_000), ("500", 500), ("0", 0), ("000040", 40), ("1000000", 1_000_000)],
)
def test_microsecond_word_is_a_count_whatever_its_length(
    parse: Parse, word: str, microseconds: int
) -> None:
    (event,) = parse(EVENT.replace("550000", word), ROW.replace("760000", word))
    assert event.time_ns == ns("2020-01-31T15:55:35") + microseconds * 1000
    assert event.picks[0].time_ns == ns("2020-01-31T15:55:49") + microseconds * 1000
    assert parse_microseconds(word) == microseconds


def test_second_sixty_is_the_next_minute(parse: Parse) -> None:
    late = ROW.replace("2020 01 31 031 15 55 49", "2020 12 31 366 23 59 60")
    (event,) = parse(EVENT.replace("15 55 35", "15 55 60"), late)
    assert event.time_ns == ns("2020-01-31T15:56:00.550000")
    assert event.picks[0].time_ns == ns("2021-01-01T00:00:00.760000")


@pytest.mark.parametrize(
    "when",
    [
        "2020 13 31 031 15 55 49 760000",
        "2020 02 30 061 15 55 49 760000",
        "2019 02 29 060 15 55 49 760000",
        "2020 00 31 031 15 55 49 760000",
        "2020 01 31 031 24 00 00 000000",
        "2020 01 31 031 15 60 49 760000",
        "2020 01 31 031 15 55 61 760000",
        "2020 01 31 031 15 55 -1 760000",
        "2020 01 31 031 15 55 49 1000001",
        "2020 01 31 031 15 55 49 7.6",
        "2020 01 31 031 15 55 49 ٧٦٠٠٠٠",
        "2020 01 31 031 1_5 55 49 760000",
        "20 01 31 031 15 55 49 760000",
        "9999 01 31 031 15 55 49 760000",
        "nan 01 31 031 15 55 49 760000",
        "2020 MM DD 031 15 55 49 760000",
    ],
)
def test_impossible_time_refuses_the_line(parse: Parse, when: str) -> None:
    row = ROW.replace("2020 01 31 031 15 55 49 760000", when)
    event = EVENT.replace("2020 01 31 031 15 55 35 550000", when).replace(".0001", ".0002")
    catalog = parse(EVENT, ROW, row, event)
    assert (len(catalog), catalog.n_picks) == (1, 1)
    assert kinds(catalog) == [("bad-pick", 3), ("bad-event", 4)]


def test_day_of_year_that_disagrees_is_a_warning_and_month_and_day_count(parse: Parse) -> None:
    catalog = parse(EVENT.replace(" 031 ", " 032 "), ROW.replace(" 031 ", " 999 "))
    assert catalog[0].time_ns == ns("2020-01-31T15:55:35.550000")
    assert catalog[0].picks[0].time_ns == ns("2020-01-31T15:55:49.760000")
    assert kinds(catalog) == [("warning", 1), ("warning", 2)]
    assert "2020-02-01" in catalog.problems[0].reason
    assert parse(EVENT.replace(" 031 ", " NONE ")).problems == []


@pytest.mark.parametrize(
    "place", ["104.519 99.474", "361 29.474", "nan 29.4", "NONE NONE", "1e999 0"]
)
def test_event_with_an_impossible_epicentre_is_refused_with_its_rows(
    parse: Parse, place: str
) -> None:
    catalog = parse(EVENT_NO_DEPTH, EVENT.replace("104.519   29.474", place), ROW)
    assert [event.event_id for event in catalog] == ["YN.202001312039.0002"]
    assert kinds(catalog) == [("bad-event", 2), ("orphan-pick", 3)]
    assert "line 2 was refused" in catalog.problems[1].reason


def test_swapped_epicentre_is_named_as_such(parse: Parse) -> None:
    catalog = parse(EVENT_NO_DEPTH, EVENT.replace("104.519   29.474", "29.474 104.519"))
    assert "swapped" in catalog.problems[0].reason


@pytest.mark.parametrize(
    "word", ["nan", "inf", "-Infinity", "*****", "-3", "1e999", "12,5", "99999"]
)
def test_unbelievable_number_becomes_none_with_a_warning(parse: Parse, word: str) -> None:
    catalog = parse(EVENT, ROW.replace("79.9", word))
    assert catalog[0].picks[0].distance_km is None
    assert catalog[0].picks[0].azimuth_deg == 111.5
    assert kinds(catalog) == [("warning", 2)]


@pytest.mark.parametrize("word", ["nan", "inf", "1000000"])
def test_unbelievable_depth_or_magnitude_becomes_none_with_a_warning(
    parse: Parse, word: str
) -> None:
    catalog = parse(EVENT.replace("  4 ", f" {word} "), EVENT_NO_DEPTH.replace("1.0", word))
    assert (catalog[0].depth_km, catalog[1].magnitude) == (None, None)
    assert kinds(catalog) == [("warning", 1), ("warning", 2)]


@pytest.mark.parametrize("word", ["1_000", "0x10", "١٢", "", "1.2.3", "+", "1e"])
def test_number_takes_only_plain_decimal_words(word: str) -> None:
    with pytest.raises(ValueError, match="expected a finite number"):
        parse_number(word)


@pytest.mark.parametrize("word", ["NONE", "MAG", "RMS", "WT", "YYYY", "--", "N/A", "LOC_RMSWT"])
def test_words_that_stand_for_missing_are_none(word: str) -> None:
    assert parse_number(word) is None


def test_hash_and_space_before_event_and_other_comments(parse: Parse) -> None:
    catalog = parse(
        "# written by hand", "##EVENT,TIME,LAT", EVENT.replace("#EVENT", "# EVENT"), "# EVENTS: 1",
        "#", ROW, "#PHASE", "", ROW,
    )  # fmt: skip
    assert catalog.n_picks == 2
    assert catalog[0].raw.startswith("EVENT,SC.")
    assert kinds(catalog) == [("bad-event", 4)]
    assert "white space after #EVENT" in catalog.problems[0].reason


def test_hash_within_a_line_begins_nothing(parse: Parse) -> None:
    catalog = parse(EVENT + " #1", ROW + " #EVENT")
    assert (len(catalog), catalog.n_picks, catalog.problems) == (1, 1, [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_line_ends_and_tabs_stay_out_of_the_words(parse: Parse, end: str) -> None:
    catalog = parse(EVENT.replace(" ", "\t"), ROW.replace(" ", "\t"), ROW, end=end)
    assert [pick.value2 for pick in catalog[0].picks] == ["WT", "WT"]
    assert [pick.line for pick in catalog[0].picks] == [2, 3]
    assert "\t" not in catalog[0].raw


def test_line_that_is_nothing_known_is_reported(parse: Parse) -> None:
    catalog = parse(EVENT, "STATION SC JJS", ROW, "phase " + ROW[6:])
    assert catalog.n_picks == 1
    assert kinds(catalog) == [("unknown-line", 2), ("unknown-line", 4)]


def test_rows_before_their_event_go_to_it_by_id(parse: Parse) -> None:
    catalog = parse(ROW, EVENT_NO_DEPTH, EVENT, ROW)
    assert [pick.line for pick in catalog[1].picks] == [1, 4]
    assert kinds(catalog) == [("moved-pick", 1)]
    assert "under no readable event line" in catalog.problems[0].reason


def test_row_in_another_events_block_goes_to_the_event_that_it_names(parse: Parse) -> None:
    catalog = parse(EVENT, EVENT_NO_DEPTH, ROW)
    assert [len(event.picks) for event in catalog] == [1, 0]
    assert kinds(catalog) == [("moved-pick", 3)]
    reason = catalog.problems[0].reason
    assert "SC.202001312355.0001" in reason
    assert "YN.202001312039.0002" in reason


def test_row_that_names_an_event_of_no_line_is_refused(parse: Parse) -> None:
    catalog = parse(ROW, EVENT_NO_DEPTH, ROW)
    assert catalog.n_picks == 0
    assert kinds(catalog) == [("orphan-pick", 1), ("orphan-pick", 3)]


def test_duplicate_events_both_stay_and_the_problem_names_both_lines(parse: Parse) -> None:
    catalog = parse(EVENT, ROW, EVENT_NO_DEPTH, EVENT, CUT_ROW, EVENT_NO_DEPTH, ROW)
    assert [event.line for event in catalog] == [1, 3, 4, 6]
    assert [[pick.line for pick in event.picks] for event in catalog] == [[2], [], [5, 7], []]
    assert kinds(catalog) == [("duplicate-event", 4), ("duplicate-event", 6), ("moved-pick", 7)]
    assert "line 1" in catalog.problems[0].reason
    assert "line 4" in catalog.problems[0].reason


def test_row_apart_from_two_events_of_its_id_goes_to_the_one_before_it(parse: Parse) -> None:
    catalog = parse(EVENT, EVENT_NO_DEPTH, ROW, EVENT)
    assert [len(event.picks) for event in catalog] == [1, 0, 0]
    assert kinds(catalog) == [("moved-pick", 3), ("duplicate-event", 4)]


def test_row_after_a_refused_event_line_does_not_join_its_namesake_unsaid(parse: Parse) -> None:
    catalog = parse(EVENT, EVENT.replace("29.474", "nan"), ROW)
    assert catalog.n_picks == 1
    assert kinds(catalog) == [("bad-event", 2), ("moved-pick", 3)]


def test_gb18030_file_is_read_and_one_broken_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "gb.pha"
    comment = "# 云南地震台网 𠀀\n".encode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        comment.decode()
    broken = ROW.encode().replace(b"MAGSOURCE", b"\xff\xfe\xff")
    lines = [comment, EVENT.encode(), ROW.replace("  V ", " 人工 ").encode("gb18030"), broken]
    path.write_bytes(comment + b"\n".join([*lines[1:], ROW.replace("  V ", " 人工 ").encode()]))
    catalog = read_catalog(path)
    assert [pick.record_type for pick in catalog[0].picks] == ["人工", "人工"]
    assert kinds(catalog) == [("encoding", 4)]


def test_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "bom.pha"
    path.write_bytes(b"\xef\xbb\xbf" + EVENT.encode() + b"\n\xef\xbb\xbf" + ROW.encode())
    catalog = read_catalog(path)
    assert len(catalog) == 1
    assert kinds(catalog) == [("unknown-line", 2)]


def test_nul_bytes_cost_only_their_line(tmp_path: Path) -> None:
    path = tmp_path / "nul.pha"
    path.write_bytes(f"{EVENT}\n\0\0\0\0\n{ROW[:50]}\0{ROW[50:]}\n{ROW}\n".encode())
    catalog = read_catalog(path)
    assert catalog.n_picks == 1
    assert kinds(catalog) == [("encoding", 2), ("encoding", 3)]
    assert "4 NUL bytes" in catalog.problems[0].reason


def test_endless_line_is_reported_and_reading_goes_on_after_it(tmp_path: Path) -> None:
    path = tmp_path / "long.pha"
    path.write_bytes(EVENT.encode() + b"\n" + b"x " * (2 * MAX_LINE_BYTES) + b"\n" + ROW.encode())
    catalog = read_catalog(path)
    assert [pick.line for pick in catalog[0].picks] == [3]
    assert kinds(catalog) == [("encoding", 2)]


@pytest.mark.parametrize("content", [b"", b"\n \t\r\n", b"\xef\xbb\xbf"])
def test_empty_file_is_an_error_that_says_what_was_expected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.pha"
    path.write_bytes(content)
    with pytest.raises(CatalogError, match=r"empty\.pha is empty.*#EVENT id type") as caught:
        read_catalog(path)
    assert caught.value.path == str(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (f"{ROW}\n{ROW}\n".encode(), "2 PHASE rows.*begins with 'PHASE  SC"),
        (b"#EVENT,2022-04-09 02:28:38.021000,100.6492,25.3660,0.0000\n", "EVENT,2022-04-09"),
        (b"# only a comment\n", "no PHASE row.*only a comment"),
        (b"\0" * 5000, "5000 NUL bytes"),
        (b"station,lon,lat\n" * 30_000, "begins with 'station,lon,lat'"),
        (EVENT.encode("utf-16"), "neither UTF-8 nor GB18030|NUL"),
    ],
)
def test_file_without_event_line_is_an_error_that_says_what_was_found(
    tmp_path: Path, content: bytes, found: str
) -> None:
    path = tmp_path / "other.txt"
    path.write_bytes(content)
    with pytest.raises(CatalogError, match=f"no #EVENT line.*{found}"):
        read_catalog(path)


def test_ten_thousand_senseless_lines_before_any_event_end_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    path.write_text("1,2,3\n" * 10_001 + EVENT)
    with pytest.raises(CatalogError, match="begins with '1,2,3'"):
        read_catalog(path)
    path.write_text("1,2,3\n" * 10_000 + EVENT)
    assert len(read_catalog(path)) == 1


def test_file_whose_only_event_line_is_bad_is_an_empty_catalogue_with_the_reason(
    parse: Parse,
) -> None:
    catalog = parse(EVENT.replace("29.474", "nan"))
    assert (len(catalog), kinds(catalog)) == (0, [("bad-event", 1)])
    assert "0 events" in str(catalog)


def test_missing_file_and_unknown_format_have_their_own_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_catalog(tmp_path / "none.pha")
    with pytest.raises(IsADirectoryError):
        read_catalog(tmp_path)
    with pytest.raises(ValueError, match="'quake': expected one of phase-report"):
        read_catalog(tmp_path / "none.pha", format="quake")


def test_problem_names_file_and_line_and_catalogue_survives_pickling(
    parse: Parse, tmp_path: Path
) -> None:
    catalog = parse(EVENT, "what is this", ROW)
    assert str(catalog.problems[0]).startswith(f"{tmp_path / 'report.pha'}:2: 'what is this'")
    assert pickle.loads(pickle.dumps(catalog)) == catalog
    assert isinstance(catalog[0], Event)
    assert catalog[0:1] == catalog.events
