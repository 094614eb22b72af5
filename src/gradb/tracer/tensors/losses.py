"""What a backward begins from: the name that the source gives it, and its value.

A loss that a GradScaler has multiplied is told as the script's own. One that was divided on the way (accumulation, as
Accelerate and Lightning do it, or by hand) is told as such: its value is what was given to backward.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import weakref
from collections.abc import Sequence
from typing import Any

import torch

from gradb.tape.kinds.loss import write as write_loss, write_one as write_one_loss
from gradb.tape.wire import dumps
from gradb.tracer.isolation.forgetting import forgotten
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.native import reading
from gradb.tracer.source.files import read_source
from gradb.tracer.source.places import Place
from gradb.tracer.source.syntax import Callee
from gradb.tracer.tensors.history import maker
from gradb.tracer.tensors.values import Unreadable, modes_off, readable

Loss = tuple[str, float]
_METHOD, _FUNCTIONS = Callee("backward", is_method=True), (Callee("backward"), Callee("grad"))
_SCALE = Callee("scale", is_method=True)
_DIVISIONS = frozenset({"DivBackward0", "MulBackward0"})


class Scaled:
    """The losses that GradScalers have multiplied, for as long as the products live."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], str, float | None]] = {}
        self._scale: float | None = None
        """By which the newest was multiplied."""

    def note(self, outputs: Any, product: Any, place: Place) -> None:
        """Remember what a product is of, or each of several products."""
        if isinstance(outputs, (list, tuple)) and isinstance(product, (list, tuple)):
            for one, made in zip(outputs, product, strict=False):
                self.note(one, made, place)
        elif isinstance(outputs, torch.Tensor) and isinstance(product, torch.Tensor) and _is_single(product):
            row = place.names.of_arguments(_SCALE, 2, False)
            name = row[1] if len(row) > 1 else None
            told = _divided(outputs, name or "loss", place, is_named=name is not None)
            self._known[id(product)] = forgotten(product, self._known), told, _value(outputs)
            self._scale = _constant(maker(product))

    def of(self, root: torch.Tensor) -> tuple[str, float | None] | None:
        """Return name and value of what a root is the product of, or None."""
        known = self._known.get(id(root)) if self._known else None
        return None if known is None or known[0]() is not root else known[1:]

    def has(self, root: torch.Tensor) -> bool:
        """Tell whether there is the scale in a root."""
        return self.of(root) is not None or self.behind(root) is not None

    def behind(self, root: torch.Tensor) -> float | None:
        """Return the scale that is in a root made of a product by a number, or divided by one; else None."""
        node = maker(root) if self._scale else None
        if node is None or node.name() not in _DIVISIONS or len(node.next_functions) != 2:
            return None
        inner, number = (target for target, _ in node.next_functions)
        is_product = inner is not None and number is None and inner.name() == "MulBackward0"
        return self._scale if is_product and _constant(inner) == self._scale else None


class Losses:
    """Reads losses; the name at a place is found out once."""

    def __init__(self, scaled: Scaled) -> None:
        self._scaled = scaled
        self._names: dict[int, tuple[Place, str, str, bool]] = {}

    def of(self, roots: Sequence[Any], place: Place) -> list[Loss]:
        """Return name and value of each root that is a single real number."""
        if len(roots) == 1:
            root = roots[0]
            elements: list[float] = []
            if reading.extend(elements, root, 1) and elements:
                name, value = self._told(root, place, "")
                return [(name, elements[0] if value is None else value)]
            is_plain = type(root) is torch.Tensor and root.is_cpu and not torch._C._len_torch_dispatch_stack()
            if is_plain and _is_single(root) and Methods.is_floating_point(root):
                name, value = self._told(root, place, "")
                return [(name, Methods.item(root) if value is None else value)]
        return self._carefully([root for root in roots if isinstance(root, torch.Tensor)], place)

    def _carefully(self, tensors: list[torch.Tensor], place: Place) -> list[Loss]:
        found = []
        for number, root in enumerate(tensors):
            if _is_single(root) and not Methods.is_complex(root):
                name, value = self._told(root, place, "" if len(tensors) == 1 else f" {number + 1}")
                value = _value(root) if value is None else value
                if value is not None:
                    found.append((name, value))
        return found

    def _told(self, root: torch.Tensor, place: Place, number: str) -> tuple[str, float | None]:
        """Return what to call a root, and its value where that is not the root's own."""
        scaled = self._scaled.of(root)
        if scaled is not None:
            return scaled[0] + number, scaled[1]
        known, scale = self._known(place), self._scaled.behind(root)
        name = _divided(root, known[1], place, is_named=known[3]) + number
        whole = None if scale is None else _value(root)
        return name, None if whole is None else whole / (scale or 1.0)

    def text(self, losses: list[Loss], place: Place) -> str:
        """Return the wire form of a loss event."""
        if len(losses) == 1 and math.isfinite(losses[0][1]):
            name, value = losses[0]
            known = self._known(place)
            return write_one_loss(name=known[2] if name == known[1] else dumps(name), value=value)
        return write_loss(roots=losses)

    def _known(self, place: Place) -> tuple[Place, str, str, bool]:
        known = self._names.get(id(place))
        if known is None or known[0] is not place:
            found = _named(place)
            name = found or "loss"
            known = self._names[id(place)] = (place, name, dumps(name), found is not None)
        return known


def _named(place: Place) -> str | None:
    names = place.names
    callees = _FUNCTIONS if names.root == "torch" else (_METHOD, *_FUNCTIONS)
    found = next((row for callee in callees if (row := names.of_arguments(callee, 1, False))), ())
    return found[0] if found else None


def _value(tensor: torch.Tensor) -> float | None:
    with contextlib.suppress(Unreadable), modes_off():
        return float(Methods.item(readable(tensor, 1))) if _is_single(tensor) else None
    return None


def _is_single(tensor: torch.Tensor) -> bool:
    return Methods.numel(tensor) == 1


# --- accumulation -----------------------------------------------------------------------------------------------------

_rebound: dict[tuple[str, str], bool] = {}


def _divided(root: torch.Tensor, name: str, place: Place, *, is_named: bool) -> str:
    """Return ``loss / 4`` for a loss that was divided by a number before backward, where its name stands for the whole.

    That is so where it has no name of its own, where a library divides it, or where the script gives the quotient the
    name of the loss (``loss = loss / 4``). What a script computes as a quotient and calls by a name is that.
    """
    node = maker(root)
    kind = "" if node is None else node.name()
    if kind not in _DIVISIONS or (is_named and not _is_rebound(place.file, name)):
        return name
    edges = node.next_functions
    if len(edges) != 2 or edges[0][0] is None or edges[1][0] is not None:
        return name
    number = _constant(node)
    if number is None or number == 1:
        return name if number == 1 else f"{name} / n"
    return f"{name} / {number:g}" if kind == "DivBackward0" else f"{name} × {number:g}"


def _constant(node: Any) -> float | None:
    """Return the number that a product or quotient was made with; None where reading it would run the script's code."""
    raw = getattr(node, "_raw_saved_other", None)
    if raw is None or getattr(raw, "unpack_hook", node) is not None:
        return None
    try:
        other = node._saved_other
        return _value(other) if isinstance(other, torch.Tensor) else None
    except RuntimeError:  # freed by an earlier backward
        return None


def _is_rebound(file: str, name: str) -> bool:
    """Tell whether a name stands for a loss and for its quotient in a file, or the file is a library's."""
    known = _rebound.get((file, name))
    if known is None:
        text = read_source(file) or ""
        pattern = rf"^[ \t]*{re.escape(name)}[ \t]*(=[ \t]*{re.escape(name)}[ \t]*[/*]|[/*]=)"
        is_library = f"{os.sep}site-packages{os.sep}" in file
        known = _rebound[file, name] = is_library or re.search(pattern, text, re.MULTILINE) is not None
    return known
