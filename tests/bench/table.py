"""What was measured, and how it is printed: a Markdown table and the machine it holds for."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles

import gradb
from tests.bench.cases import COLUMNS, Workload


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one workload."""

    cpu: float
    """CPU time in seconds of the script's process, all threads, in the workload's training."""
    wall: float
    """Wall time in seconds of the same."""
    peak_kib: int
    """Peak memory of the process."""
    tape_bytes: int = 0
    rest: float = 0.0
    """Wall time in seconds from the end of the training until the process is gone, and its tape complete."""


Round = Mapping[str, Run]
"""A run in each of some columns, one right after the other; the keys are those of ``COLUMNS``."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of ratios taken round by round."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum up at least one value."""
        low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
        return cls(median(values), low, high)

    def meets(self, bar: float) -> bool:
        """Tell whether the median is no higher than the bar, or the bar lies within the quartiles."""
        return self.median <= bar or self.low <= bar <= self.high

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def table(rows: Sequence[tuple[Workload, int, Sequence[Round]]], columns: Sequence[str]) -> list[str]:
    """Return the lines of the table; a row is a workload, how long it trained, and its rounds."""
    others = [name for name in columns if name != "bare"]
    heads = ["workload", "iterations", "bare", *(COLUMNS[name].text for name in others), "memory", "tape"]
    lines = [_line(heads), "|" + "---|" * len(heads)]
    for load, amount, rounds in rows:
        ratios = [_cell(load, rounds, name) for name in others]
        lines.append(_line([load.text, f"{amount:,}", _bare(rounds), *ratios, *_sizes(rounds, others)]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bare(rounds: Sequence[Round]) -> str:
    cpu, wall = (1000 * median(getattr(one["bare"], what) for one in rounds) for what in ("cpu", "wall"))
    return f"{cpu:,.0f} ms, wall {wall:,.0f} ms"


def spread(rounds: Sequence[Round], name: str, what: str) -> Spread:
    """Return the ratios of a column to what it is held against, of the rounds that ran both.

    ``what``: ``cpu`` or ``wall``.
    """
    over, under = (COLUMNS[name].compared, name) if COLUMNS[name].compared else (name, COLUMNS[name].base)
    pairs = [(one[over], one[under]) for one in rounds if over in one and under in one]
    return Spread.of([getattr(first, what) / getattr(second, what) for first, second in pairs])


def _cell(load: Workload, rounds: Sequence[Round], name: str) -> str:
    """Return the ratio of CPU times with its quartiles, the ratio of wall times, and what became of the bar."""
    cpu, wall = spread(rounds, name, "cpu"), spread(rounds, name, "wall")
    bar = load.bars.get(name)
    told = "" if bar is None else f"; bar {bar:g} {'met' if cpu.meets(bar) else 'missed'}"
    return f"{cpu}, wall {wall.median:.2f}{told}"


def _sizes(rounds: Sequence[Round], names: Sequence[str]) -> tuple[str, str]:
    """Return what gradb's columns need beyond the bare run: memory, and the size of the tape and the wait for it."""
    taped = [
        name for name in names if COLUMNS[name].is_taped and not COLUMNS[name].before and COLUMNS[name].base == "bare"
    ]

    def each(size: Callable[[Round, str], float], form: str, unit: str) -> str:
        found = {name: median(size(one, name) for one in rounds if name in one) for name in taped}
        return ", ".join(f"{COLUMNS[name].text} {number:{form}} {unit}" for name, number in found.items())

    memory = each(lambda one, name: (one[name].peak_kib - one["bare"].peak_kib) / 1024, "+.0f", "MiB")
    tape = each(lambda one, name: one[name].tape_bytes / 2**20, ".1f", "MiB")
    return memory, f"{tape}; {each(lambda one, name: one[name].rest - one['bare'].rest, '+.2f', 's')}"


def machine() -> str:
    """Name the machine and the versions that the figures hold for."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = models[0].partition(":")[2].strip() if models else name
    torch = f"torch {version('torch')}, one thread"
    return f"{name}, {os.cpu_count()} cores; Python {platform.python_version()}, {torch}, gradb {gradb.__version__}"
