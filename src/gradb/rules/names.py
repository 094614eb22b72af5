"""Which name stands for which argument of a node: the tape's own where it knows one, a plain word where not.

The edges say what the differentiable inputs are; the forward call's arguments say the rest (an exponent, the constant
in ``2 * a``), but only where the call is known to have the signature of the rule and made just this one node.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gradb.algebra.local import Local
from gradb.frame.chain.record import Chain
from gradb.rules.model import Rule
from gradb.rules.table import call_name
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_STAND_INS = {"self": "input", "src": "input"}  # any other role stands for itself
_MAX_LITERAL = 24


@dataclass(frozen=True, slots=True)
class Argument:
    """What is known of one argument."""

    text: str
    """Name, literal or stand-in: what a formula shows."""
    tensor: Tensor | None = None
    """The tensor, where it is one that the tape knows."""
    is_named: bool = False
    """True when ``text`` is the tape's name or the script's literal, not a word of ours."""
    literal: str = ""
    """The argument as the call gave it, where it is no tensor that the tape knows: ``(1, 2)``, ``[%0, %1]``."""


def bind(chain: Chain, rule: Rule) -> dict[str, Argument]:
    """Return what is known of each role of a rule at a node."""
    found: dict[str, Argument] = dict(_from_call(chain, rule))
    for index, edge in enumerate(() if rule.is_repeated else chain.edges[: len(rule.parts)]):
        part = rule.part(index)
        if edge.tensor is not None and part is not None:
            known = found.get(part.role)
            if known is None or not known.is_named:
                found[part.role] = _argument(edge.tensor, part.role)
    for role in (*rule.signature, *(part.role for part in rule.parts), *rule.defaults):
        found.setdefault(role, Argument(_STAND_INS.get(role, role)))
    return found


def _argument(tensor: Tensor, role: str) -> Argument:
    if tensor.name:
        return Argument(tensor.name, tensor, is_named=True)
    return Argument(_STAND_INS.get(role, role), tensor)


def is_read(chain: Chain, rule: Rule) -> bool:
    """Tell whether the arguments of the call that made a node are those of the rule."""
    op = chain.op
    if op is None or not (op.nodes == (chain.node,) or rule.is_composite):
        return False
    return call_name(op.function) in (*rule.functions, *rule.swapped)


def _from_call(chain: Chain, rule: Rule) -> dict[str, Argument]:
    op = chain.op
    if op is None or not is_read(chain, rule):
        return {}
    roles = list(rule.signature)
    if call_name(op.function) in rule.swapped:
        roles[:2] = reversed(roles[:2])
    found = {role: Argument(text, is_named=True, literal=text) for role, text in rule.defaults.items()}
    for position, (keyword, text) in enumerate(_gathered(op, roles) if rule.is_variadic else op.arguments):
        if not keyword and position >= len(roles):
            continue
        role = {"input": "self"}.get(keyword, keyword) if keyword else roles[position]
        if keyword == "input" and "input" in roles:
            role = "input"
        if role == "dim" and text in {"True", "False"} and "unbiased" in roles:
            role = "unbiased"  # torch.var(x, False)
        if role in roles or role in rule.defaults:
            found[role] = _read(op, text, role)
    return found


def _gathered(op: OpDetail, roles: list[str]) -> list[tuple[str, str]]:
    """Return the arguments with those from the last role on in one: ``x.view(2, 3)`` as ``x.view((2, 3))``."""
    given = [text for keyword, text in op.arguments if not keyword]
    first = len(roles) - 1
    if len(given) <= len(roles):
        return list(op.arguments)
    return [*(("", text) for text in given[:first]), ("", f"({', '.join(given[first:])})")]


def _read(op: OpDetail, text: str, role: str) -> Argument:
    """Read one argument's text: ``%0`` is the first input, all else a literal."""
    if text.startswith("%") and text[1:].isdecimal() and int(text[1:]) < len(op.inputs):
        return _argument(op.inputs[int(text[1:])], role)
    if len(text) > _MAX_LITERAL:
        return Argument(_STAND_INS.get(role, role), literal=text)
    return Argument(f"({text})" if text.startswith("-") else text, is_named=True, literal=text)


def output_name(chain: Chain, taken: set[str], otherwise: str = "") -> str:
    """Return the name of the node's result, primed where an input has the same name (``x = 2 * x``), or ``result``.

    Of several results it is those of all: ``(low, high)``.
    """
    names = [f"{name}′" if name in taken else name for name in chain.result_names]
    if len(names) > 1:
        return f"({', '.join(names)})"
    return names[0] if names else otherwise or "result"


def fan_in(chain: Chain, edge_index: int) -> str:
    """Return how many input elements go into one element of one output, as text; ``n`` where that is not known."""
    edge = chain.edges[edge_index]
    rows, columns = _rows_of_one(chain, edge.local), edge.local.columns
    if (not rows or not columns) and chain.output is not None and edge.tensor is not None:
        rows, columns = math.prod(chain.output.value.shape), math.prod(edge.tensor.value.shape)
    return str(columns // rows) if rows and columns and columns % rows == 0 else "n"


def _rows_of_one(chain: Chain, local: Local) -> int:
    """Return how many elements the first output has: the rows of a local derivative are those of all outputs."""
    outputs = local.outputs or ()
    if len(outputs) > 1:
        return next((axis.size for axis in outputs if axis.size), 0)
    return local.rows if len(chain.upstream) < 2 else 0
