"""The forward half of the builder: leaves, constants, ops and names, with the nodes they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.oddity import born
from gradb.tape.saved import SavedEntry, SavedRecord
from gradb.tape.values import Number, TensorValue
from tests.fakes.packing import oddity_in, value
from tests.fakes.recording import Path, Recording
from tests.fakes.wire import encode_saved

Matrix = Sequence[Number]
"""A Jacobian, row-major: [i, j] is d output_i / d input_j."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A tensor of the imagined script."""

    id: int
    name: str | None
    value: TensorValue
    node: int | None = None
    requires_grad: bool = True

    @property
    def numbers(self) -> list[Number]:
        """All elements, row-major."""
        return self.value.numbers() or []

    def seen(self) -> Tensor:
        """Return it as an event sees it."""
        return Tensor(self.id, self.name, self.value, self.requires_grad, self.node)


@dataclass(slots=True)
class FakeNode:
    """A node of the imagined graph."""

    name: str
    edges: tuple[int | None, ...]
    jacobians: tuple[Matrix | None, ...]
    output: Variable
    leaf: int | None = None


class Forward(Recording):
    """A recording with a forward."""

    def __init__(self, path: Path, script: str = "script.py", source: str = "") -> None:
        super().__init__(path, script, source)
        self.nodes: dict[int, FakeNode] = {}
        self.leaves: dict[int, int] = {}
        """leaf -> its AccumulateGrad node."""
        self.looks_in = False
        """Record one ATen call of each op and node, as where somebody looks into them."""
        self._tensors = 0

    def call(
        self,
        function: str,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[Tensor | None],
        line: int | None,
        start: int = 0,
        node: int | None = None,
    ) -> int | None:
        """Record the first ATen call of an op or node, if that is looked into; return what ``calls`` becomes.

        A node (with the ``start`` of its run) that sends nothing on calls nothing.
        """
        seen, made = (tuple(one for one in tensors if one is not None) for tensors in (inputs, outputs))
        if not self.looks_in or not made:
            return 0 if self.looks_in else None
        arguments = tuple(("self" if not index else "other", f"%{index}") for index in range(len(seen)))
        detail = AtenDetail(start or self.head + 1, 1, function, seen, made[:1], arguments)
        return self.event(detail, "aten", function, line, node=node, phase="backward" if node else "forward")

    def leaf(
        self,
        name: str | None,
        numbers: Sequence[Number],
        shape: Sequence[int] | None = None,
        *,
        dtype: str = "float32",
        line: int | None = None,
    ) -> Variable:
        """Make a leaf that requires grad."""
        self._tensors += 1
        made = Variable(self._tensors, name, value(numbers, shape, dtype))
        seq, node = self.head + 1, len(self.nodes) + 1
        self.nodes[node] = FakeNode("AccumulateGrad", (), (), made, made.id)
        self.leaves[made.id] = node
        self.writer.node(node, "AccumulateGrad", seq, "accumulate", False, made.id, [])
        detail = LeafDetail(replace(made.seen(), node=node), "torch.tensor")
        odd = oddity_in(detail.tensor)
        self.event(detail, "leaf", name or f"leaf #{made.id}", line, node=node, odd=odd | born(odd, 0))
        self._define(made, seq)
        return made

    def constant(self, name: str | None, numbers: Sequence[Number], shape: Sequence[int] | None = None) -> Variable:
        """Make a tensor that needs no gradient, by a quiet op."""
        self._tensors += 1
        made = Variable(self._tensors, name, value(numbers, shape), None, requires_grad=False)
        detail = OpDetail("torch.tensor", (), (made.seen(),), (("", repr(list(numbers))),), ())
        self._define(made, self.event(detail, "op", "torch.tensor", is_quiet=True))
        return made

    def op(
        self,
        function: str,
        node: str,
        inputs: Sequence[Variable | Number],
        numbers: Sequence[Number],
        shape: Sequence[int] | None = None,
        *,
        jacobians: Sequence[Matrix | None] = (),
        name: str | None = None,
        line: int | None = None,
        columns: tuple[int | None, int | None] = (None, None),
        constants: Sequence[tuple[str, str]] = (),
        saves: bool = True,
    ) -> Variable:
        """Make an op with one output and one node.

        Args:
            function: the call, e.g. ``Tensor.pow``.
            node: name of the new node, e.g. ``PowBackward0``.
            inputs: one an edge, in the order of ``next_functions``; a number is an edge to nowhere.
            numbers: the output's elements.
            jacobians: one an edge; None is not probed, and lets no gradient through.
            constants: further (keyword, text) arguments that have no edge.
        """
        tensors = [item for item in inputs if isinstance(item, Variable)]
        edges = tuple(self._feeds(item) for item in inputs)
        seen = tuple(replace(one.seen(), node=self._feeds(one)) for one in tensors)
        id_ = len(self.nodes) + 1
        self._tensors += 1
        dtype = tensors[0].value.dtype if tensors else "float32"
        made = Variable(self._tensors, name, value(numbers, shape, dtype), id_)
        result = replace(made, name=None).seen()
        calls = self.call(f"aten.{function.rpartition('.')[2]}.default", seen, (result,), line)
        seq = self.head + 1
        given = tuple(jacobians) or (None,) * len(inputs)
        self.nodes[id_] = FakeNode(node, edges, given, made)
        self.writer.node(id_, node, seq, "builtin", saves, None, [(edge, 0) for edge in edges])
        places = iter(range(len(tensors)))
        arguments = [("", f"%{next(places)}" if isinstance(item, Variable) else repr(item)) for item in inputs]
        detail = OpDetail(function, seen, (result,), (*arguments, *constants), (id_,), calls=calls)
        odd, given_odd = oddity_in(result), oddity_in(*seen)
        self.event(detail, "op", node, line, columns=columns, node=id_, odd=odd | given_odd | born(odd, given_odd))
        self._define(made, seq)
        return made

    def name(self, variable: Variable, name: str) -> Variable:
        """Give a tensor a (further) name, from the last event on."""
        self.writer.name(variable.id, self.head, name)
        return replace(variable, name=name)

    def save(
        self, made: Variable, *tensors: SavedEntry, arguments: Sequence[tuple[str, str]] = (), note: str = ""
    ) -> None:
        """Say what the node of a tensor saved, or why that is not known."""
        text, data = encode_saved(SavedRecord(note, tensors, tuple(arguments)))
        self.writer.record_saved(made.node or 0, text, data)

    def let_go(self, *made: Variable) -> None:
        """Let the nodes of some tensors be no more, from the next event on."""
        self.writer.departed += [(one.node, one.node, self.head + 1) for one in made if one.node is not None]

    def _define(self, made: Variable, seq: int) -> None:
        self.writer.tensor(made.id, seq, self._feeds(made), 0)
        if made.name:
            self.writer.name(made.id, seq, made.name)

    def _feeds(self, item: Variable | Number) -> int | None:
        """Return the node an edge to ``item`` leads to: its grad_fn, or a leaf's AccumulateGrad."""
        if not isinstance(item, Variable) or not item.requires_grad:
            return None
        return item.node if item.node is not None else self.leaves.get(item.id)
