"""The CREDIT HDF5 data set: making it and reading it. Names only; no logic."""

from .accounting import MakeH5Report, Refusal, Tally
from .reader import ComponentRecord, Dataset, EventRecord, StationRecord, open_dataset
from .writer import makeh5

__all__ = [
    "ComponentRecord",
    "Dataset",
    "EventRecord",
    "MakeH5Report",
    "Refusal",
    "StationRecord",
    "Tally",
    "makeh5",
    "open_dataset",
]
