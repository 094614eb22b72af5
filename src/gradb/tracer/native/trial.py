"""Teaches the compiled module where torch keeps what, and tries it against torch's own answers before it is used.

Nothing is taken for granted that another torch could have otherwise: a place is searched for by what torch says must
lie there, and what does not come out as torch has it turns the accelerator off for the run. Needs torch.
"""

from __future__ import annotations

import array
import ctypes
import functools
import math
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

from gradb.tape.schema import INFINITY, NAN
from gradb.tape.values import decode
from gradb.tracer.isolation.genuine import Functions, Methods, inference_mode
from gradb.tracer.isolation.modes import unseen
from gradb.tracer.native.loading import standing

QUESTIONS = (
    "get_data_ptr", "get_sizes", "get_strides", "get_dim", "get_numel", "get_dtype", "is_contiguous",
    "get_storage_size", "get_storage_offset",
)  # fmt: skip
"""The C functions of libtorch_cpu that answer about a tensor, without ``aoti_torch_``; their addresses are taught."""
DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
_WORD = 8
_IN_PYTHON = range(16, 64, _WORD)
"""Where in a Python tensor its C++ tensor may be held: past its reference count and type."""
_IN_CPP = range(_WORD, 24 * _WORD, _WORD)
"""Where in a C++ tensor its dispatch keys may lie."""
_ZEROS = (1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0)
_ODD = (0.5, -1.5, 3.0, math.nan, 2.0, math.inf, -0.25, -math.inf, 1.0, math.nan, 8.0, 0.0)


class Doubt(Exception):
    """This torch is not what the accelerator knows; the message says in what."""


def accelerator() -> Any:
    """Return the compiled module, taught and tried; None where there is none or it is not to be trusted."""
    module = standing().module
    return None if module is None or attempt() else module


def doubt() -> str:
    """Return why an accelerator that was built is not used with this torch, in one line; empty where it is."""
    return attempt() if standing().module is not None else ""


@functools.cache
def attempt() -> str:
    """Teach and try the module, once a process; return what is not as it should be, or nothing."""
    module = standing().module
    try:
        with torch._C.DisableTorchFunction(), unseen():
            _teach(module)
            _try(module)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


# --- where torch keeps what -------------------------------------------------------------------------------------------


def _teach(module: Any) -> None:
    library = ctypes.CDLL(_library())
    addresses = tuple(_address(library, f"aoti_torch_{name}") for name in QUESTIONS)
    numbers = {name: getattr(library, f"aoti_torch_dtype_{name}")() for name in DTYPES}
    plain, strange = list(_plain()), list(_strange())
    holder = _search(_IN_PYTHON, [(id(tensor), tensor._cdata) for tensor in plain])
    keys = _search(_IN_CPP, [(tensor._cdata, _keys(tensor)) for tensor in plain + strange])
    storage = _search(_IN_CPP, [(tensor._cdata, Methods.untyped_storage(tensor)._cdata) for tensor in plain])
    sets = {_keys(tensor) for tensor in plain}
    if sets & {_keys(tensor) for tensor in strange}:
        raise Doubt("dispatch keys do not tell plain tensors from others")
    module.learn(addresses, (torch.Tensor, torch.nn.Parameter), holder, keys, storage, tuple(sets), numbers)


def _library() -> str:
    ending = "dylib" if sys.platform == "darwin" else "so"
    return os.path.join(os.path.dirname(os.path.abspath(torch.__file__)), "lib", f"libtorch_cpu.{ending}")


def _address(library: ctypes.CDLL, name: str) -> int:
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


def _search(places: range, wanted: list[tuple[int, int]]) -> int:
    """Return at which distance from each address the word lies that belongs to it; there must be one."""
    found = [at for at in places if all(_word(address + at) == word for address, word in wanted)]
    if len(found) != 1:
        raise Doubt(f"{len(found)} places in a tensor look like the one that is needed")
    return found[0]


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _keys(tensor: torch.Tensor) -> int:
    return int(torch._C._dispatch_keys(tensor).raw_repr())


def _plain() -> Iterator[torch.Tensor]:
    """Make tensors that are read, of each kind of dispatch keys."""
    yield _make([1.0, 2.0])
    yield _make([1])
    yield torch.nn.Parameter(_make([1.0]))
    with inference_mode():
        yield _make([1.0])


def _strange() -> Iterator[torch.Tensor]:
    """Make tensors of an ordinary type that must be declined."""
    yield Functions.zeros(2, device="meta")
    yield Functions._neg_view(_make([1.0]))
    yield Functions._efficientzerotensor(2, device="cpu")
    yield Functions._conj(_make([1j]))


def _make(numbers: Any, dtype: str = "") -> torch.Tensor:
    made: torch.Tensor = Functions.tensor(numbers, dtype=getattr(torch, dtype) if dtype else None, device="cpu")
    return made


# --- the trial --------------------------------------------------------------------------------------------------------


def _try(module: Any) -> None:
    for probe in _probes():
        name = f"{str(probe.dtype)[6:]} of shape {tuple(probe.shape)} and strides {probe.stride()}"
        numbers = Methods.tolist(Methods.reshape(probe, (-1,)))
        _compare(f"look at a {name}", module.look(probe), _looks(probe))
        _compare(f"content of a {name}", decode(module.content(probe), str(probe.dtype)[6:]), numbers)
        if numbers:
            _compare(f"statistics of a {name}", module.summarise(probe), _statistics(numbers))
            _compare(f"norm of a {name}", module.norm(probe), float(_statistics(numbers)[0].split(",")[3]))
    declined = [*_strange(), _make([1j]), _Subclass([1.0])]
    _compare("look at strange tensors", [module.look(tensor) for tensor in declined], [None] * len(declined))


class _Subclass(torch.Tensor):
    """Not to be looked into: it may have its own ways."""


def _probes() -> Iterator[torch.Tensor]:
    for dtype in DTYPES:
        yield Methods.t(Methods.view(_make(_ODD if "float" in dtype else _ZEROS, dtype), 3, 4))
    yield from (view(_make(_ZEROS, "float32")) for view in _VIEWS)


_VIEWS: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
    lambda flat: flat,
    lambda flat: flat[::3],
    lambda flat: flat[4],
    lambda flat: flat[:0],
    lambda flat: flat[2:8].view(2, 3, 1).expand(2, 3, 4),
    lambda flat: flat.as_strided((4, 3), (1, 2), 1),
    lambda flat: flat.view(2, 3, 2).transpose(0, 2)[1:, :, 1:],
)


def _looks(probe: torch.Tensor) -> tuple[Any, ...]:
    return probe.data_ptr(), tuple(probe.shape), probe.stride(), str(probe.dtype)[6:], probe.is_contiguous()


def _statistics(numbers: list[Any]) -> tuple[Any, ...]:
    finite = [float(number) for number in numbers if math.isfinite(number)]
    odd = [index for index, number in enumerate(numbers) if not math.isfinite(number)]
    mean = "NaN" if odd else sum(finite) / len(finite)
    norm = "NaN" if odd else math.sqrt(sum(number * number for number in finite))
    counts = [sum(map(math.isnan, numbers)), numbers.count(math.inf), numbers.count(-math.inf)]
    flags = NAN * (counts[0] > 0) | INFINITY * (counts[1] + counts[2] > 0)
    text = ",".join(map(str, [min(finite), max(finite), mean, norm, *counts]))
    return text, array.array("d", map(float, numbers[:8])).tobytes(), flags, odd[0] if odd else None


def _compare(what: str, found: Any, wanted: Any) -> None:
    if repr(found) != repr(wanted):  # a NaN is not equal to itself
        raise Doubt(f"{what} is {found}, not {wanted}"[:200])
