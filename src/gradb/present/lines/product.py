"""What arrives at a node, what it sends along an edge, and whether that is their product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from gradb.algebra.local import Check
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, wrapped
from gradb.present.draw.numbers import lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.present.lines.hooks import after_lines, before_lines, made_by_node
from gradb.present.lines.local import local_lines
from gradb.present.lines.rewrites import left_lines, rewrite_lines, sent_items
from gradb.present.lines.weights import loss_name, weights_note
from gradb.present.options import Options
from gradb.rules import describe

if TYPE_CHECKING:
    from gradb.rules.explain import Explanation

MAX_NAME = 40
"""Characters of a name."""
MAX_OUTPUTS = 6
"""Outputs of a node that are named."""
Items = list[Field | Text]


def room(options: Options) -> int:
    """Return how many cells there are for what stands indented below a title."""
    return max(options.width - len(INDENT), 16)


def output_name(chain: Chain) -> str:
    """Return what the output of a node is called."""
    if chain.output is not None and chain.output.name:
        return plain(chain.output.name, MAX_NAME)
    return plain(describe(chain, 0).target, MAX_NAME) if chain.edges else "result"


def upstream_items(chain: Chain, options: Options) -> Items:
    """Return what has arrived at a node: of several uses each, and their sum; and what was made of it on its way."""
    names = _names_of_outputs(chain)
    sums = [_contributions(chain, index, name, options) for index, name in enumerate(names)]
    items: Items = []
    if len(names) > 1:
        items += wrapped(_outputs_words(names, sums), options.width, theme.DIM)
    items += [item for part in sums for item in part]
    if chain.rewrites and not any(sums):
        items += sent_items(chain, room(options))
    if any(sums) and chain.contributions_check is not None:
        items += verdict_lines(chain.contributions_check, options.width)
    items += rewrite_lines(chain, options.width)
    symbol = f"∂{loss_name(chain)}/∂{output_name(chain)}"
    items += before_lines(chain, symbol, room(options), is_summed=any(sums) or bool(chain.rewrites))
    note = weights_note(chain)
    for name, value, part in zip(names, chain.upstream, sums, strict=True):
        none = "nothing of the loss depends on it"
        body = _none(none, options) if value is None else tensor_lines(value, room(options))
        label = "= upstream" if part or chain.rewrites else "upstream"
        items.append(Field(label, f"∂{loss_name(chain)}/∂{name}", body, note, theme.UPSTREAM))
        note = ""
    return [*items, *left_lines(chain, symbol, options.width, room(options))]


def _names_of_outputs(chain: Chain) -> list[str]:
    """Return what to call each output: of several each has its number, and its name where it has one."""
    if len(chain.upstream) == 1:
        return [output_name(chain)]
    names = [*chain.output_names[: len(chain.upstream)], *[None] * (len(chain.upstream) - len(chain.output_names))]
    return [plain(name, MAX_NAME) if name else f"output {index}" for index, name in enumerate(names)]


def _outputs_words(names: Sequence[str], sums: Sequence[Items]) -> str:
    shown = ", ".join(names[:MAX_OUTPUTS]) + (", …" if len(names) > MAX_OUTPUTS else "")
    added = "each output adds up what its own uses send" if any(sums) else "nothing is added"
    return f"{len(names)} outputs ({shown}), each with an upstream gradient of its own: {added}"


def _none(reason: str, options: Options) -> list[Text]:
    return wrapped(f"None: {reason}", room(options), theme.DIM)


def _contributions(chain: Chain, output: int, name: str, options: Options) -> Items:
    """Return what flowed into one output, where that was more than one gradient."""
    found = [contribution for contribution in chain.contributions if contribution.output_nr == output]
    if len(found) < 2:
        return []
    title = f"{name} was used {len(found)} times: the chain rule adds up the paths"
    items: Items = [*wrapped(title, options.width, theme.DIM)]
    for index, contribution in enumerate(found):
        body = tensor_lines(contribution.value, room(options))
        sender = plain(contribution.node_name, MAX_NAME)
        items.append(Field("+ from" if index else "  from", sender, body, style=theme.UPSTREAM))
    return items


def product_items(chain: Chain, edge: ChainEdge, explanation: Explanation, options: Options) -> Items:
    """Return what a node sends along an edge: local, downstream, whether they agree, and what hooks made of it."""
    items: Items = [_local(chain, edge, explanation, options)]
    if (chain.state in {"done", "freed"} or chain.is_interrupted) and chain.upstream:
        symbol = f"∂{loss_name(chain)}/∂{plain(explanation.source, MAX_NAME)}"
        items.append(Field("= downstream", symbol, _downstream(chain, edge, options), style=theme.DOWNSTREAM))
    if edge.check is not None:
        items += verdict_lines(edge.check, options.width)
    return [*items, *after_lines(chain, chain.edges.index(edge), room(options))]


def _local(chain: Chain, edge: ChainEdge, explanation: Explanation, options: Options) -> Field:
    body, note = local_lines(edge.local, explanation, chain, edge, options, room(options))
    label = "× local" if chain.upstream else "local"
    if explanation.predicted is not None and not chain.upstream:
        label = "will be ×"
    is_said = len(body) == 1 and body[0].plain == explanation.local  # `= 2` and then 2 again
    symbol = explanation.symbol if is_said else explanation.math
    return Field(label, plain(symbol, 200), body, note, theme.LOCAL)


def _downstream(chain: Chain, edge: ChainEdge, options: Options) -> list[Text]:
    if chain.is_interrupted:
        return _none("the engine raised an error while this node ran", options)
    made = made_by_node(chain, chain.edges.index(edge))
    if made is not None:
        return tensor_lines(made, room(options))
    if edge.downstream is None:
        reason = "the node sent no gradient this way" if edge.is_asked else "this backward was not asked for it"
        return _none(reason, options)
    return tensor_lines(edge.downstream, room(options))


def verdict_lines(check: Check, width: int) -> list[Text]:
    """Return what a check has come to, led by its sign."""
    return wrapped(f"{_symbol(check)} {check.text}", width, _style(check))


def _symbol(check: Check) -> str:
    return "✗" if not check.is_ok else "✓" if check.is_compared else "–"


def _style(check: Check) -> str:
    return theme.WARNING if not check.is_ok else theme.OK if check.is_compared else theme.DIM


def rule_lines(explanation: Explanation, width: int) -> list[Text]:
    """Return what is to be said about the rule: the product, the sentence, the condition, the words in it."""
    result = wrapped(f"that is {explanation.product}", width, theme.MATH) if explanation.product else []
    for text in (explanation.sentence, explanation.condition, *explanation.legend):
        result += wrapped(text, width, theme.DIM)
    return result
