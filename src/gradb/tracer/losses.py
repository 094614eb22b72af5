"""What a backward begins from: the name that the source gives it, and its value."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import torch

from gradb.tape.codec import dumps
from gradb.tracer.places import Place
from gradb.tracer.syntax import Callee
from gradb.tracer.values import Unreadable, is_ordinary, modes_off, readable

Loss = tuple[str, float]
_METHOD, _FUNCTIONS = Callee("backward", is_method=True), (Callee("backward"), Callee("grad"))


class Losses:
    """Reads losses; the name at a place is found out once."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[Place, str, str]] = {}

    def of(self, roots: Sequence[Any], place: Place) -> list[Loss]:
        """Return name and value of each root that is a single real number."""
        if len(roots) == 1:
            root = roots[0]
            is_plain = type(root) is torch.Tensor and root.is_cpu and not torch._C._len_torch_dispatch_stack()
            if is_plain and root.numel() == 1 and root.is_floating_point():
                return [(self._name(place), root.item())]
        return self._carefully([root for root in roots if isinstance(root, torch.Tensor)], place)

    def _carefully(self, tensors: list[torch.Tensor], place: Place) -> list[Loss]:
        name, found = self._name(place), []
        for number, root in enumerate(tensors):
            if is_ordinary(root) and root.numel() == 1 and not root.is_complex():
                with contextlib.suppress(Unreadable), modes_off():
                    value = float(readable(root, 1))
                    found.append((name if len(tensors) == 1 else f"{name} {number + 1}", value))
        return found

    def text(self, losses: list[Loss], place: Place) -> str:
        """Return the detail of a loss event, as JSON; the repr of a finite float is its JSON."""
        if len(losses) == 1 and math.isfinite(losses[0][1]):
            return f"[[{self._known(place)[2]},{losses[0][1]!r}]]"
        return dumps(losses)

    def _name(self, place: Place) -> str:
        return self._known(place)[1]

    def _known(self, place: Place) -> tuple[Place, str, str]:
        known = self._names.get(id(place))
        if known is None or known[0] is not place:
            name = _named(place)
            known = self._names[id(place)] = (place, name, dumps(name))
        return known


def _named(place: Place) -> str:
    names = place.names
    callees = _FUNCTIONS if names.root == "torch" else (_METHOD, *_FUNCTIONS)
    found = next((row for callee in callees if (row := names.of_arguments(callee, 1, False))), ())
    return (found[0] if found else None) or "loss"
