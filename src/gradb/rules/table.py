"""All rules in one table, and how a node's name finds its row."""

from __future__ import annotations

import re
from functools import lru_cache

from gradb.frame.chain.record import Chain
from gradb.rules.activations import ACTIVATIONS
from gradb.rules.bessel import BESSEL
from gradb.rules.binary import BINARY, SAME
from gradb.rules.changed import CHANGED
from gradb.rules.classification import CLASS_LOSSES
from gradb.rules.complexes import COMPLEXES
from gradb.rules.convolution import CONVOLUTION
from gradb.rules.elementwise import SCALED, UNARY
from gradb.rules.factors import FACTORS
from gradb.rules.linalg import LINALG
from gradb.rules.losses import ELEMENT_LOSSES
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
from gradb.rules.softmax import SOFTMAX
from gradb.rules.special import SPECIAL
from gradb.rules.versions import MEASURED, measured, order

_ELEMENTWISE = (*UNARY, *SCALED, *SPECIAL, *BESSEL, *ACTIVATIONS, *BINARY, *PAIRS, *SAME, *COMPLEXES)
_MATRICES = (*REDUCTIONS, *CUMULATIVE, *NORMS, *PRODUCTS, *LINALG, *FACTORS)
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
"""The rows as of torch 2.13; ``CHANGED`` has those that are others in later versions."""
_NAME = re.compile(r"(\w+?)Backward(\d*)(?:_copy)?")


@lru_cache(maxsize=len(MEASURED))
def _rows(release: str) -> dict[str, Rule]:
    """Return the table of one of the versions that were measured."""
    rows = dict(RULES)
    for since, changed in CHANGED:
        if order(since) <= order(release):
            rows |= {rule.node: rule for rule in changed}
    return rows


def lookup(node_name: str, function: str = "", torch: str = "") -> Rule | None:
    """Return the rule of a node (``MulBackward0``) in a version of torch, or None where the table has none.

    A row for the very overload (``Pow2``) goes before the op's row (``Pow``), and a row for the torch call that made
    the node (``Mul@dropout``) before both.
    """
    match = _NAME.fullmatch(node_name)
    rows = _rows(measured(torch))
    if match is None:
        return rows.get(node_name.rpartition("::")[2])
    base, overload = match.groups()
    for key in (f"{base}@{call_name(function)}", f"{base}{overload}", base):
        if key in rows:
            return rows[key]
    return None


def rule_of(chain: Chain) -> Rule | None:
    """Return the rule of a node, or None where the table has none that holds for the call which made it."""
    function = chain.op.function if chain.op is not None else ""
    rule = lookup(chain.node_name, function, chain.torch)
    if rule is not None and rule.is_strict and call_name(function) not in rule.functions:
        return None
    return rule


def call_name(function: str) -> str:
    """Return the bare name of a torch call: ``torch.Tensor.__rsub__`` and ``rsub_`` are both ``rsub``.

    Of a property (``Tensor.T.__get__``) it is the property's own.
    """
    return function.removesuffix(".__get__").rpartition(".")[2].strip("_")
