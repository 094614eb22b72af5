"""A tape of one sample held to what it promises: every node recorded, every product and sum agreeing, every pane drawn.

Reads the tape as a user's screen does, through Frames; knows nothing of torch.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console

from gradb.algebra.jacobian import AGREES
from gradb.frame.chain.record import Chain
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.rules import examined
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.values import TensorValue

_RAN = ("node", "accumulate")
_DRAWN = ("op", *_RAN)
_ROOM = Options(width=100, height=40)


@dataclass(slots=True)
class Tally:
    """What was counted on a tape, and what is wrong with it."""

    nodes: int = 0
    checked: int = 0
    """Edges whose product was compared with the engine's and agrees."""
    sums: int = 0
    """Nodes whose contributions were compared with what arrived and agree."""
    unprobed: Counter[str] = field(default_factory=Counter)
    """Edges without a compared product, by the reason that the tape gives."""
    problems: list[str] = field(default_factory=list)


def judge(tape: Tape, *, draws: bool = True) -> Tally:
    """Look at every event of a tape, and draw its panes."""
    tally = Tally()
    ran: set[tuple[int, int]] = set()
    for event in tape.events():
        detail = tape.detail(event.seq)
        if isinstance(detail, NoteDetail):
            tally.problems.append(f"note: {detail.text}")
        frame = tape.frame(event.seq)
        if event.kind in _RAN and event.node is not None and frame.chain is not None:
            tally.nodes += 1
            ran.add((event.node, event.seq))
            _judge_chain(examined(frame.chain), tally)
            _judge_buffers(frame, tally)
        if draws:
            _draw(frame, tally)
    _judge_completeness(tape, {node for node, _ in ran}, tally)
    return tally


def _judge_chain(chain: Chain, tally: Tally) -> None:
    where = f"{chain.node_name} (node {chain.node})"
    for index, edge in enumerate(chain.edges):
        if edge.to is None:
            continue
        if edge.check is None or edge.check.how == "none":
            tally.unprobed[reason(edge.local.note or _missing(chain, edge.downstream))] += 1
        elif not edge.check.is_ok:
            tally.problems.append(f"{where}, edge {index}: upstream x local {edge.check.text}")
        elif edge.check.text.startswith(AGREES):
            tally.checked += 1
        else:
            tally.unprobed["NaN, infinity or overflow in the product"] += 1
    check = chain.contributions_check
    if check is not None:
        tally.sums += check.is_ok
        if not check.is_ok:
            tally.problems.append(f"{where}: the sum of the contributions {check.text}")


def _missing(chain: Chain, downstream: TensorValue | None) -> str:
    """Say which numbers there are not, where the local derivative is known."""
    for name, values in (("upstream", chain.upstream), ("downstream", (downstream,))):
        if any(value is not None and value.data is None for value in values):
            return f"the {name} gradient is too large to be kept whole"
    return "no numbers to compare"


def _judge_buffers(frame: Frame, tally: Tally) -> None:
    for buffer in frame.grads:
        if buffer.check is not None and not buffer.check.is_ok:
            tally.problems.append(f"{buffer.name}.grad: before + added {buffer.check.text}")


def _judge_completeness(tape: Tape, ran: set[int], tally: Tally) -> None:
    """Each node that a backward set out to run has run, unless the engine raised."""
    starts: dict[int, BackwardStartDetail] = {}
    for event in tape.events():
        detail = tape.detail(event.seq)
        if isinstance(detail, BackwardStartDetail):
            starts[event.seq] = detail
        elif isinstance(detail, BackwardEndDetail) and not detail.error and detail.start in starts:
            missing = [node for node in starts[detail.start].nodes if node not in ran]
            if missing:
                tally.problems.append(f"{len(missing)} nodes that the engine ran are not on the tape")


def _draw(frame: Frame, tally: Tally) -> None:
    """Draw the pane of the chain rule after each op and node, and all panes once the engine has returned."""
    kind = "" if frame.event is None else frame.event.kind
    for name in PANES if kind == "backward_end" else ("chain",) if kind in _DRAWN else ():
        try:
            Console(file=io.StringIO(), width=_ROOM.width).print(PANES[name].render(frame, _ROOM))
        except Exception as error:
            tally.problems.append(f"pane {name}: {type(error).__name__}: {error}")


def reason(note: str) -> str:
    """Return a note with its numbers left out, so that like reasons are counted together."""
    return re.sub(r"\d[\d,.]*", "n", note) or "no reason given"
