"""The Rust core. Checked against the built module by mypy's stubtest."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

from numpy.typing import NDArray

__all__ = [
    "Archive",
    "__version__",
    "check_index",
    "compress_chunks",
    "decompress_chunks",
    "encode_mseed2",
    "encode_mseed3",
    "find_files",
    "inspect_file",
    "makeindex",
    "read_bytes",
    "read_file",
]

_Path = str | PathLike[str]
_Codes = tuple[str, str, str, str]
_Extent = tuple[str, str, str, str, int, int]
_Span = tuple[str, str, str, str, int, int, float]
_Segment = tuple[str, str, str, str, int, float, NDArray[Any], str | None, str, int]
_Problem = tuple[str, str, str, int | None, int, int]
_Answer = tuple[list[_Segment], list[_Problem]]
_Chosen = tuple[list[int] | None, str | None, bool]
_PathRule = Sequence[tuple[str, str]] | Callable[[str], str]
_Window = tuple[list[_Segment], list[_Problem], list[str], list[tuple[str, int, int, int]]]

__version__: str

def check_index(
    asked: dict[str, Any], progress: Callable[[int, int, int], object] | None
) -> dict[str, Any]: ...
def compress_chunks(arrays: list[NDArray[Any]], level: int, shuffle: bool) -> list[bytes]: ...
def decompress_chunks(
    chunks: list[tuple[NDArray[Any], NDArray[Any], bool, bool]], threads: int
) -> tuple[int, str] | None: ...
def encode_mseed2(
    network: str,
    station: str,
    location: str,
    channel: str,
    start_ns: int,
    rate_hz: float,
    data: NDArray[Any],
    encoding: str,
    reclen: int = 512,
    sequence: int = 1,
    quality: str = "D",
    fallback: bool = False,
) -> bytes: ...
def encode_mseed3(
    network: str,
    station: str,
    location: str,
    channel: str,
    start_ns: int,
    rate_hz: float,
    data: NDArray[Any],
    encoding: str,
    reclen: int = 4096,
    version: int = 0,
    extra_headers: bytes | None = None,
    fallback: bool = False,
) -> bytes: ...
def find_files(root: _Path) -> tuple[list[str], list[_Problem]]: ...
def inspect_file(path: _Path, records: bool) -> dict[str, Any]: ...
def makeindex(
    roots: Sequence[_Path],
    index: _Path,
    options: dict[str, Any],
    progress: Callable[[int, int, int, int], object] | None,
) -> dict[str, Any]: ...
def read_bytes(data: bytes, threads: int | None) -> _Answer: ...
def read_file(path: _Path, threads: int | None) -> _Answer: ...

@final
class Archive:
    def __new__(cls, indexes: Sequence[tuple[_Path, _PathRule]]) -> Archive: ...
    def contents(self) -> list[tuple[int, int, int, str | None, list[_Problem]]]: ...
    def stored(
        self, rows: Sequence[tuple[_Codes, int, int]]
    ) -> list[tuple[int, tuple[str, int] | None]]: ...
    def read_ahead(self, rows: Sequence[tuple[_Codes, int, int]]) -> list[tuple[str, int, int]]: ...
    def channels(self, codes: _Codes) -> list[_Extent]: ...
    def spans(self, codes: _Codes, start_ns: int, end_ns: int) -> list[_Span]: ...
    def window(
        self,
        codes: _Codes,
        start_ns: int,
        end_ns: int,
        rules: dict[str, Any],
        chosen: _Chosen,
    ) -> _Window: ...
    def windows(
        self,
        rows: Sequence[tuple[_Codes, int, int]],
        rules: dict[str, Any],
        chosen: _Chosen,
        threads: int | None,
    ) -> list[_Window]: ...
    def cut(
        self,
        rows: Sequence[tuple[_Codes, int]],
        chosen: _Chosen,
        npts: int,
        out: NDArray[Any],
        threads: int | None,
    ) -> tuple[list[int], list[float], list[int], list[int], list[_Problem]]: ...
