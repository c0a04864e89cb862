"""credit_fast: windows and data sets from archives of raw seismograms."""

from credit_fast._core import __version__
from credit_fast.catalogs import Catalog, Event, Pick, read_catalog
from credit_fast.check import testh5
from credit_fast.client import Client
from credit_fast.cutting import Windows
from credit_fast.dataset import WindowDataset
from credit_fast.errors import (
    CatalogError,
    CreditFastError,
    DatasetError,
    DataWarning,
    IncompleteWindowError,
    IndexFormatError,
    MiniSeedError,
    MissingExtraError,
    Problem,
    UnfinishedRunError,
    UnsupportedEncodingError,
)
from credit_fast.hdf5 import open_dataset
from credit_fast.index import IndexReport, makeindex
from credit_fast.index_check import IndexCheck, check_index
from credit_fast.index_info import IndexInfo, index_info
from credit_fast.inspection import FileInspection, inspect_files
from credit_fast.making import makeh5, makeh5_by_year
from credit_fast.reading import read
from credit_fast.stations import Station, StationTable, read_stations
from credit_fast.times import UTCDateTime
from credit_fast.waveform import Stats, Stream, Trace
from credit_fast.writing import write

__all__ = [
    "Catalog",
    "CatalogError",
    "Client",
    "CreditFastError",
    "DataWarning",
    "DatasetError",
    "Event",
    "FileInspection",
    "IncompleteWindowError",
    "IndexCheck",
    "IndexFormatError",
    "IndexInfo",
    "IndexReport",
    "MiniSeedError",
    "MissingExtraError",
    "Pick",
    "Problem",
    "Station",
    "StationTable",
    "Stats",
    "Stream",
    "Trace",
    "UTCDateTime",
    "UnfinishedRunError",
    "UnsupportedEncodingError",
    "WindowDataset",
    "Windows",
    "__version__",
    "check_index",
    "index_info",
    "inspect_files",
    "makeh5",
    "makeh5_by_year",
    "makeindex",
    "open_dataset",
    "read",
    "read_catalog",
    "read_stations",
    "testh5",
    "write",
]
