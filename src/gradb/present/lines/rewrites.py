"""What a backward did that no product tells: gradients written to on their way, nodes that it never came to."""

from __future__ import annotations

from rich.text import Text

from gradb.frame.called import Called
from gradb.frame.chain.record import Chain, Rewrite, Unreached
from gradb.present.draw import theme
from gradb.present.draw.fields import Field, wrapped
from gradb.present.draw.numbers import lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.tape.values import TensorValue

_MAX_NAME = 60
_MAX_ERROR = 160


def nonfinite_words(chain: Chain) -> str:
    """Say what of a node is NaN or infinite: what it carries, else what it stands for; nothing where nothing is."""
    if any(map(_is_odd, (*chain.upstream, *chain.left, *chain.downstream))):
        return "not finite"
    if chain.output is None or not _is_odd(chain.output.value):
        return ""
    if chain.node_name.endswith("AccumulateGrad"):
        return "the leaf itself not finite"
    return "result not finite" if chain.upstream else "not finite"


def _is_odd(value: TensorValue | None) -> bool:
    return value is not None and value.is_finite is False


def rewrite_text(rewrite: Rewrite, called: Called) -> str:
    """Say who wrote into a gradient: ``hook ten (script.py:4) of a, event 9``; ``called``: what events are called."""
    where = f" ({plain(rewrite.where, _MAX_NAME)})" if rewrite.where else ""
    name = plain(rewrite.name, _MAX_NAME)
    if rewrite.kind == "hook":
        return f"hook {name}{where} of {plain(rewrite.at, _MAX_NAME)}, event {called(rewrite.event)}"
    if rewrite.kind == "node":
        call = f", {plain(rewrite.call, _MAX_NAME)}" if rewrite.call else ""
        return f"the backward of {name}{call}{where}, event {called(rewrite.event)}"
    return "nobody that the tape tells of"


def sent_items(chain: Chain, room: int) -> list[Field | Text]:
    """Return what the one consumer of each output sent, where something else arrived."""
    return [
        Field("sent by", plain(one.node_name, 40), tensor_lines(one.value, room), style=theme.UPSTREAM)
        for one in chain.contributions
    ]


def rewrite_lines(chain: Chain, width: int) -> list[Text]:
    """Say that what arrived at a node is not what it was sent, and who changed it."""
    if not chain.rewrites:
        return []
    who = "; ".join(rewrite_text(one, chain.called) for one in chain.rewrites)
    if all(rewrite.kind == "unknown" for rewrite in chain.rewrites):
        return wrapped("✗ what arrived is not what was sent, and nothing on the tape tells why", width, theme.WARNING)
    words = f"✗ changed in place on its way, after it was sent: by {who}"
    return wrapped(words, width, theme.WARNING)


def left_lines(chain: Chain, symbol: str, width: int, room: int) -> list[Field | Text]:
    """Show what a custom backward made of the gradient that it was given, where it wrote into it."""
    if not chain.left:
        return []
    words = "its backward wrote into the gradient that it was given: whoever else was sent it gets the change too"
    items: list[Field | Text] = list(wrapped(f"! {words}", width, theme.WARNING))
    return [*items, *(Field("upstream", symbol, tensor_lines(value, room), "(as it left it)") for value in chain.left)]


def failed_words(chain: Chain) -> str:
    """Say what the engine raised at a node, and when."""
    error = f": {plain(chain.error, _MAX_ERROR)}" if chain.error else ""
    if chain.is_interrupted:
        return f"it began to run, and the engine raised an error{error}"
    if any(hook.error for hook in chain.hooks):
        return f"a hook raised an error here{error}"
    return f"it has run, and the engine raised an error because of what it sent{error}"


def created_words(chain: Chain) -> str:
    """Say why a node has not run, and whether it can still do so."""
    words = [] if chain.unreached is None else [_unreached_words(chain.unreached)]
    if chain.gone is not None:
        words.append(
            f"the node is gone since event {chain.called(chain.gone)}: nothing refers to it, so no backward will run it"
        )
    return "; ".join(words) or "not run yet: backward() will bring upstream and multiply"


def _unreached_words(unreached: Unreached) -> str:
    root = plain(unreached.root, _MAX_NAME) or "the root"
    if unreached.is_wanted:
        return f"not run: the backward from {root} raised an error before it came here"
    cut = unreached.cut
    if cut is None:
        return f"not run: no path leads here from {root}, which does not require grad"
    line = f" in line {cut.line}" if cut.line else ""
    return f"not run: no path leads here from {root}: {plain(cut.name, _MAX_NAME)}{line} cut it"
