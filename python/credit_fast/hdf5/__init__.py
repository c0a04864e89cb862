"""The CREDIT HDF5 data set: making it and reading it. Names only; no logic."""

from credit_fast.hdf5.accounting import MakeH5Report, Refusal, Tally
from credit_fast.hdf5.reader import (
    ComponentRecord,
    Dataset,
    EventRecord,
    StationRecord,
    open_dataset,
)
from credit_fast.hdf5.settings import Settings
from credit_fast.hdf5.writer import makeh5
from credit_fast.hdf5.years import makeh5_by_year

__all__ = [
    "ComponentRecord",
    "Dataset",
    "EventRecord",
    "MakeH5Report",
    "Refusal",
    "Settings",
    "StationRecord",
    "Tally",
    "makeh5",
    "makeh5_by_year",
    "open_dataset",
]
