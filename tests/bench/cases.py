"""What the benchmark compares: the workloads (rows) and the ways to run them (columns)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


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

    def command(self, amount: int) -> list[str]:
        """Return the script and its arguments."""
        return [str(HERE / "workloads" / self.script), str(amount), *self.arguments]


WORKLOADS = {
    "w1": Workload("w1_thermometer.py", "W1 thermometer net, SGD", 1000, 200),
    "w1a": Workload("w1_thermometer.py", "W1 with Adam", 1000, 200, ("adam",)),
    "w2": Workload("w2_mlp.py", "W2 MLP 784-256-128-10, Adam", 100, 20),
    "w3": Workload("w3_gpt.py", "W3 GPT, 4 layers, AdamW", 10, 3),
    "w4": Workload("w4_chain.py", "W4 chain, one backward", 20_000, 4000),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One way to run a script."""

    words: tuple[str, ...]
    """What stands between the interpreter and the script; ``{tape}`` is a path."""
    text: str
    """What it is, for the table."""

    @property
    def is_taped(self) -> bool:
        """True when it writes a tape."""
        return "{tape}" in self.words

    def command(self, script: list[str], tape: Path) -> list[str]:
        """Return the whole command line."""
        return [sys.executable, *(word.format(tape=tape) for word in self.words), *script]


_RECORD = ("-m", "gradb", "record", "-o", "{tape}")
COLUMNS = {
    "bare": Column((), "bare"),
    "watch": Column((*_RECORD, "--record", "watch"), "watch"),
    "full": Column(_RECORD, "full"),
    "anomaly": Column((str(HERE / "anomaly.py"),), "detect_anomaly"),
}
