"""The folder of an export: what may be replaced, and what is there whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from check_cases import STATION, make, small_archive, two_events
from memory_archive import MemoryArchive, catalog, event, pick, three

from credit_fast.export import export_seisbench
from credit_fast.export.folder import check_folder, whole_folder
from credit_fast.export.seisbench import METADATA, REPORT, WAVEFORMS
from credit_fast.output_file import left_parts

NAMES: dict[str, Any] = {"names": (METADATA, WAVEFORMS, REPORT), "proof": REPORT}


def fill(folder: Path, text: str, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names or NAMES["names"]:
        (folder / name).write_text(text)
    return folder


def texts(folder: Path) -> dict[str, str]:
    """Each file below a folder and what is in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(files)}


def replace(target: Path, **options: Any) -> None:
    with whole_folder(target, overwrite=True, **NAMES, **options) as part:
        for name in NAMES["names"]:
            (part / name).write_text("new")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("metadata_2019.csv", "waveforms_2019.hdf5"), "holds metadata_2019.csv"),
        ((METADATA, WAVEFORMS), f"has no {REPORT}, so no export wrote {METADATA}"),
        ((METADATA, WAVEFORMS, REPORT, "notes.txt"), "holds notes.txt"),
        ((REPORT, "waveforms2.hdf5"), "holds waveforms2.hdf5"),
    ],
)
def test_a_data_set_of_others_is_not_replaced(
    tmp_path: Path, names: tuple[str, ...], found: str
) -> None:
    target = fill(tmp_path / "ETHZ", "precious", *names)
    before = texts(target)
    with pytest.raises(FileExistsError, match=found):
        check_folder(target, overwrite=True, **NAMES)
    assert texts(target) == before


def test_a_folder_in_the_place_of_a_file_is_not_replaced(tmp_path: Path) -> None:
    target = fill(tmp_path / "sb", "old", WAVEFORMS, REPORT)
    fill(target / METADATA, "precious", "thesis.tex")
    with pytest.raises(FileExistsError, match=r"holds metadata\.csv"):
        check_folder(target, overwrite=True, **NAMES)


def test_an_empty_folder_and_an_export_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "sb").mkdir()
    for _ in range(2):
        replace(tmp_path / "sb")
        assert texts(tmp_path) == {f"sb/{name}": "new" for name in NAMES["names"]}


@pytest.mark.parametrize("as_object", [False, True])
@pytest.mark.parametrize("given", ["source", "catalog", "stations"])
def test_an_input_in_the_folder_is_not_replaced(
    tmp_path: Path, given: str, as_object: bool
) -> None:
    target = fill(tmp_path / "sb", "precious")
    inputs: dict[str, Any] = {"source": MemoryArchive([]), "catalog": catalog(), "stations": None}
    if given == "source" and not as_object:
        (target / WAVEFORMS).unlink()
        inputs = {"source": make(target / WAVEFORMS, small_archive(), two_events())}
    elif as_object:
        events = catalog()
        events.path = str(target / METADATA)
        inputs[given] = events
    else:
        inputs[given] = tmp_path / "link.csv"
        inputs[given].symlink_to(target / METADATA)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    with pytest.raises(ValueError, match="is an input"):
        export_seisbench(inputs.pop("source"), target, overwrite=True, progress=False, **inputs)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


class Renaming:
    """Counts renamings, and does something before or after one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: dict[int, Callable[[], None]] = {}
        self.after: dict[int, Callable[[], None]] = {}
        self.number = 0
        rename = Path.rename

        def counted(path: Path, target: Path) -> Path:
            self.number += 1
            number = self.number
            self.before.get(number, int)()
            renamed = rename(path, target)
            self.after.get(number, int)()
            return renamed

        monkeypatch.setattr(Path, "rename", counted)


@pytest.fixture
def renaming(monkeypatch: pytest.MonkeyPatch) -> Renaming:
    return Renaming(monkeypatch)


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("when", "number", "kept"),
    [
        ("before", 1, "old"),
        ("after", 1, "old"),
        ("before", 2, "old"),
        ("after", 2, "new"),
    ],
)
def test_an_interrupt_between_any_renamings_leaves_a_whole_folder(
    tmp_path: Path, renaming: Renaming, when: str, number: int, kept: str
) -> None:
    target = fill(tmp_path / "sb", "old")
    getattr(renaming, when)[number] = interrupt
    with pytest.raises(KeyboardInterrupt):
        replace(target)
    assert texts(tmp_path) == {f"sb/{name}": kept for name in NAMES["names"]}
    assert [path.name for path in tmp_path.iterdir()] == ["sb"]


def test_a_failed_renaming_gives_the_older_folder_its_name_back(
    tmp_path: Path, renaming: Renaming
) -> None:
    def fail() -> None:
        raise OSError(13, "Permission denied")

    target = fill(tmp_path / "sb", "old")
    renaming.before[2] = fail
    with pytest.raises(OSError, match=r"cannot write .*sb: Permission denied"):
        replace(target)
    assert texts(tmp_path) == {f"sb/{name}": "old" for name in NAMES["names"]}


def test_when_another_takes_the_name_meanwhile_both_stay_and_are_named(
    tmp_path: Path, renaming: Renaming
) -> None:
    target = fill(tmp_path / "sb", "old")
    renaming.after[1] = lambda: fill(target, "of others") and None
    with pytest.raises(FileExistsError, match=r"the older one is .*sb\.[0-9a-f]{8}\.old"):
        replace(target)
    (old,) = left_parts(target)
    assert set(texts(target).values()) == {"of others"}
    assert set(texts(old).values()) == {"old"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sb", old.name]


def test_what_the_last_check_raises_stops_the_renaming(tmp_path: Path) -> None:
    target = fill(tmp_path / "sb", "old")
    with pytest.raises(KeyboardInterrupt):
        replace(target, last_check=interrupt)
    assert texts(tmp_path) == {f"sb/{name}": "old" for name in NAMES["names"]}


def test_an_older_folder_that_a_kill_left_beside_is_named(tmp_path: Path) -> None:
    old = fill(tmp_path / "sb.0123abcd.old", "old")
    events = catalog(event(pick("P", 4.0)))
    archive = MemoryArchive(three(STATION, 0.0, 900))
    report = export_seisbench(archive, tmp_path / "sb", catalog=events, progress=False)
    assert report.left_parts == [str(old)]
    assert f"left over: {old}: the older folder, of a run that was killed" in str(report)
