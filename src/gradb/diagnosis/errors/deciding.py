"""Where it was decided on which device a tensor is, and of which dtype: back over the calls that only kept that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gradb.diagnosis.errors.scene import Scene
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_MOST = 10_000
_DEVICE = re.compile(r"(?:device\(type=)?'(\w+)(?::\d+)?'(?:, index=(\d+))?\)?")
_MOVES = {"Tensor.cuda": "cuda", "Tensor.cpu": "cpu"}
_META = "no values on the meta device"


@dataclass(frozen=True, slots=True)
class Decision:
    """The call that decided."""

    event: Event
    what: str
    """The device or dtype; empty where the call names no device."""


def is_on_meta(tensor: Tensor) -> bool:
    """Tell whether a tensor is on the device that has shapes and no values."""
    return tensor.value.note == _META


def device_of(scene: Scene, tensor: Tensor) -> Decision | None:
    """Return what put a tensor on its device; None where that was not recorded."""

    def told(detail: OpDetail, _made: Tensor) -> str | None:
        found = _device_named(detail)
        return found if found or not detail.inputs else None

    return _decided(scene, tensor, told, lambda one, other: is_on_meta(one) == is_on_meta(other))


def dtype_of(scene: Scene, tensor: Tensor) -> Decision | None:
    """Return what made a tensor, or what it was computed of, of its dtype; None where that was not recorded.

    Where the first of that dtype was not made by a call on the tape, it is the first call that was given it.
    """

    def told(detail: OpDetail, made: Tensor) -> str | None:
        is_kept = any(one.value.dtype == made.value.dtype for one in detail.inputs)
        return None if is_kept else made.value.dtype

    dtype = tensor.value.dtype
    return _decided(scene, tensor, told, lambda one, other: one.value.dtype == other.value.dtype, arriving=dtype)


def _decided(
    scene: Scene,
    tensor: Tensor,
    told: Callable[[OpDetail, Tensor], str | None],
    is_alike: Callable[[Tensor, Tensor], bool],
    arriving: str = "",
) -> Decision | None:
    position, newest = scene.seq - 1, scene.seq
    for _ in range(_MOST):
        seq = scene.tape.defined_at(tensor.id, position) if tensor.id else None
        detail = None if seq is None else scene.tape.detail(seq)
        if seq is None or not isinstance(detail, OpDetail):
            return Decision(scene.tape.event(newest), arriving) if arriving and newest != scene.seq else None
        what = told(detail, tensor)
        if what is not None:
            return Decision(scene.tape.event(seq), what)
        given = [one for one in detail.inputs if one.id == tensor.id or is_alike(one, tensor)]
        if not given:
            return None
        tensor, position, newest = given[0], seq - 1, seq
    return None


def _device_named(detail: OpDetail) -> str:
    """Return the device that a call names among its arguments; empty where it names none."""
    if detail.function in _MOVES:
        return _MOVES[detail.function]
    is_move = detail.function == "Tensor.to"
    for keyword, text in detail.arguments:
        found = _DEVICE.fullmatch(text) if keyword == "device" or (is_move and not text.startswith("%")) else None
        if found is not None:
            return found[1] if found[2] is None else f"{found[1]}:{found[2]}"
    return ""
