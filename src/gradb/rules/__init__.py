"""The mathematics of ops: what gradb says about a node's local derivative, in formulas and in numbers.

Plain tables over the tape's dataclasses; nothing here knows torch or how a pane looks. The tables are read when the
first node is explained, not on import: the screen is to be there before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradb.algebra.local import Local
from gradb.frame.chain.pathview import PathsAt
from gradb.frame.chain.record import Chain

if TYPE_CHECKING:
    from gradb.rules.explain import Explanation
    from gradb.rules.model import Rule


def describe(chain: Chain, edge_index: int) -> Explanation:
    """Explain one edge of a node: see ``gradb.rules.explain``."""
    from gradb.rules import explain

    return explain.describe(chain, edge_index)


def examined(chain: Chain) -> Chain:
    """Return a record with every check that the tape allows: see ``gradb.rules.checking``."""
    from gradb.rules import checking

    return checking.examined(chain)


def with_settled(paths: PathsAt) -> PathsAt:
    """Return the paths with local derivatives that are settled at singular points, as those of ``examined`` are."""
    return paths.with_settling(_settled)


def _settled(chain: Chain, edge_index: int, local: Local) -> Local | None:
    from gradb.rules import checking

    return checking.settled(chain, edge_index, local)


def lookup(node_name: str, function: str = "", torch: str = "") -> Rule | None:
    """Return the row of the table for a node: see ``gradb.rules.table``."""
    from gradb.rules import table

    return table.lookup(node_name, function, torch)


__all__ = ["describe", "examined", "lookup", "with_settled"]
