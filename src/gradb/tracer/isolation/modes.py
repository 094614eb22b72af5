"""Takes what watches torch from below out of our way while we read: the script's dispatch modes and its profiler.

Modes above (``TorchFunctionMode``) are kept out by ``torch._C.DisableTorchFunction``. Here are those that would see the
ATen calls of our reads: a FLOP counter, ``make_fx``, the modes of fake and functional tensors, torch.profiler.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import torch
from torch.utils._python_dispatch import _disable_current_modes

count_modes = torch._C._len_torch_dispatch_stack
"""How many dispatch modes of the script's are in place in this thread; with ``is_profiling``, who sees ATen calls."""
is_profiling = torch._C._autograd._profiler_enabled
_observe = torch._C._autograd._enable_record_function
_NOTHING = contextlib.nullcontext()


class _Local(threading.local):
    is_unobserved = False
    """True while this thread's calls are kept from the profiler already."""


_local = _Local()


@contextlib.contextmanager
def unseen() -> Iterator[None]:
    """Keep ATen calls from whatever sees them, in this thread, as long as the context lasts."""
    with _disable_current_modes() if count_modes() else _NOTHING:
        if not is_profiling() or _local.is_unobserved:
            yield
            return
        _local.is_unobserved = True
        _observe(False)
        try:
            yield
        finally:
            _observe(True)
            _local.is_unobserved = False
