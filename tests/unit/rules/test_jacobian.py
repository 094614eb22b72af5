"""The table's formulas as numbers: what is predicted before backward, and what is refused."""

from __future__ import annotations

import pytest

from gradb.algebra.local import Local
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.rules import describe
from gradb.rules.arguments import Array, NotKnown, parse
from gradb.rules.jacobian import entries, factors
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue
from tests.fakes.packing import value

UNKNOWN = Local("unknown", 0, 0, None, "known when backward reaches this node")


def call(
    node: str, function: str, given: TensorValue, out: TensorValue, *arguments: str, outputs: int = 1, **words: str
) -> Chain:
    """Return the record of a node before backward: one input, the other arguments as the call gave them."""
    x = Tensor(1, "x", given, True, 1)
    results = tuple(Tensor(9 + k, "y", out, True, 9, k) for k in range(outputs))
    texts = [("", "%0"), *(("", text) for text in arguments), *words.items()]
    op = OpDetail(function, (x,), results, tuple(texts), (9,))
    edge = ChainEdge(1, "AccumulateGrad", x, UNKNOWN, None, None)
    return Chain(9, node, "created", None, results[0], op, None, (), (), None, (edge,))


MATRIX, VECTOR, ONE = value([1.0, 2.0, 3.0, 4.0], [2, 2]), value([1.0, 2.0, 4.0]), value([3.0], [])


@pytest.mark.parametrize(
    ("chain", "numbers"),
    [
        (call("SumBackward0", "Tensor.sum", VECTOR, ONE), (1, 1, 1)),
        (call("ProdBackward0", "torch.prod", VECTOR, ONE), (8, 4, 2)),
        (call("MaxBackward1", "Tensor.max", value([2.0, 2.0, 1.0]), ONE), (0.5, 0.5, 0)),
        (call("MeanBackward1", "Tensor.mean", VECTOR, ONE, dim="0"), (1 / 3, 1 / 3, 1 / 3)),
        (call("LinalgDetBackward0", "torch.det", MATRIX, ONE), (4, -3, -2, 1)),
        (call("TraceBackward0", "torch.trace", MATRIX, ONE), (1, 0, 0, 1)),
        (call("ViewBackward0", "Tensor.view", MATRIX, value([1.0, 2.0, 3.0, 4.0])), (1, 1, 1, 1)),
        (call("SelectBackward0", "Tensor.__getitem__", VECTOR, ONE, "-1"), (0, 0, 1)),
    ],
    ids=lambda item: item.node_name if isinstance(item, Chain) else "",
)
def test_one_number_for_each_element_is_predicted(chain: Chain, numbers: tuple[float, ...]) -> None:
    """An op done element by element, or with a single number as its result, has its factors before backward."""
    assert factors(chain, 0) == pytest.approx(numbers)
    assert describe(chain, 0).predicted == pytest.approx(numbers)


def test_a_jacobian_that_mixes_elements_is_no_list_of_factors() -> None:
    """Softmax and a transpose need a matrix: no factor an element is claimed, the entries are there."""
    softmax = call("SoftmaxBackward0", "torch.softmax", VECTOR, VECTOR, dim="0")
    transpose = call("TBackward0", "Tensor.t", MATRIX, MATRIX)
    assert factors(softmax, 0) is None
    assert len(entries(softmax, 0) or ()) == 9
    assert factors(transpose, 0) is None
    assert entries(transpose, 0) == [(0, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0), (3, 3, 1.0)]


def test_a_node_of_several_outputs_has_no_factors() -> None:
    """Each output of ``unbind`` has its own: one of them would be a lie about the node."""
    chain = call("UnbindBackward0", "Tensor.unbind", VECTOR, ONE, outputs=3)
    assert factors(chain, 0) is None
    assert entries(chain, 0, slot=2) == [(0, 2, 1.0)]


def test_shapes_may_be_given_one_by_one() -> None:
    """``x.permute(1, 0)`` is ``x.permute((1, 0))``."""
    singly = call("PermuteBackward0", "Tensor.permute", MATRIX, MATRIX, "1", "0")
    together = call("PermuteBackward0", "torch.permute", MATRIX, MATRIX, "(1, 0)")
    assert entries(singly, 0) == entries(together, 0) == [(0, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0), (3, 3, 1.0)]


HUGE = "1000000000000"
HOSTILE = [
    call("SelectBackward0", "Tensor.select", VECTOR, ONE, HUGE, "0"),
    call("SliceBackward0", "Tensor.__getitem__", VECTOR, VECTOR, f"slice({HUGE}, None, None)"),
    call("PermuteBackward0", "Tensor.permute", MATRIX, MATRIX, "0", "0"),
    call("RollBackward0", "torch.roll", MATRIX, MATRIX, "1", HUGE),
    call("PolygammaBackward0", "torch.polygamma", VECTOR, VECTOR),
    call("DiagonalBackward0", "torch.diagonal", VECTOR, VECTOR),
    call("AsStridedBackward0", "torch.as_strided", VECTOR, VECTOR, "3", HUGE, HUGE),
    call("AvgPool2DBackward0", "torch.avg_pool2d", MATRIX, MATRIX, HUGE, "0", HUGE),
    call("MaxPool2DWithIndicesBackward0", "torch.max_pool2d", MATRIX, MATRIX, HUGE, "1", "-" + HUGE),
    call("Im2ColBackward0", "torch.nn.functional.unfold", MATRIX, MATRIX, HUGE),
    call("UpsampleNearest1DBackward0", "torch.nn.functional.interpolate", MATRIX, MATRIX, scale_factor="inf"),
    call("TransposeBackward0", "Tensor.transpose", MATRIX, TensorValue((1 << 40, 1 << 20), "float32"), "0", "1"),
    call("SumBackward0", "Tensor.sum", TensorValue((1 << 40,), "float32"), ONE),
    call("SumBackward1", "Tensor.sum", VECTOR, ONE, dim="nonsense("),
    call("SumBackward1", "Tensor.sum", VECTOR, ONE, dim="(" * 300),
    call("SoftmaxBackward0", "torch.softmax", VECTOR, value([1.0]), dim="7"),
]


@pytest.mark.parametrize("chain", HOSTILE, ids=lambda chain: f"{chain.node_name} {chain.op.arguments[1:]}"[:60])
def test_nonsense_on_a_tape_is_survived(chain: Chain) -> None:
    """Arguments that no torch call would take give no numbers (or harmless ones), at once, and the words stay."""
    assert factors(chain, 0) is None or all(isinstance(number, float) for number in factors(chain, 0) or ())
    assert describe(chain, 0).sentence


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("-2.5", -2.5),
        ("(1, None, True)", (1, None, True)),
        ("[0, 'mean']", (0, "mean")),
        ("slice(None, 2, None)", slice(None, 2, None)),
        ("inf", float("inf")),
        ("(..., 1)", (..., 1)),
        ("[%0, %0]", (Array((1,), [7.0]), Array((1,), [7.0]))),
    ],
)
def test_an_argument_is_read_as_the_tape_has_it(text: str, wanted: object) -> None:
    """Numbers, words, slices, lists and the call's own tensors."""
    assert parse(text, [Array((1,), [7.0])]) == wanted


@pytest.mark.parametrize("text", ["", "x", "__import__('os')", "%9", "1 + 1", "lambda: 0", "slice(x)", "9" * 500])
def test_what_is_no_literal_is_not_read(text: str) -> None:
    """Nothing on a tape is evaluated: what is not plainly a value is not known."""
    with pytest.raises(NotKnown):
        parse(text, [])
