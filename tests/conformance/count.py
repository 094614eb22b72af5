"""Counts the node names that the table explains, by running an op for each.

Run ``python -m tests.conformance.count`` from the top of the repository. A name counts when a node of that name was
really created and a row of the table explains it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from gradb.rules.formulas import node_names
from gradb.rules.table import RULES, lookup
from tests.conformance.rows import Row
from tests.conformance.test_rows_against_torch import ALL, apply


@lru_cache(maxsize=1)
def covered() -> frozenset[str]:
    """Return the names of all nodes that the calls of the table's test create and a row explains."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return frozenset(name for given in ALL for name in _explained(given))


def _explained(given: Row) -> Iterator[str]:
    """Return the names of the nodes behind a call that its row explains."""
    function = given.key.partition("@")[2]
    for root in apply(given):
        for node in _behind(root.grad_fn):
            if lookup(node.name(), function) is RULES[given.key]:
                yield node.name()


def _behind(root: Any) -> Iterator[Any]:
    seen, left = set(), [root]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        left += [following for following, _ in node.next_functions]


if __name__ == "__main__":
    known = sum(lookup(name) is not None for name in node_names())
    print(f"{len(covered())} node names run and explained, {len(RULES)} rows in the table")
    print(f"{known} of PyTorch's {len(node_names())} node names have a row by name")
