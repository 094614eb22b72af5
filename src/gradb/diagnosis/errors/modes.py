"""Where gradients went off for a call that nothing around it in the source switches them off for.

Calls tell their grad mode, so the change is known to lie between two of them; which line made it is at best likely.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from gradb.diagnosis.errors.source import function_at, switch, tree_of
from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event

_MOST_EVENTS = 50_000
_BATCH = 256
_CALLS = frozenset({"op", "leaf", "backward_start", "zero_grad"})
"""Kinds of events that tell the grad mode of a call of the script's."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is known of a change from on to off."""

    on: Event | None
    """The last call before it with gradients on; None where there is none."""
    off: Event
    """The first after that with gradients off, though nothing around its line switches them."""
    is_whole: bool
    """False where the calls before ``off`` were too many to look through."""
    likely: tuple[int, str] | None
    """Line and text of the one call in the functions of both that switches gradients off for good."""


def change_before(tape: Tape, event: Event) -> Change:
    """Find the change after which a call ran with gradients off."""
    off, seq = event, event.seq - 1
    oldest = max(event.seq - _MOST_EVENTS, 1)
    while seq >= oldest:
        first = max(seq - _BATCH + 1, oldest)
        for one in reversed(list(tape.events(first, seq))):
            if one.kind not in _CALLS or one.thread != event.thread:
                continue
            if one.grad_mode == "on":
                return Change(one, off, True, _likely(tape, one, off))
            if one.phase != "optimizer" and switch(tape, one) is None:
                off = one
        seq = first - 1
    return Change(None, off, oldest == 1, _likely(tape, None, off))


def _likely(tape: Tape, on: Event | None, off: Event) -> tuple[int, str] | None:
    """Return the one statement that can have switched gradients off; None where there is none, or a choice."""
    found: dict[tuple[str | None, int], ast.Call] = {}
    for event in (off,) if on is None else (on, off):
        body = function_at(tape, event) or tree_of(tape, event)
        for node in ast.walk(body) if body is not None else ():
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _may_switch_off(node.value):
                found[event.file, node.lineno] = node.value
    if len(found) != 1:
        return None
    (file, line), call = next(iter(found.items()))
    return (line, ast.unparse(call)) if file == off.file and _switches_off(call) else None


def _may_switch_off(call: ast.Call) -> bool:
    """Tell whether a statement may leave gradients off: ``set_grad_enabled(x)``, ``no_grad().__enter__()``."""
    target = call.func
    name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
    if name == "__enter__":
        return True
    return name == "set_grad_enabled" and not _is_given(call, value=True)


def _switches_off(call: ast.Call) -> bool:
    text = ast.unparse(call)
    return _is_given(call, value=False) or "no_grad()" in text or "inference_mode()" in text


def _is_given(call: ast.Call, *, value: bool) -> bool:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return len(values) == 1 and isinstance(values[0], ast.Constant) and values[0].value is value
