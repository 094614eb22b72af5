"""What autograd tells of a tensor: what made it, whether it is a leaf, which version of its values it holds.

Every one of these reads can raise for a tensor of the script's: torch refuses the ``grad_fn`` of a view that was made
where gradients were off, once what it views has changed, and inference tensors have no version. Here they are asked so
that nothing raises and nothing warns.
"""

from __future__ import annotations

from typing import Any

import torch


def maker(tensor: torch.Tensor) -> Any:
    """Return the ``grad_fn`` of a tensor, or None where it has none, or torch does not tell."""
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def is_leaf(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is where gradients end: it requires grad, no op made it, and it is not part of another.

    torch also calls a leaf what is seen of a tensor where gradients are off (``w[0]`` under ``no_grad``).
    """
    if not tensor.requires_grad or maker(tensor) is not None:
        return False
    base = tensor._base
    return base is None or not base.requires_grad


def is_part(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is a view of one that requires grad itself."""
    base = tensor._base
    return base is not None and base.requires_grad


def keeps_grad(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor has a ``.grad`` to ask for; asking any other makes torch warn."""
    try:
        return tensor.is_leaf or tensor.retains_grad
    except RuntimeError:
        return False


def grad_of(tensor: torch.Tensor) -> torch.Tensor | None:
    """Return the ``.grad`` of a tensor that keeps one."""
    try:
        return tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    except RuntimeError:
        return None


def version(tensor: torch.Tensor | None) -> int:
    """Return how often the values of a tensor were changed in place; -1 where torch does not count."""
    try:
        return -1 if tensor is None else tensor._version
    except RuntimeError:
        return -1
