"""The script's own hooks at a node, read from the tape: which ran or will, and what they made of the gradients.

Nothing here knows products, names or words.
"""

from __future__ import annotations

from gradb.frame.chain.record import Hook
from gradb.frame.store import Store
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue

Values = tuple[TensorValue | None, ...]


def hooks_of(store: Store, node: int, backward: int | None, position: int) -> tuple[Hook, ...]:
    """Return the hooks that ran around a node in a backward (None: the newest), or, before that, those that will."""
    details = ((seq, store.detail(seq)) for seq in store.hooks.of(node, position))
    found = [(seq, detail) for seq, detail in details if isinstance(detail, HookDetail)]
    backward = max((detail.backward for _, detail in found), default=0) if backward is None else backward
    ran = [(seq, detail) for seq, detail in found if detail.has_run and detail.backward == backward]
    if ran:
        return tuple(_hook(seq, detail) for seq, detail in ran)
    return _waiting([detail for _, detail in found if not detail.has_run])


def _waiting(details: list[HookDetail]) -> tuple[Hook, ...]:
    """Return the hooks that were registered and not removed again."""
    found: list[Hook] = []
    for detail in details:
        hook = _hook(None, detail)
        if detail.kind != "removed":
            found.append(hook)
            continue
        same = [one for one in found if _key(one) == _key(hook)]
        if same:
            found.remove(same[-1])
    return tuple(found)


def _key(hook: Hook) -> tuple[str, str, int]:
    return hook.function, hook.where, hook.output_nr


def _hook(seq: int | None, detail: HookDetail) -> Hook:
    sides = values(detail.before), values(detail.after)
    return Hook(
        detail.kind,
        detail.function,
        detail.where,
        detail.output_nr,
        seq,
        detail.is_changed,
        *sides,
        detail.is_inplace,
        detail.error,
    )


def arrived(upstream: Values, hooks: tuple[Hook, ...]) -> Values:
    """Return what arrived at a node, before the first hook that changed it."""
    found = list(upstream)
    for hook in reversed([hook for hook in hooks if hook.is_changed and not hook.is_after]):
        if hook.kind == "tensor" and len(hook.before) == 1 and hook.output_nr < len(found):
            found[hook.output_nr] = hook.before[0]
        elif len(hook.before) == len(found):
            found = list(hook.before)
    return tuple(found)


def made_by_node(index: int, sent: TensorValue | None, hooks: tuple[Hook, ...]) -> TensorValue | None:
    """Return what a node itself made for an edge, before the first hook that changed it."""
    changed = [hook for hook in hooks if hook.is_changed and hook.kind in {"node", "module"}]
    return changed[0].before[index] if changed and index < len(changed[0].before) else sent


def values(tensors: tuple[Tensor | None, ...]) -> Values:
    """Return the values of tensors, None for None."""
    return tuple(None if tensor is None else tensor.value for tensor in tensors)
