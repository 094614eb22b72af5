"""What a backward differentiates where it is not its root alone: the sum of gradient= times root.

PyTorch multiplies a vector with a Jacobian and never makes more than that: what flows is the derivative of the scalar
v·root, which is the root itself only where that is one number and v is 1.
"""

from __future__ import annotations

from gradb.frame.chain.record import Weights
from gradb.frame.graph.runs import Backward


def weights_of(backward: Backward) -> Weights | None:
    """Return what was given for the roots of a backward; None where each root is one number that counts once."""
    given = tuple(None if tensor is None else tensor.value for tensor in backward.gradients)
    given += (None,) * (len(backward.roots) - len(given))
    is_plain = all(is_one(backward, index) for index in range(len(backward.roots)))
    return None if is_plain else Weights(given, is_from_grad=backward.call == "grad")


def is_one(backward: Backward, index: int) -> bool:
    """Tell whether a root is one number and counts once: gradient= was left out, or is 1."""
    given = backward.gradients[index] if index < len(backward.gradients) else None
    is_scalar = backward.roots[index].value.numel == 1
    return is_scalar and (given is None or given.value.numbers() == [1])
