"""The engine is about to run a node, upstream is known and downstream is not: ``[backward, [T...], [probe...]]``."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gradb.tape.kinds.jacobian import Probe, read_probes
from gradb.tape.kinds.spec import Spec
from gradb.tape.kinds.tensor import Tensor, read_optional
from gradb.tape.wire import Wire, WireError


@dataclass(frozen=True, slots=True)
class NodeStartDetail:
    """The engine is about to run a node."""

    backward: int
    """seq of the backward_start event."""
    upstream: tuple[Tensor | None, ...]
    """dL/d(output), one per output of the node; None where undefined."""
    probes: tuple[Probe, ...]
    """One per edge, in the order of ``next_functions``; empty when the whole node was not probed for no stated
    reason."""


def write(*, backward: int, upstream: str, probes: str) -> str:
    """Return the wire form; ``upstream``: texts of ``T`` with commas between, ``probes``: the text of a list."""
    return f"[{backward},[{upstream}],{probes}]"


def read(raw: Wire, data: bytes) -> NodeStartDetail:
    """Read the wire form."""
    backward, upstream, probes = raw
    return NodeStartDetail(int(backward), read_optional(upstream, data), read_probes(probes, data))


def read_upstream(text: str, data: bytes | None) -> tuple[Tensor | None, ...]:
    """Read upstream alone of the text of a wire form.

    Raises:
        WireError: it is damaged.
    """
    try:
        _, upstream, _ = json.loads(text)
        return read_optional(upstream, data or b"")
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f"the detail of a node_start event is damaged: {error}") from error


SPEC = Spec(read, phase="backward")
