"""All rules in one table, and how a node's name finds its row."""

from __future__ import annotations

import re

from gradb.rules.binary import BINARY, SAME
from gradb.rules.elementwise import SCALED, UNARY
from gradb.rules.linear import LINEAR
from gradb.rules.model import Rule
from gradb.rules.network import NETWORK

RULES: dict[str, Rule] = {rule.node: rule for rule in (*UNARY, *SCALED, *BINARY, *SAME, *LINEAR, *NETWORK)}
_NAME = re.compile(r"(\w+?)Backward(\d*)")


def lookup(node_name: str, function: str = "") -> Rule | None:
    """Return the rule of a node (``MulBackward0``), or None where the table has none.

    A row for the very overload (``Pow2``) goes before the op's row (``Pow``), and a row for the torch call that made
    the node (``Mul@dropout``) before both.
    """
    match = _NAME.fullmatch(node_name)
    if match is None:
        return RULES.get(node_name.rpartition("::")[2])
    base, overload = match.groups()
    for key in (f"{base}@{call_name(function)}", f"{base}{overload}", base):
        if key in RULES:
            return RULES[key]
    return None


def call_name(function: str) -> str:
    """Return the bare name of a torch call: ``torch.Tensor.__rsub__`` and ``rsub_`` are both ``rsub``."""
    return function.rpartition(".")[2].strip("_")
