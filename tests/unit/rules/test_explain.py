"""What is said about a node: names from the tape, numbers as measured, honest words where there is no formula."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradb.algebra.local import Local
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.frame.reader import Tape
from gradb.rules import describe
from gradb.rules.explain import MEASURED, NO_FORMULA
from gradb.rules.names import bind
from gradb.rules.table import RULES
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from tests.fakes import examples
from tests.fakes.packing import value

UNKNOWN = Local("unknown", 0, 0, None, "known when backward reaches this node")


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    examples.chain_rule(tmp_path / "t.tape")
    opened = Tape.open(tmp_path / "t.tape")
    yield opened
    opened.close()


def tensor(name: str | None, *numbers: float, id: int = 1) -> Tensor:
    return Tensor(id, name, value(list(numbers)), True, id)


def chain(
    node: str, function: str, inputs: list[Tensor], arguments: list[tuple[str, str]], *, name: str | None = "y",
    local: Local = UNKNOWN, result: tuple[float, ...] = (1.0, 2.0), nodes: tuple[int, ...] = (9,),
) -> Chain:  # fmt: skip
    """Return the record of node 9 as seen from the forward; each input is an edge."""
    output = tensor(name, *result, id=9)
    op = OpDetail(function, tuple(inputs), (output,), tuple(arguments), nodes)
    edges = tuple(ChainEdge(one.id, "AccumulateGrad", one, local, None, None) for one in inputs)
    return Chain(9, node, "created", None, output, op, None, (), (), None, edges)


def test_the_chain_rule_example_is_explained_with_its_names(tape: Tape) -> None:
    """Each node of the example has the mathematics and the numbers of the text it comes from."""
    shown = {}
    for event in tape.events():
        if event.kind == "node" and event.node is not None:
            record = tape.chain(event.node, event.seq)
            assert record is not None
            explained = describe(record, 0)
            shown[event.name] = (explained.math, explained.numbers)
    assert shown == {
        "SumBackward0": ("∂out/∂d = 1", "1"),
        "PowBackward0": ("∂d/∂c = 2·c", "2·c = [14 18 22 26]"),
        "AddBackward0": ("∂c/∂b = 1", "1"),
        "MulBackward0": ("∂b/∂a = 2", "2"),
    }


def test_before_backward_the_formula_gives_the_numbers(tape: Tape) -> None:
    """After the forward op the local derivative is predicted from the values on the tape."""
    record = tape.frame(4).chain
    assert record is not None
    explained = describe(record, 0)
    assert list(explained.predicted or ()) == [14, 18, 22, 26]
    assert explained.numbers == "2·c = [14 18 22 26]"
    assert explained.pytorch == "pow_backward(grad, self, exponent)"


@pytest.mark.parametrize(
    ("node", "function", "arguments", "math"),
    [
        ("PowBackward0", "Tensor.pow", [("", "%0"), ("", "3")], "∂y/∂x = 3·x^2"),
        ("PowBackward0", "Tensor.pow", [("", "%0"), ("", "1")], "∂y/∂x = 1"),
        ("PowBackward0", "Tensor.pow", [("", "%0"), ("", "-1")], "∂y/∂x = (-1)·x^(-2)"),
        ("PowBackward0", "torch.square", [("", "%0")], "∂y/∂x = 2·x"),
        ("PowBackward2", "Tensor.__rpow__", [("", "%0"), ("", "2")], "∂y/∂x = 2^x·ln(2)"),
        ("PowBackward2", "torch.pow", [("", "2"), ("", "%0")], "∂y/∂x = 2^x·ln(2)"),
        ("RsubBackward1", "Tensor.__rsub__", [("", "%0"), ("", "5")], "∂y/∂x = -1"),
        ("SubBackward0", "torch.sub", [("", "%0"), ("", "5")], "∂y/∂x = 1"),
        ("DivBackward0", "Tensor.div", [("", "%0"), ("", "4")], "∂y/∂x = 1/4"),
        ("ReluBackward0", "torch.relu", [("", "%0")], "∂y/∂x = 1 where x > 0, else 0"),
        ("ClampBackward1", "torch.clamp", [("", "%0"), ("min", "0")], "∂y/∂x = 1 where 0 ≤ x, else 0"),
        ("MeanBackward0", "Tensor.mean", [("", "%0")], "∂y/∂x = 1/1"),
    ],
)
def test_the_call_fills_the_formula(node: str, function: str, arguments: list[tuple[str, str]], math: str) -> None:
    """Literals of the call and the variable's name stand in the formula."""
    record = chain(node, function, [tensor("x", 1.0, 2.0)], arguments)
    assert describe(record, 0).math == math


def test_alpha_of_a_sum_is_not_forgotten() -> None:
    """``torch.add(x, z, alpha=3)`` multiplies the second input's gradient by 3."""
    inputs = [tensor("x", 1.0, 2.0), tensor("z", 3.0, 4.0, id=2)]
    record = chain("AddBackward0", "torch.add", inputs, [("", "%0"), ("", "%1"), ("alpha", "3")])
    assert [describe(record, index).math for index in (0, 1)] == ["∂y/∂x = 1", "∂y/∂z = 3"]


def test_a_call_of_another_signature_gives_no_names() -> None:
    """Arguments are read only where the call is known; elsewhere a plain word stands and is explained."""
    record = chain("MulBackward0", "torch.fancy", [tensor("x", 1.0, 2.0)], [("", "%0"), ("", "7")])
    explained = describe(record, 0)
    assert explained.math == "∂y/∂x = other"
    assert explained.predicted is None
    assert explained.legend == ("other: an argument, which has no name in the script",)


def test_a_variable_given_its_own_result_is_primed() -> None:
    """In ``x = x ** 2`` the new x is told apart from the old one."""
    record = chain("PowBackward0", "Tensor.pow", [tensor("x", 1.0, 2.0)], [("", "%0"), ("", "2")], name="x")
    assert describe(record, 0).math == "∂x′/∂x = 2·x"


def test_an_unnamed_input_gets_a_word_with_a_legend() -> None:
    """A sub-expression has no name: the word that stands for it is explained."""
    record = chain("ExpBackward0", "torch.exp", [tensor(None, 1.0, 2.0)], [("", "%0")])
    record = replace(record, edges=(replace(record.edges[0], to_name="MulBackward0"),))
    explained = describe(record, 0)
    assert explained.math == "∂y/∂input = e^input"
    assert explained.legend == ("input: the result of MulBackward0, which has no name in the script",)


def test_names_from_a_tape_are_not_templates() -> None:
    """Braces in a name are shown as they are."""
    record = chain("ExpBackward0", "torch.exp", [tensor("{self}{0}", 1.0, 2.0)], [("", "%0")])
    assert describe(record, 0).math == "∂y/∂{self}{0} = e^{self}{0}"


def test_where_there_is_no_formula_it_says_so() -> None:
    """A custom function is explained by its measured numbers alone, and says that it is."""
    measured = Local("diagonal", 2, 2, (3.0, 0.5))
    record = chain("MyFunctionBackward", "MyFunction.apply", [tensor("x", 1.0, 2.0)], [], local=measured)
    explained = describe(record, 0)
    assert explained.sentence == MEASURED
    assert explained.numbers == "[3 0.5]"
    assert not explained.has_formula
    assert describe(replace(record, edges=(replace(record.edges[0], local=UNKNOWN),)), 0).sentence == NO_FORMULA


def test_a_formula_that_hangs_on_hidden_arguments_is_not_claimed() -> None:
    """A call that makes an EluBackward0 in a way of its own may scale it: the formula for elu is not shown for it."""
    inputs = [tensor("x", 1.0, 2.0)]
    assert describe(chain("EluBackward0", "torch.nn.functional.elu", inputs, [("", "%0")]), 0).has_formula
    assert not describe(chain("EluBackward0", "torch.fancy", inputs, [("", "%0")]), 0).has_formula


def test_a_linear_layer_is_named_by_its_own_arguments() -> None:
    """Inside ``F.linear`` the product is written with the weight's name, and its edge leads to the transpose."""
    x, weight, bias = tensor("x", 1.0), tensor("w", 1.0, id=2), tensor("b", 1.0, id=3)
    record = chain(
        "AddmmBackward0", "torch.nn.functional.linear", [x, weight, bias],
        [("", "%0"), ("", "%1"), ("", "%2")], nodes=(8, 9),
    )  # fmt: skip
    hidden = ChainEdge(8, "TBackward0", None, UNKNOWN, None, None)
    record = replace(record, edges=(record.edges[2], record.edges[0], hidden))
    assert [describe(record, index).math for index in range(3)] == [
        "∂y/∂b = 1",
        "∂y[i,j]/∂x[i,k] = w[j,k]",
        "∂y[i,j]/∂w.T[k,j] = x[i,k]",
    ]
    assert describe(record, 1).product == "upstream @ w"


def test_complex_numbers_are_conjugated() -> None:
    """For complex tensors the proviso about the conjugate is said."""
    x = Tensor(1, "x", value([1 + 2j], [1], "complex64"), True, 1)
    record = chain("ExpBackward0", "torch.exp", [x], [("", "%0")])
    assert "conjugate" in describe(record, 0).condition


def test_an_overflow_in_a_formula_is_no_prediction() -> None:
    """Where Python cannot evaluate the formula nothing is predicted."""
    record = chain("ExpBackward0", "torch.exp", [tensor("x", 1e30, 1.0)], [("", "%0")])
    assert describe(record, 0).predicted is None


def test_an_unnamed_argument_has_the_same_words_at_every_edge() -> None:
    """What one edge calls the result of a node is that in the formula of the other edge too."""
    inputs = [tensor(None, 1.0, 2.0), tensor("v", 3.0, 4.0, id=2)]
    record = chain("MulBackward0", "Tensor.mul", inputs, [("", "%0"), ("", "%1")])
    first, second = record.edges
    record = replace(record, edges=(replace(first, to_name="SoftmaxBackward0"), second))
    words = ("input: the result of SoftmaxBackward0, which has no name in the script",)
    assert [describe(record, index).legend for index in (0, 1)] == [words, words]


def test_an_unnamed_leaf_is_called_a_leaf() -> None:
    """No op made it: it is nobody's result."""
    record = chain("ExpBackward0", "torch.exp", [tensor(None, 1.0, 2.0)], [("", "%0")])
    record = replace(record, edges=(replace(record.edges[0], to_name="torch::autograd::AccumulateGrad"),))
    assert describe(record, 0).legend == ("input: a leaf, which has no name in the script",)


@pytest.mark.parametrize("name", ["SoftmaxBackwardData", "Addmm", "NativeLayerNorm", "Baddbmm", "Addcmul"])
def test_what_is_not_named_is_told_in_the_order_of_the_call(name: str) -> None:
    """The lines of the legend do not change their order from run to run."""
    rule = RULES[name]
    nameless = chain(f"{name}Backward0", "", [], [])
    assert list(bind(nameless, rule))[: len(rule.signature)] == list(rule.signature)
