"""Each test that `docs/pains.md` names is there, and each row of its table names one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROWS = 21


def rows(text: str) -> list[list[str]]:
    """The cells of each numbered row."""
    lines = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def python_tests(source: str) -> set[str]:
    """What pytest collects of a file; its tests are functions."""
    found = (node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    return {name for name in found if name.startswith("test_")}


def rust_tests(source: str) -> set[str]:
    """Functions that are marked as tests, whatever else they are marked as."""
    return set(re.findall(r"#\[test\]\s+(?:#\[[^\]]*\]\s+)*fn (\w+)\(", source))


TESTS_OF = {".py": python_tests, ".rs": rust_tests}


def missing(cell: str, repository: Path) -> list[str]:
    """The tests of a cell that are not in the file that it names."""
    found = []
    for named in cell.split():
        path, _, name = named.strip("`").partition("::")
        file = repository / path
        tests = TESTS_OF[file.suffix](file.read_text("utf-8")) if file.is_file() else set()
        if name not in tests:
            found.append(named)
    return found


def test_every_row_has_what_is_done_and_tests_that_exist(repository: Path) -> None:
    table = rows((repository / "docs/pains.md").read_text("utf-8"))
    assert [cells[0] for cells in table] == [str(number + 1) for number in range(ROWS)]
    assert {len(cells) for cells in table} == {4}
    assert all(cell for cells in table for cell in cells)
    wrong = {cells[0]: missing(cells[3], repository) for cells in table}
    assert {number: tests for number, tests in wrong.items() if tests} == {}


@pytest.mark.parametrize(
    "cell",
    [
        "`tests/test_pains_table.py::test_that_was_renamed`",
        "`tests/test_pains_table.py::missing`",
        "`tests/test_pains_table.py`",
        "`tests/no_such_file.py::test_every_row_has_what_is_done_and_tests_that_exist`",
        "`rust/mseed-core/src/leap.rs::between`",
        "see above",
    ],
)
def test_a_test_that_is_not_there_is_found(repository: Path, cell: str) -> None:
    there = "`tests/test_pains_table.py::test_a_test_that_is_not_there_is_found`"
    assert missing(there, repository) == []
    assert missing(f"{there} {cell}", repository) == cell.split()
