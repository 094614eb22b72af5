"""What is said where a position is about no node: what an event that leaves none has to do with gradients."""

from __future__ import annotations

from gradb.frame.frame import Frame
from gradb.present.draw.safe import plain
from gradb.present.lines.call import call_text
from gradb.present.lines.headline import intervention_words
from gradb.present.lines.leaf import leaf_name
from gradb.present.lines.unseen import none_yet
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.op import OpDetail

_LIMIT = 60  # characters of a name or a call that are told
_SWITCHES = {"off": "no_grad", "inference": "inference_mode"}
_YET = "no node here: nothing was computed yet that a gradient flows through"
_CUT = "no node here: the error was raised before a node of this backward has run"
_NONE = "no node here: what happens here has no part in the graph"
_CHANGE = "no node here: the script stands still, and something was changed from outside"
_OVER = "no node here: the script is over"


def nodeless_words(frame: Frame) -> str:
    """Return the sentence for a position that is about no node."""
    if frame.event is not None and isinstance(frame.detail, LeafDetail):
        name = leaf_name(frame, frame.event, frame.detail)
        return (
            f"{name} is a leaf: no op made it, so its grad_fn is None. Its AccumulateGrad is where a way of backward"
            " ends: it adds to .grad what arrives"
        )
    if frame.event is not None and isinstance(frame.detail, OpDetail):
        return _of_op(frame.event, frame.detail)
    if frame.event is not None and frame.event.kind == "error" and frame.event.phase == "backward":
        return _CUT
    if isinstance(frame.detail, InterventionDetail):
        return f"{_CHANGE}: {intervention_words(frame.detail)}"
    if frame.graph.is_empty:
        return none_yet(_YET, frame.training)
    here = _OVER if frame.event is not None and frame.event.kind == "end" else _NONE
    return "; ".join(filter(None, (here, _last_backward(frame))))


def _last_backward(frame: Frame) -> str:
    """Say where the newest backward from a scalar began, and how one comes there; empty where there was none."""
    counts = [(one, one.until(frame.training.position)) for one in frame.training.losses]
    points = [(one.events[count - 1], one.iterations[count - 1]) for one, count in counts if count]
    if not points:
        return ""
    event, iteration = max(points)
    if frame.called.path:  # of an iteration lived again: the losses are those of the first run, with its events
        return f"the last backward is that of iteration {iteration:,}"
    return f"the last backward, of iteration {iteration:,}, begins at event {event:,}: `goto {event}` leads there"


def _of_op(event: Event, op: OpDetail) -> str:
    """Say why an op left no node."""
    call = plain(call_text(op), _LIMIT)
    if event.grad_mode != "on":
        return (
            f"{call} leaves no node: gradients are off here ({_SWITCHES[event.grad_mode]}), so backward never sees it"
        )
    if any(tensor.requires_grad for tensor in op.inputs):
        return f"{call} leaves no node: its result does not require grad, so no gradient flows back through it"
    return f"{call} leaves no node: nothing that it is given requires grad"
