"""What is differentiated, as it stands in ∂L/∂x: the root by its name, or v·root where gradient= says how much."""

from __future__ import annotations

from gradb.frame.chain.path import PathEnd
from gradb.frame.chain.record import Chain
from gradb.present.draw.safe import plain

_MAX_NAME = 40


def loss_name(chain: Chain) -> str:
    """Return ``loss``, ``(v·d)`` of a vector or where gradient= is not 1, else L."""
    if not chain.root:
        return "L"
    return _weighted(chain.root) if chain.weights is not None else plain(chain.root, _MAX_NAME)


def root_name(root: PathEnd) -> str:
    """Return what is differentiated by the paths from a root, spelled as ``loss_name`` does."""
    if not root.is_named:
        return "L"
    return _weighted(root.name) if root.is_weighted else plain(root.name, _MAX_NAME)


def _weighted(name: str) -> str:
    return f"(v·{plain(name, _MAX_NAME)})"


def weights_note(chain: Chain) -> str:
    """Say what v is, and L where there is no one name; nothing where the root itself is differentiated."""
    weights = chain.weights
    if weights is None:
        return ""
    argument = "grad_outputs=" if weights.is_from_grad else "gradient="
    if len(weights.given) > 1:
        return f"(L: the sum of v·root over {len(weights.given)} roots, v = {argument})"
    return f"(v = {argument})" if chain.root else f"(L = v·root, v = {argument})"
