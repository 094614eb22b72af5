"""The script's own hooks at a node: which there are, and what each made of the gradient that it was given."""

from __future__ import annotations

from rich.text import Text

from gradb.frame.chain.record import Chain, Hook
from gradb.present.draw import theme
from gradb.present.draw.fields import Field, wrapped
from gradb.present.draw.numbers import lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.tape.values import TensorValue

KINDS = {
    "tensor": "tensor hook",
    "node": "node hook",
    "node pre": "node prehook",
    "post-accumulate": "post-accumulate hook",
    "module": "module backward hook",
    "module pre": "module backward prehook",
    "removed": "hook",
}
_MAX_NAME = 40


def before_lines(chain: Chain, symbol: str, width: int, *, is_summed: bool) -> list[Field | Text]:
    """Return what the hooks made of the gradient that arrived; ``is_summed``: its sum is shown above already."""
    items: list[Field | Text] = []
    for hook in (hook for hook in chain.hooks if not hook.is_after and hook.event is not None):
        if hook.is_changed and not items:
            label = "= arrived" if is_summed else "arrived"
            items.append(Field(label, symbol, _body(hook.before, 0, width), style=theme.UPSTREAM))
        items += _made(hook, 0, width)
    return items


def after_lines(chain: Chain, index: int, width: int) -> list[Field | Text]:
    """Return what the hooks made of what the node sends along an edge."""
    found = [hook for hook in chain.hooks if hook.kind in {"node", "module"} and hook.event is not None]
    return [line for hook in found for line in _made(hook, index, width)]


def made_by_node(chain: Chain, index: int) -> TensorValue | None:
    """Return what the node itself sent along an edge, where a hook changed that; else None."""
    changed = [hook for hook in chain.hooks if hook.kind in {"node", "module"} and hook.is_changed]
    return changed[0].before[index] if changed and index < len(changed[0].before) else None


def grad_lines(chain: Chain, width: int) -> list[Field | Text]:
    """Return what the hooks made of ``.grad`` once it was filled."""
    found = [hook for hook in chain.hooks if hook.kind == "post-accumulate" and hook.event is not None]
    return [line for hook in found for line in _made(hook, 0, width)]


def waiting_lines(chain: Chain, width: int) -> list[Text]:
    """List the hooks that have not run yet."""
    found = [hook for hook in chain.hooks if hook.event is None]
    if chain.gone is not None:
        lost = "can never run any more: its node is gone"
        return [line for hook in found for line in wrapped(f"{_title(hook)} {lost}", width, theme.WARNING)]
    return [line for hook in found for line in wrapped(f"{_title(hook)} will be called here", width, theme.DIM)]


def _made(hook: Hook, index: int, width: int) -> list[Field | Text]:
    if hook.error:
        return list(wrapped(f"✗ {_title(hook)} raised {plain(hook.error, 100)}", width, theme.WARNING))
    if not hook.is_changed:
        return list(wrapped(f"{_title(hook)} changed nothing", width, theme.DIM))
    name = plain(hook.function, _MAX_NAME)
    return [Field("hook", name, _body(hook.after, index, width), f"({_about(hook)})", theme.WARNING)]


def _title(hook: Hook) -> str:
    where = f" ({plain(hook.where, 60)})" if hook.where else ""
    return f"{KINDS.get(hook.kind, plain(hook.kind, 20))} {plain(hook.function, _MAX_NAME)}{where}"


def _about(hook: Hook) -> str:
    where = f", {plain(hook.where, 60)}" if hook.where else ""
    in_place = ", in place" if hook.is_inplace and hook.kind != "post-accumulate" else ""
    return f"{KINDS.get(hook.kind, plain(hook.kind, 20))}{where}{in_place}"


def _body(values: tuple[TensorValue | None, ...], index: int, width: int) -> list[Text]:
    value = values[index] if index < len(values) else None
    return [Text("None", style=theme.DIM)] if value is None else tensor_lines(value, width)
