"""Data sets in the formats of other programs. A name of `FORMATS` for each."""

from __future__ import annotations

from collections.abc import Callable

from credit_fast.export.report import ExportReport
from credit_fast.export.seisbench import export_seisbench

__all__ = ["FORMATS", "ExportReport", "export_seisbench"]

#: Name of a format and what exports to it.
FORMATS: dict[str, Callable[..., ExportReport]] = {
    "seisbench": export_seisbench,
}
