"""What the benchmark compares: the workloads (rows), the ways to run them (columns) and what each may cost (bars)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
NARROW = 1.10
"""A bar below this cannot be told from noise by a few rounds."""
ROUNDS_OF_NARROW = 21


@dataclass(frozen=True, slots=True)
class Workload:
    """One script and how long it trains."""

    script: str
    text: str
    """What it is, for the table."""
    amount: int
    """Iterations (w4: ops)."""
    quick: int
    """The same with ``--quick``."""
    arguments: tuple[str, ...] = ()
    """What the script gets after the amount."""
    bars: Mapping[str, float] = field(default_factory=dict)
    """The ratio to the base of a column that it should not exceed, by the column's name."""

    def command(self, amount: int) -> list[str]:
        """Return the script and its arguments."""
        return [str(HERE / "workloads" / self.script), str(amount), *self.arguments]

    def is_narrow(self, column: str) -> bool:
        """Tell whether a column's bar asks for many rounds."""
        return self.bars.get(column, NARROW) < NARROW


def _bars(full: float, python: float, watch: float) -> Mapping[str, float]:
    return {"full": full, "python": python, "watch": watch, "full_before": 1.03, "watch_before": 1.03,
            "breakpoint": 1.03}  # fmt: skip


WORKLOADS = {
    "w1": Workload("w1_thermometer.py", "W1 thermometer net, SGD", 1000, 200, bars=_bars(2.3, 4.2, 1.25)),
    "w1a": Workload("w1_thermometer.py", "W1 with Adam", 1000, 200, ("adam",), _bars(1.8, 3.0, 1.1)),
    "w2": Workload("w2_mlp.py", "W2 MLP 784-256-128-10, Adam", 100, 20, bars=_bars(1.5, 2.3, 1.05)),
    "w3": Workload("w3_gpt.py", "W3 GPT, 4 layers, AdamW", 10, 3, bars=_bars(1.45, 1.75, 1.03)),
    "w4": Workload("w4_chain.py", "W4 chain, one backward", 20_000, 4000, bars=_bars(2.5, 4.0, 1.05)),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One way to run a script."""

    words: tuple[str, ...]
    """What stands between the interpreter and the script; ``{tape}`` is a path."""
    text: str
    """What it is, for the table."""
    compared: str = ""
    """The column that is held against this one; empty: this one is held against ``base``."""
    before: str = ""
    """The column that it runs with another checkout of gradb; empty: it runs this one."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is set for it."""
    base: str = "bare"
    """The column that this one is held against, where none is held against it."""

    @property
    def is_taped(self) -> bool:
        """True when it writes a tape."""
        return "{tape}" in self.words

    @property
    def beside(self) -> str:
        """The column that it needs beside it."""
        return self.compared or self.base

    def command(self, script: list[str], tape: Path) -> list[str]:
        """Return the whole command line."""
        return [sys.executable, *(word.format(tape=tape) for word in self.words), *script]


_RECORD = ("-m", "gradb", "record", "-o", "{tape}")
_CONTINUE = ("-m", "gradb", "run", "-o", "{tape}", "-e")
_WATCH = (*_RECORD, "--record", "watch")
COLUMNS = {
    "bare": Column((), "bare"),
    "watch": Column(_WATCH, "watch"),
    "full": Column(_RECORD, "full"),
    "python": Column(_RECORD, "full, pure Python", environment={"GRADB_ACCELERATOR": "off"}),
    "unchecked": Column((*_RECORD, "--probe", "small"), "full, ratio to no calls of large nodes", "full"),
    "breakpoint": Column(
        (*_CONTINUE, "break node Nope!; break module nope; break birth; break grad_norm > 1e9; continue; show output"),
        "breakpoints never met, ratio to full",
        base="full",
    ),
    "anomaly": Column((str(HERE / "anomaly.py"),), "detect_anomaly"),
    "debugmode": Column((str(HERE / "debugmode.py"),), "DebugMode"),
    "watch_before": Column(_WATCH, "watch, ratio to before", "watch", "watch"),
    "full_before": Column(_RECORD, "full, ratio to before", "full", "full"),
}
"""All ways to run a workload; those that end in ``_before`` need another checkout of gradb (``--before``).

``unchecked`` does not call the nodes that are too large to be measured with a random vector. ``breakpoint`` goes on to
breakpoints that are never met.
"""
