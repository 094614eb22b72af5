"""What to say where a movement into an op or a node has come to its end without a call of it. Moves nothing."""

from __future__ import annotations

from gradb.debugger.errors import UserError
from gradb.frame.reader import Tape, TapeError
from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.op import OpDetail


def what_was_not_seen(tape: Tape, event: Event) -> str:
    """Return a sentence about the ATen calls of an op or node that has returned; empty where they were recorded.

    Raises:
        UserError: the tape is damaged there.
    """
    try:
        detail = tape.detail(event.seq)
    except TapeError as error:
        raise UserError(str(error)) from error
    if not isinstance(detail, OpDetail | NodeDetail | AccumulateDetail) or detail.calls:
        return ""
    name = "AccumulateGrad" if isinstance(detail, AccumulateDetail) else event.name
    if detail.calls == 0:
        return f"{name} made no ATen call"
    return f"the ATen calls of {name} were not recorded: only `into` in a running script, and --aten, record them"
