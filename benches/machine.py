"""What the numbers were measured on and with. No name of the machine and no path leaves here."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "credit_fast",
    "obspy",
    "pymseed",
    "mseedindex",
    "numpy",
    "h5py",
    "sqlalchemy",
)


def cpu_model() -> str:
    """Name of the processor as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)
        if match is not None:
            return match.group(1).strip()
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.stdout.strip():
            return answer.stdout.strip()
    return platform.processor() or platform.machine()


def cpu_slug() -> str:
    """The processor's name as part of a folder name."""
    words = re.sub(r"\((r|tm)\)|\bcpu\b|@", " ", cpu_model().lower())
    return "-".join(re.findall(r"[a-z0-9.]+", words)) or "unknown-cpu"


def machine_facts(scratch: Path) -> dict[str, str]:
    """Processor, cores, memory, system, and the kind of file system of the scratch folder."""
    cores = str(os.cpu_count())
    if sys.platform == "linux":
        cores = f"{len(os.sched_getaffinity(0))} usable of {cores}"
    facts = {
        "CPU": cpu_model(),
        "cores": cores,
        "memory": _memory(),
        "system": f"{_system()}, kernel {platform.release()}, {platform.machine()}",
        "file system of the scratch folder": _file_system(scratch),
    }
    if hasattr(os, "getloadavg"):
        facts["load average at the start"] = f"{os.getloadavg()[0]:.2f}"
    return facts


def versions() -> dict[str, str]:
    """Versions of everything that takes part; of what is missing, that it is."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    found["SQLite of Python"] = sqlite3.sqlite_version
    try:
        import h5py

        found["HDF5"] = h5py.version.hdf5_version
    except ImportError:
        found["HDF5"] = "not installed"
    return found


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _file_system(folder: Path) -> str:
    """Kind of the file system that holds a folder (Linux; elsewhere unknown)."""
    mounts = Path("/proc/mounts")
    best, kind = "", "unknown"
    for line in mounts.read_text().splitlines() if mounts.exists() else ():
        _, place, this_kind = line.split()[:3]
        if len(place) >= len(best) and folder.resolve().is_relative_to(place):
            best, kind = place, this_kind
    return kind
