"""All rules in one table, and how a node's name finds its row."""

from __future__ import annotations

import re

from gradb.rules.activations import ACTIVATIONS
from gradb.rules.binary import BINARY, SAME
from gradb.rules.classification import CLASS_LOSSES
from gradb.rules.complexes import COMPLEXES
from gradb.rules.convolution import CONVOLUTION
from gradb.rules.elementwise import SCALED, UNARY
from gradb.rules.linalg import LINALG
from gradb.rules.losses import ELEMENT_LOSSES, SOFTMAX
from gradb.rules.model import Rule
from gradb.rules.moves import MOVES
from gradb.rules.network import NETWORK
from gradb.rules.normalisation import NORMALISATION
from gradb.rules.norms import NORMS
from gradb.rules.pairs import PAIRS
from gradb.rules.pooling import POOLING
from gradb.rules.products import PRODUCTS
from gradb.rules.reductions import CUMULATIVE, REDUCTIONS
from gradb.rules.sampling import SAMPLING
from gradb.rules.scatter import SCATTER
from gradb.rules.second import SECOND
from gradb.rules.selections import SELECTIONS
from gradb.rules.special import SPECIAL
from gradb.tape.frame import Chain

_ELEMENTWISE = (*UNARY, *SCALED, *SPECIAL, *ACTIVATIONS, *BINARY, *PAIRS, *SAME, *COMPLEXES)
_MATRICES = (*REDUCTIONS, *CUMULATIVE, *NORMS, *PRODUCTS, *LINALG)
_BLOCKS = (
    *SOFTMAX,
    *ELEMENT_LOSSES,
    *CLASS_LOSSES,
    *NORMALISATION,
    *CONVOLUTION,
    *POOLING,
    *SAMPLING,
    *NETWORK,
    *SECOND,
)
RULES: dict[str, Rule] = {
    rule.node: rule for rule in (*_ELEMENTWISE, *_MATRICES, *MOVES, *SELECTIONS, *SCATTER, *_BLOCKS)
}
_NAME = re.compile(r"(\w+?)Backward(\d*)(?:_copy)?")


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


def rule_of(chain: Chain) -> Rule | None:
    """Return the rule of a node, or None where the table has none that holds for the call which made it."""
    function = chain.op.function if chain.op is not None else ""
    rule = lookup(chain.node_name, function)
    if rule is not None and rule.is_strict and call_name(function) not in rule.functions:
        return None
    return rule


def call_name(function: str) -> str:
    """Return the bare name of a torch call: ``torch.Tensor.__rsub__`` and ``rsub_`` are both ``rsub``.

    Of a property (``Tensor.T.__get__``) it is the property's own.
    """
    return function.removesuffix(".__get__").rpartition(".")[2].strip("_")
