"""Everything in torch and in Python that the tracer may touch, collected so that before and after can be compared."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as module_hooks
from torch.optim import optimizer as optimizer_hooks


def installed() -> dict[str, Any]:
    """Collect everything the tracer may touch."""
    return {
        "engine": (torch.autograd.graph._engine_run_backward, torch.autograd._engine_run_backward),  # type: ignore[attr-defined]
        "apply": torch.autograd.Function.__dict__["apply"],
        "swap": torch.utils.swap_tensors,
        "warnings": warnings._showwarnmsg,  # type: ignore[attr-defined]
        "zero_grad": (torch.optim.Optimizer.zero_grad, nn.Module.zero_grad),
        "thread": threading.Thread._bootstrap_inner,  # type: ignore[attr-defined]
        "modes": torch._C._len_torch_function_stack(),
        "dispatch modes": torch._C._len_torch_dispatch_stack(),
        "saved-tensor hooks": torch._C._autograd._top_saved_tensors_default_hooks(True),
        "module hooks": (
            len(module_hooks._global_forward_pre_hooks),
            len(module_hooks._global_forward_hooks),
            len(module_hooks._global_parameter_registration_hooks),
            len(module_hooks._global_forward_hooks_always_called),
        ),
        "optimizers": [
            (vars(sys.modules[kind.__module__]).get(kind.__name__.lower()), vars(kind).get("_init_group"))
            for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.LBFGS)
        ],
        "optimizer hooks": len(optimizer_hooks._global_optimizer_post_hooks),
        "meta path": list(sys.meta_path),
        "threads": threading.enumerate(),
    }


def left_since(before: dict[str, Any]) -> list[str]:
    """Return the names of what is not as it was; that a thread has ended which others had begun is no trace."""
    found = [name for name, value in installed().items() if name != "threads" and value != before[name]]
    return found + [f"thread {thread.name}" for thread in threading.enumerate() if thread not in before["threads"]]
