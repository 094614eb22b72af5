"""What was measured, and how it is printed: a Markdown table and the machine it holds for."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import gradb
from tests.bench.cases import COLUMNS, Workload


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one workload."""

    seconds: float
    """What the workload says its training took."""
    peak_kib: int
    """Peak memory of the process."""
    tape_bytes: int = 0


Round = Mapping[str, Run]
"""A run in each column, one right after the other; the keys are those of ``COLUMNS``."""


def table(rows: Sequence[tuple[Workload, int, Sequence[Round]]], columns: Sequence[str]) -> list[str]:
    """Return the lines of the table; a row is a workload, how long it trained, and its rounds."""
    others = [name for name in columns if name != "bare"]
    heads = ["workload", "iterations", "bare", *(COLUMNS[name].text for name in others), "memory", "tape"]
    lines = [_line(heads), "|" + "---|" * len(heads)]
    for load, amount, rounds in rows:
        bare = f"{1000 * median(one['bare'].seconds for one in rounds):,.0f} ms"
        ratios = [_ratios(rounds, name) for name in others]
        lines.append(_line([load.text, f"{amount:,}", bare, *ratios, *_sizes(rounds, others)]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratios(rounds: Sequence[Round], name: str) -> str:
    """Return the median ratio to the bare run of the same round, its range, and the median time."""
    ratios = [one[name].seconds / one["bare"].seconds for one in rounds]
    milliseconds = 1000 * median(one[name].seconds for one in rounds)
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {milliseconds:,.0f} ms"


def _sizes(rounds: Sequence[Round], names: Sequence[str]) -> tuple[str, str]:
    """Return what gradb's columns need beyond the bare run: memory, and the size of the tape."""
    taped = [name for name in names if COLUMNS[name].is_taped]

    def each(size: Callable[[Round, str], float], form: str) -> str:
        mebibytes = {name: median(size(one, name) for one in rounds) for name in taped}
        return ", ".join(f"{COLUMNS[name].text} {number:{form}} MiB" for name, number in mebibytes.items())

    memory = each(lambda one, name: (one[name].peak_kib - one["bare"].peak_kib) / 1024, "+.0f")
    return memory, each(lambda one, name: one[name].tape_bytes / 2**20, ".1f")


def machine() -> str:
    """Name the machine and the versions that the figures hold for."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    torch = f"torch {version('torch')}, one thread"
    return f"{name}, {os.cpu_count()} cores; Python {platform.python_version()}, {torch}, gradb {gradb.__version__}"
