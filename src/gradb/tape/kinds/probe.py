"""The node that the script is held at was probed because somebody asked for it.

``[start, what, index, of, [probe...], [V...], [V...], [V base...], [V moved...], code, note]``
"""

from __future__ import annotations

from dataclasses import dataclass

from gradb.tape.kinds.jacobian import Probe, read_probes
from gradb.tape.kinds.spec import Spec
from gradb.tape.values import TensorValue
from gradb.tape.wire import Wire, dumps, read_values


@dataclass(frozen=True, slots=True)
class ProbeDetail:
    """A node was probed because somebody asked for it."""

    start: int
    """seq of the node_start event of the node."""
    what: str
    """``full`` (all of the Jacobian), ``row``, ``column``, ``random`` or ``with`` (a direction given)."""
    index: int
    """row, column: the element, flat and row-major; random: the seed of the direction."""
    of: int
    """row: which output of the node; column: which edge."""
    probes: tuple[Probe, ...]
    """full: one per edge, in the order of ``next_functions``."""
    vector: tuple[TensorValue | None, ...]
    """row, random, with: what was put in upstream, one per output."""
    result: tuple[TensorValue | None, ...]
    """row, random, with: what came out downstream, one per edge; column: d output / d element, one per output."""
    base: tuple[TensorValue | None, ...] = ()
    """random: what the upstream gradient itself gives, one per edge."""
    moved: tuple[TensorValue | None, ...] = ()
    """random: what the upstream gradient plus the vector gives, one per edge."""
    has_run_code: bool = False
    """True when gradb ran the script's own code for it."""
    note: str = ""
    """Why nothing was measured."""


def write(
    *,
    start: int,
    what: str,
    index: int,
    of: int,
    probes: str,
    vector: str,
    result: str,
    base: str,
    moved: str,
    has_run_code: bool,
    note: str,
) -> str:
    """Return the wire form; ``probes`` to ``moved``: the texts of lists."""
    measured = f"{probes},{vector},{result},{base},{moved}"
    return f"[{start},{dumps(what)},{index},{of},{measured},{dumps(has_run_code)},{dumps(note)}]"


def read(raw: Wire, data: bytes) -> ProbeDetail:
    """Read the wire form."""
    start, what, index, of, probes, *values, code, note = raw
    vector, result, base, moved = (read_values(part, data) for part in values)
    head = int(start), str(what), int(index), int(of)
    return ProbeDetail(*head, read_probes(probes, data), vector, result, base, moved, bool(code), str(note))


SPEC = Spec(read, phase="backward", is_stop=True)
