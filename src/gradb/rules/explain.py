"""What gradb says about one edge of a node: the mathematics, the numbers, and PyTorch's own formula.

The numbers are those measured by probing the node; before it has run they are the table's formula evaluated at the
values on the tape, and marked as predicted. Where there is no formula the explanation says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gradb.algebra.figures import number, vector
from gradb.algebra.local import Local
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.rules.formulas import formula_for
from gradb.rules.jacobian import factors
from gradb.rules.model import Part, Rule, Template
from gradb.rules.names import Argument, bind, fan_in, output_name
from gradb.rules.table import rule_of
from gradb.rules.versions import stand_in
from gradb.tape.values import Number, TensorValue

NO_FORMULA = "no formula in gradb's table"
_PLAIN_ROLES = {"alpha", "beta", "negative_slope", "p", "threshold", "min_val", "max_val", "reduction", "scale"}
MEASURED = f"{NO_FORMULA}; the numbers were measured by probing the node"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The local derivative of one edge, explained."""

    math: str
    """e.g. ``∂d/∂c = 2·c``; without a right-hand side where there is no formula."""
    numbers: str
    """e.g. ``2·c = [14 18 22 26]``; empty where no numbers are known or they need more than a line."""
    pytorch: str
    """PyTorch's own formula, e.g. ``pow_backward(grad, self, exponent)``; empty where it has none."""
    sentence: str
    """The rule in words, or that there is none; may be empty."""
    condition: str
    """Proviso, e.g. what PyTorch takes at a kink; may be empty."""
    symbol: str = ""
    """Left-hand side alone: ``∂d/∂c``."""
    local: str = ""
    """Right-hand side alone: ``2·c``; empty where there is no formula."""
    product: str = ""
    """How upstream is multiplied where that is not element by element: ``upstream @ B.T``."""
    source: str = ""
    """Name of the input: ``c``."""
    target: str = ""
    """Name of the node's result: ``d``."""
    legend: tuple[str, ...] = ()
    """What the words mean that are not names of the script."""
    predicted: tuple[float, ...] | None = None
    """One number an element, from the formula, while the node has not been probed."""
    as_of: str = ""
    """The version of torch whose words these are, where the tape's own was not measured; else empty."""

    @property
    def has_formula(self) -> bool:
        """True when the table has a formula."""
        return bool(self.local)


def describe(chain: Chain, edge_index: int) -> Explanation:
    """Explain edge ``edge_index`` of a node.

    Raises:
        IndexError: the node has no such edge.
    """
    edge = chain.edges[edge_index]
    rule = rule_of(chain)
    part = None if rule is None else rule.part(edge_index)
    if rule is None or part is None:
        return _without_rule(chain, edge)
    arguments = bind(chain, rule)
    if rule.is_repeated and edge.tensor is not None and edge.tensor.name:
        arguments[part.role] = Argument(edge.tensor.name, edge.tensor, is_named=True)
    names = _names(chain, edge_index, rule, part, arguments)
    local, symbol = _fill(part.local, names), _symbol(part, names)
    predicted = None if _is_known(edge.local) else factors(chain, edge_index)
    return Explanation(
        math=f"{symbol} = {local}",
        numbers=_numbers(local, edge.local, predicted, _dtype(chain, edge)),
        pytorch=formula_for(chain.node_name, part.torch_name or part.role, chain.torch),
        sentence=_fill(part.sentence, names),
        condition=_condition(_fill(part.condition, names), "" if rule.is_complex else _dtype(chain, edge)),
        symbol=symbol,
        local=local,
        product=_fill(part.product, names),
        source=names[part.role],
        target=names["out"],
        legend=_legend(arguments, _makers(chain, edge, rule, part), f"{symbol} {local} {_fill(part.product, names)}"),
        predicted=predicted,
        as_of=stand_in(chain.torch),
    )


def _names(chain: Chain, index: int, rule: Rule, part: Part, arguments: Mapping[str, Argument]) -> dict[str, str]:
    """Return the text of every placeholder."""
    names = {role: argument.text for role, argument in arguments.items()}
    if part.name and not arguments[part.role].is_named:
        names[part.role] = part.name.format_map(names)
    elif names[part.role] == "None":
        names[part.role] = part.role  # an optional input that was not given
    taken = {argument.text for argument in arguments.values() if argument.tensor}
    names["n"] = fan_in(chain, index)
    names["out"] = output_name(chain, taken, rule.result.format_map(names))
    return names


def _without_rule(chain: Chain, edge: ChainEdge) -> Explanation:
    source = edge.tensor.name if edge.tensor is not None and edge.tensor.name else "input"
    target = output_name(chain, {source})
    symbol = f"∂{target}/∂{source}"
    return Explanation(
        math=symbol,
        numbers=_numbers("", edge.local, None, _dtype(chain, edge)),
        pytorch=formula_for(chain.node_name, "", chain.torch),
        sentence=MEASURED if _is_known(edge.local) else NO_FORMULA,
        condition="",
        symbol=symbol,
        source=source,
        target=target,
        as_of=stand_in(chain.torch),
    )


def _makers(chain: Chain, edge: ChainEdge, rule: Rule, part: Part) -> dict[str, str]:
    """Return the name of the node that made each argument, by role, where an edge leads to one."""
    parts = [] if rule.is_repeated else [(rule.part(index), one) for index, one in enumerate(chain.edges)]
    pairs = [*parts, (part, edge)]
    return {one.role: to.to_name for one, to in pairs if one is not None and to.to_name}


def _origin(maker: str) -> str:
    if not maker:
        return "an argument"
    return "a leaf" if maker.endswith("AccumulateGrad") else f"the result of {maker}"


def _legend(arguments: Mapping[str, Argument], makers: Mapping[str, str], shown: str) -> tuple[str, ...]:
    """Say what the words in ``shown`` stand for that are not names of the script."""
    words = set(re.findall(r"\w+", shown))
    lines = []
    for role, argument in arguments.items():
        if argument.is_named or argument.text not in words or (role == argument.text and role in _PLAIN_ROLES):
            continue
        lines.append(f"{argument.text}: {_origin(makers.get(role, ''))}, which has no name in the script")
    return tuple(lines)


def _fill(template: Template, names: Mapping[str, str]) -> str:
    text = template if isinstance(template, str) else template(names)
    return text.format_map(names)


def _symbol(part: Part, names: Mapping[str, str]) -> str:
    """Return the left-hand side; the default form names the part's own input."""
    if part.where == Part.__dataclass_fields__["where"].default:
        return f"∂{names['out']}/∂{names[part.role]}"
    return _fill(part.where, names)


def _condition(text: str, dtype: str) -> str:
    if not dtype.startswith("complex"):
        return text
    return "; ".join(filter(None, (text, "complex numbers: upstream is multiplied by the conjugate")))


def _is_known(local: Local) -> bool:
    return local.structure != "unknown"


def _value(chain: Chain) -> TensorValue | None:
    return None if chain.output is None else chain.output.value


def _dtype(chain: Chain, edge: ChainEdge) -> str:
    """Return the dtype in which the local derivative's numbers are exact or not."""
    value = edge.downstream or (edge.tensor.value if edge.tensor else None) or _value(chain)
    return value.dtype if value is not None else "float64"


def _numbers(text: str, local: Local, predicted: tuple[float, ...] | None, dtype: str) -> str:
    """Return ``2·c = [14 18 22 26]``, or the number alone where the formula is that number."""
    shown = _figures(local, dtype) if _is_known(local) else _predicted(predicted, dtype)
    if not shown or not text or text == shown:
        return shown
    return f"{text} = {shown}"


def _predicted(numbers: tuple[Number, ...] | None, dtype: str) -> str:
    if not numbers:
        return ""
    if all(n == numbers[0] for n in numbers):
        return number(numbers[0], dtype)
    return vector(numbers, dtype)


def _figures(local: Local, dtype: str) -> str:
    """Return a local derivative's numbers on one line; matrices need a pane."""
    values = local.values or ()
    match local.structure:
        case "identity":
            return "1"
        case "zero":
            return "0"
        case "scalar" | "sum" | "expansion" if values:
            return number(values[0], dtype)
        case "diagonal" if values:
            return vector(values, dtype)
    return ""
