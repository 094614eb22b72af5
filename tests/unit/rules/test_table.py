"""The table of rules is well formed and knows PyTorch's own names."""

from __future__ import annotations

import functools
import json
import string
from importlib.resources import files

import pytest

from gradb.rules.formulas import formula_for, formulas, node_names
from gradb.rules.model import Part, Rule
from gradb.rules.table import RULES, call_name, lookup
from gradb.rules.versions import MEASURED

# Nodes that derivatives.yaml does not describe: written by hand in PyTorch.
BY_HAND = {"AccumulateGrad", "CopyBackwards", "CopySlices", "Copy"}
# Inputs that gradb names otherwise than derivatives.yaml: pieces of a list, results of a composite call.
OWN_ROLES = {"tensors", "scores", "transposed"}

WANTED = (
    "Add Sub Rsub Mul Div Neg Pow Exp Log Sqrt Sum Mean Mm Addmm Mv Dot Bmm T Transpose Permute View ReshapeAlias "
    "UnsafeView Squeeze Unsqueeze Expand Relu Sigmoid Tanh Gelu Silu Softmax LogSoftmax NllLoss MseLoss Select Slice "
    "Index Cat Stack Clone CopyBackwards Abs Sin Cos Max Min Where Clamp NativeLayerNorm NativeBatchNorm Embedding "
    "Convolution NativeDropout AccumulateGrad"
).split()


def test_common_ops_have_a_row() -> None:
    """Each op that a plain network uses has a formula."""
    assert set(WANTED) - RULES.keys() == set()


def test_rows_belong_to_real_nodes() -> None:
    """Each row's node exists in PyTorch, under that very name."""
    assert [key for key in RULES if not _is_real(key.partition("@")[0])] == []


def _is_real(base: str) -> bool:
    is_overload = base[-1].isdigit() and f"{base[:-1]}Backward{base[-1]}" in node_names()
    return is_overload or base in BY_HAND or f"{base}Backward0" in node_names()


def test_roles_are_pytorchs_own() -> None:
    """The inputs of a rule are called as in PyTorch's formulas, so that the right formula is shown beside."""
    others = {(key, part.role) for key, part in _parts() if part.role not in _inputs(key.partition("@")[0])}
    assert {(key, role) for key, role in others if not _is_called_otherwise(key, role)} == set()


def _parts() -> list[tuple[str, Part]]:
    return [(key, part) for key, rule in RULES.items() for part in rule.parts]


def _is_called_otherwise(key: str, role: str) -> bool:
    return key.partition("@")[0] in BY_HAND or role in OWN_ROLES or "@dropout" in key or "@linear" in key


@functools.cache
def _inputs(base: str) -> set[str]:
    """Return what PyTorch's formulas call the inputs of an op."""
    nodes = [name for name in node_names() if name.startswith((f"{base}Backward", f"{base[:-1]}Backward{base[-1]}"))]
    return {one for v in MEASURED for node in nodes for names in formulas(node, v) for one in names.split(", ")}


def test_templates_fill() -> None:
    """Every placeholder of a rule is an argument of its op, the result or the fan-in."""
    assert {key: unknown for key, rule in RULES.items() if (unknown := _unknown_fields(rule))} == {}


def _unknown_fields(rule: Rule) -> set[str]:
    known = {"out", "n", *rule.signature, *rule.defaults, *(part.role for part in rule.parts)}
    names = {role: role for role in known}
    found: set[str] = set()
    for part in rule.parts:
        for template in (part.local, part.sentence, part.condition, part.where, part.product, part.name, rule.result):
            text = template if isinstance(template, str) else template(names)
            if text != "∂{out}/∂{self}":
                found |= {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
    return found - known


def test_every_rule_is_said_in_words() -> None:
    """Each input of each row has its rule as a sentence: one, and of more than a word."""
    said = [(key, sentence) for key, rule in RULES.items() for sentence in _sentences(rule)]
    assert [one for one in said if len(one[1].split()) <= 2 or ". " in one[1]] == []


def _sentences(rule: Rule) -> list[str]:
    names = {role: rule.defaults.get(role, role) for role in (*rule.signature, *rule.defaults)}
    return [part.sentence if isinstance(part.sentence, str) else part.sentence(names) for part in rule.parts]


def test_formulas_fit_on_a_line() -> None:
    """Beside the label of the pane a formula has room at 80 columns, with names of a few letters."""
    lines = [(key, line) for key, rule in RULES.items() for line in _lines(rule)]
    assert [one for one in lines if len(one[1]) > 80 - len("will be ×    ")] == []


def _lines(rule: Rule) -> list[str]:
    roles = {*rule.signature, *rule.defaults, *(part.role for part in rule.parts)}
    names = {role: rule.defaults.get(role, role[:6]) for role in roles} | {"out": "y", "n": "12"}
    lines = []
    for part in rule.parts:
        local = part.local if isinstance(part.local, str) else part.local(names)
        symbol = part.where.replace("{self}", f"{{{part.role}}}") if part.where == "∂{out}/∂{self}" else part.where
        lines.append(f"{symbol} = {local}".format_map(names))
    return lines


def test_an_overload_goes_before_its_op() -> None:
    """``PowBackward2`` has a row of its own, ``PowBackward1`` shares that of ``Pow``."""
    assert lookup("PowBackward2") is RULES["Pow2"]
    assert lookup("PowBackward1") is lookup("PowBackward0") is RULES["Pow"]
    assert lookup("MaxBackward0") is RULES["Max0"]


def test_a_call_may_have_a_row_of_its_own() -> None:
    """The product inside dropout is explained as dropout."""
    assert lookup("MulBackward0", "torch.nn.functional.dropout") is RULES["Mul@dropout"]
    assert lookup("MulBackward0", "Tensor.mul") is RULES["Mul"]


@pytest.mark.parametrize("name", ["MyFunctionBackward", "LinalgQrBackward0", "", "Backward0", "PowBackwardBackward0"])
def test_other_names_have_no_row(name: str) -> None:
    """A custom function, an op without a row and a double backward are not taken for something else."""
    assert lookup(name) is None


def test_leaves_are_found_under_both_names() -> None:
    """PyTorch calls the node ``torch::autograd::AccumulateGrad`` in one place and ``AccumulateGrad`` in another."""
    assert lookup("torch::autograd::AccumulateGrad") is lookup("AccumulateGrad") is RULES["AccumulateGrad"]


@pytest.mark.parametrize(
    ("function", "name"),
    [("torch.Tensor.__rsub__", "rsub"), ("Tensor.add_", "add"), ("torch.nn.functional.relu", "relu"), ("mm", "mm")],
)
def test_call_names_are_bare(function: str, name: str) -> None:
    """Operators, in-place calls and functions share one form of their name."""
    assert call_name(function) == name


def test_pytorchs_formula_is_found_by_input() -> None:
    """The formula shown is that of the input asked for, also where several share one."""
    assert formula_for("PowBackward0", "self") == "pow_backward(grad, self, exponent)"
    assert "grad, input, normalized_shape" in formula_for("NativeLayerNormBackward0", "weight")
    assert formula_for("NoSuchBackward0", "self") == ""


def test_formulas_of_other_devices_are_kept_apart() -> None:
    """A node that only nested tensors make has its formula, and is not among the ordinary ones."""
    assert len(node_names()) > 600
    loaded = json.loads(files("gradb.rules").joinpath("formulas.json").read_text(encoding="utf-8"))
    for table in loaded["other"].values():
        assert table.keys().isdisjoint(node_names())
        assert all(formulas(name) == formula for name, formula in table.items())
