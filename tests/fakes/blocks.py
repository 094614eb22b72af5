"""A network of equal blocks with residual connections, as a tape: its nodes made in modules inside of modules."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.builder import TapeBuilder
from tests.fakes.forward import Matrix, Variable
from tests.fakes.packing import diagonal


class Network:
    """Writes one forward at a time.

    Args:
        tape: where to.
        blocks: how many blocks there are: ``h.0``, ``h.1`` ...
        slope: what each block multiplies the gradient by on its own way.
    """

    def __init__(self, tape: TapeBuilder, blocks: int, slope: float = 0.5) -> None:
        self.tape = tape
        self.slope = slope
        self.weights = {name: tape.leaf(f"{name}.weight", [slope, slope]) for name in self._names(blocks)}
        self._blocks = blocks

    def _names(self, blocks: int) -> list[str]:
        inner = [f"h.{block}.{part}" for block in range(blocks) for part in ("ln", "attn.q", "attn.k", "mlp")]
        return ["wte", *inner, "head"]

    def forward(self) -> Variable:
        """Write a forward; return the loss."""
        x = self._linear("wte", self.tape.constant("ids", [1.0, 2.0]))
        for block in range(self._blocks):
            x = self._block(f"h.{block}", x)
        x = self._linear("head", x)
        self.tape.scope = ""
        return self._op("SumBackward0", [x], [3.0], name="loss", jacobians=[[1.0, 1.0]], shape=())

    def _block(self, name: str, x: Variable) -> Variable:
        normed = self._linear(f"{name}.ln", x)
        q, k = self._linear(f"{name}.attn.q", normed), self._linear(f"{name}.attn.k", normed)
        self.tape.scope = f"{name}.attn"
        attended = self._op("MulBackward0", [q, k])
        self.tape.scope = name
        middle = self._op("AddBackward0", [x, attended])
        out = self._linear(f"{name}.mlp", middle)
        self.tape.scope = f"{name}.mlp"
        out = self._op("ReluBackward0", [out])
        self.tape.scope = name
        return self._op("AddBackward0", [middle, out])

    def _linear(self, name: str, x: Variable) -> Variable:
        self.tape.scope = name
        turned = self._op("TBackward0", [self.weights[name]])
        return self._op("MmBackward0", [x, turned])

    def _op(
        self, node: str, inputs: list[Variable], numbers: list[float] | None = None, *, name: str | None = None,
        jacobians: list[Matrix] | None = None, shape: tuple[int, ...] | None = None,
    ) -> Variable:  # fmt: skip
        slope = 1.0 if node == "AddBackward0" else self.slope
        given: list[Matrix] = jacobians or [diagonal([slope] * 2)] * len(inputs)
        return self.tape.op(
            f"Tensor.{node[:-9].lower()}", node, inputs, numbers or [1.0, 2.0], shape, jacobians=given, name=name
        )


def network(path: Path, blocks: int = 6, slope: float = 0.5) -> None:
    """Write a forward of a network of blocks and its backward."""
    with TapeBuilder(path) as tape:
        made = Network(tape, blocks, slope)
        tape.backward(made.forward())
        tape.end()
