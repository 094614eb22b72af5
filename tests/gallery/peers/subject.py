"""What a user would give to a tool at the top of a loop: the model, its optimizer, and a GradScaler if there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tests.gallery.peers.loops import Turn


@dataclass(frozen=True, slots=True)
class Subject:
    """The parts of a training."""

    model: torch.nn.Module
    """All models that the first loss or any optimizer reaches."""
    first_model: torch.nn.Module
    """The same without those that only another optimizer than the first one has."""
    optimizers: list[torch.optim.Optimizer]
    """First the one that is stepped first after the first backward."""
    scaler: Any
    """A ``GradScaler``, or None."""

    def calling(self, forward: Callable[[], Any]) -> torch.nn.Module:
        """Return the first model as a module whose call computes the loss."""
        return _Calling(self.first_model, forward)


class _Calling(torch.nn.Module):
    def __init__(self, model: torch.nn.Module, forward: Callable[[], Any]) -> None:
        super().__init__()
        self.model = model
        self._compute = forward

    def forward(self) -> Any:
        return self._compute()


def subject(turn: Turn) -> Subject:
    """Return what can be found at the top of a loop.

    Raises:
        LookupError: there is no model.
    """
    steppers = optimizers(turn)
    modules = {name: one for name, one in turn.scope.items() if isinstance(one, torch.nn.Module) and _parameters(one)}
    owned = [_owned(one) for one in steppers]
    reached = _reached(turn, modules)
    all_owned = set[int]().union(*owned)
    used = {name: one for name, one in modules.items() if _parameters(one) & (all_owned | reached)}
    if not used:
        raise LookupError("no model is to be found at the top of the loop")
    first = owned[0] if owned else set()
    others = set[int]().union(*owned[1:]) - first
    firsts = {name: one for name, one in used.items() if _parameters(one) & (first | (reached - others))}
    scalers = [one for one in turn.scope.values() if isinstance(one, torch.amp.GradScaler)]
    return Subject(_joined(used), _joined(firsts or used), steppers, scalers[0] if scalers else None)


def optimizers(turn: Turn) -> list[torch.optim.Optimizer]:
    """Return those that can be seen at the top of a loop, first the one that is stepped first after its backward."""
    found: list[torch.optim.Optimizer] = []
    for get in (*turn.steppers, *(lambda one=one: one for one in turn.scope.values())):
        try:
            one = get()
        except Exception:
            continue
        if isinstance(one, torch.optim.Optimizer) and not any(one is other for other in found):
            found.append(one)
    return found


def _owned(optimizer: torch.optim.Optimizer) -> set[int]:
    return {id(one) for group in optimizer.param_groups for one in group["params"]}


def _parameters(module: torch.nn.Module) -> set[int]:
    return {id(one) for one in module.parameters()}


def _reached(turn: Turn, modules: dict[str, torch.nn.Module]) -> set[int]:
    """Return the parameters that the first loss is computed of."""
    parameters = [one for module in modules.values() for one in module.parameters() if one.requires_grad]
    try:
        loss = turn.forward()
        found: Sequence[Any] = torch.autograd.grad(loss, parameters, torch.ones_like(loss), allow_unused=True)
    except Exception:
        return set()
    return {id(one) for one, grad in zip(parameters, found, strict=True) if grad is not None}


def _joined(modules: dict[str, torch.nn.Module]) -> torch.nn.Module:
    """Return one module, or a dictionary of several that are no parts of each other."""
    inner = {id(part) for one in modules.values() for part in one.modules() if part is not one}
    tops = {name: one for name, one in modules.items() if id(one) not in inner}
    return next(iter(tops.values())) if len(tops) == 1 else torch.nn.ModuleDict(tops)
