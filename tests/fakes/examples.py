"""Whole tapes of small imagined scripts, as the tracer would write them.

``chain_rule`` and ``accumulation`` are the scenarios of the same name; ``diamond`` has a shared node at every level,
``shared_weight`` one weight in three places, ``nonfinite`` a NaN in its backward, ``training`` several iterations,
``watched`` most of them without their events, ``paused`` two breakpoints of the script's own, ``lesson`` questions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path as File
from typing import Concatenate, ParamSpec

from gradb.tape.saved import SavedEntry
from gradb.tape.values import TensorValue, element_size
from tests.fakes.backward import Autograd
from tests.fakes.forward import Variable
from tests.fakes.packing import diagonal, value
from tests.fakes.recording import Path

CHAIN_RULE = '''\
"""The chain rule, one node at a time

Every op of the forward pass leaves a node; backward walks them in the opposite order.
"""

import torch

a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = 2 * a
c = b + 5
d = c ** 2
out = d.sum()
out.backward()
print(a.grad)
'''

ACCUMULATION = (
    CHAIN_RULE[: CHAIN_RULE.index("out.backward()")]
    + """\
out.backward(retain_graph=True)
print(a.grad)
out.backward(retain_graph=True)
print(a.grad)
out.backward()
try:
    out.backward()
except RuntimeError as error:
    print(error)
"""
)

LESSON = '''\
"""The chain rule, as a lesson

Lesson: how a gradient is made of products.
"""
import torch
#: A leaf: made by hand, so that no op is behind it.
a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
b = 2 * a  #: Each op leaves a node.
#? c
#? hint: 5 is added to each element
c = b + 5
d = c ** 2
out = d.sum()
#: Backward: from out to a, node by node,
#: and at the end the result is added to a.grad.
#? a.grad
#? hint: it is 4 times c
#? hint: c is [7, 9, 11, 13]
#? downstream at node PowBackward0
out.backward()
print(a.grad)
'''
"""Lines 7, 8, 11, 12, 13, 20 and 21 do something."""

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been"
    " freed)."
)

Rest = ParamSpec("Rest")
Example = Callable[Concatenate[Path, Rest], None]


def written_once(example: Example[Rest]) -> Example[Rest]:
    """Make a tape once in a process; from then on it is copied, which takes a tenth of the time."""
    made: dict[object, bytes] = {}

    @functools.wraps(example)
    def write(path: Path, /, *args: Rest.args, **kwargs: Rest.kwargs) -> None:
        key = (args, tuple(sorted(kwargs.items())))
        if key in made:
            File(path).write_bytes(made[key])
            return
        example(path, *args, **kwargs)
        made[key] = File(path).read_bytes()

    return write


def _forward(tape: Autograd, lines: Sequence[int] = (8, 9, 10, 11, 12)) -> tuple[Variable, Variable]:
    """Write a, b = 2 * a, c = b + 5, d = c ** 2, out = d.sum(); return a and out."""
    a = tape.leaf("a", [1.0, 2.0, 3.0, 4.0], line=lines[0])
    b = tape.op(
        "Tensor.mul", "MulBackward0", [a, 2], [2, 4, 6, 8], name="b", line=lines[1], columns=(4, 9),
        jacobians=[diagonal([2.0] * 4), None],
    )  # fmt: skip
    c = tape.op(
        "Tensor.add", "AddBackward0", [b, 5], [7, 9, 11, 13], name="c", line=lines[2], columns=(4, 9), saves=False,
        jacobians=[diagonal([1.0] * 4), None],
    )  # fmt: skip
    d = tape.op(
        "Tensor.pow", "PowBackward0", [c], [49, 81, 121, 169], name="d", line=lines[3], columns=(4, 10),
        jacobians=[diagonal([14.0, 18.0, 22.0, 26.0])], constants=[("", "2")],
    )  # fmt: skip
    out = tape.op(
        "Tensor.sum", "SumBackward0", [d], [420], (), name="out", line=lines[4], columns=(6, 13), saves=False,
        jacobians=[[1.0] * 4],
    )  # fmt: skip
    tape.save(
        b, SavedEntry("other", "tensor", storage=1, size=8, value=value([2], (), "int64")), SavedEntry("self", "none")
    )
    tape.save(c, arguments=[("alpha", "1")])
    tape.save(d, saved_of("self", c, storage=2), arguments=[("exponent", "2")])
    tape.save(out, arguments=[("self_sym_sizes", "(4,)")])
    return a, out


def saved_of(name: str, tensor: Variable, *, storage: int, is_leaf: bool = False) -> SavedEntry:
    """Return the record of a tensor that a node saved and that the node's event shows."""
    shape, dtype = tensor.value.shape, tensor.value.dtype
    size = tensor.value.numel * (element_size(dtype) or 0)
    known = TensorValue(shape, dtype)
    return SavedEntry(name, "tensor", tensor.id, 0, storage, size, is_leaf, known)


def _printed(tape: Autograd, leaf: Variable, line: int) -> None:
    grad = tape.grads[leaf.id]
    numbers = ", ".join(f"{number:g}." for number in (grad.numbers() if grad else None) or [])
    tape.output(f"tensor([{numbers}])\n", line=line)


def looked_into(path: Path, script: str = "chain_rule.py") -> None:
    """Write the tape of ``chain_rule`` with an ATen call of each op and node: 28 events."""
    chain_rule(path, script, looks_in=True)


@written_once
def chain_rule(path: Path, script: str = "chain_rule.py", *, looks_in: bool = False) -> None:
    """Write the tape of the scenario ``chain_rule.py``: 19 events."""
    with Autograd(path, script, CHAIN_RULE) as tape:
        tape.looks_in = looks_in
        tape.set_run(title="The chain rule, one node at a time", lesson="Every op of the forward pass leaves a node.")
        a, out = _forward(tape)
        tape.backward(out, line=13)
        _printed(tape, a, 14)
        tape.end()


@written_once
def lesson(path: Path, script: str = "lesson.py") -> None:
    """Write the tape of ``LESSON``, which has three questions: 19 events, as of ``chain_rule``."""
    with Autograd(path, script, LESSON) as tape:
        tape.set_run(title="The chain rule, as a lesson", lesson="Lesson: how a gradient is made of products.")
        a, out = _forward(tape, (7, 8, 11, 12, 13))
        tape.backward(out, line=20)
        _printed(tape, a, 21)
        tape.end()


@written_once
def paused(path: Path, script: str = "paused.py") -> None:
    """Write the tape of the first scenario with a ``breakpoint()`` before its backward and one after: 21 events."""
    lines = CHAIN_RULE.splitlines()
    source = "\n".join([*lines[:12], "breakpoint()", lines[12], "breakpoint(header='after')", lines[13], ""])
    with Autograd(path, script, source) as tape:
        a, out = _forward(tape)
        tape.breakpoint(13)
        tape.backward(out, line=14)
        tape.breakpoint(15, "after")
        _printed(tape, a, 16)
        tape.end()


@written_once
def accumulation(path: Path, script: str = "accumulation.py") -> None:
    """Write the tape of three backwards over one graph, and of the error of a fourth."""
    with Autograd(path, script, ACCUMULATION) as tape:
        tape.set_run(title="Gradients accumulate")
        a, out = _forward(tape)
        for line in (13, 15):
            tape.backward(out, retain_graph=True, line=line)
            _printed(tape, a, line + 1)
        tape.backward(out, line=17)
        tape.error("RuntimeError", FREED, 19)
        tape.output(FREED + "\n", line=21)
        tape.end()


@written_once
def shared_weight(path: Path, script: str = "shared_weight.py") -> None:
    """Write the tape of ``loss = y1 + y3``, y1 = x * w, y2 = y1 * w, y3 = y2 * w: four paths from w to the loss."""
    with Autograd(path, script) as tape:
        x = tape.constant("x", [3.0], ())
        w = tape.leaf("w", [2.0], ())
        y1 = tape.op("Tensor.mul", "MulBackward0", [x, w], [6.0], (), name="y1", jacobians=[None, [3.0]])
        y2 = tape.op("Tensor.mul", "MulBackward0", [y1, w], [12.0], (), name="y2", jacobians=[[2.0], [6.0]])
        y3 = tape.op("Tensor.mul", "MulBackward0", [y2, w], [24.0], (), name="y3", jacobians=[[2.0], [12.0]])
        loss = tape.op("Tensor.add", "AddBackward0", [y1, y3], [30.0], (), name="loss", jacobians=[[1.0], [1.0]])
        tape.backward(loss)
        tape.end()


@written_once
def diamond(path: Path, levels: int = 40, script: str = "diamond.py") -> None:
    """Write the tape of ``x = x + x`` so many times: a graph of so many nodes and 2 ** levels paths."""
    with Autograd(path, script, f"x = a\nfor _ in range({levels}):\n    x = x + x\nx.backward()\n") as tape:
        a = x = tape.leaf("a", [1.0], (), line=1)
        for _ in range(levels):
            doubled = [2 * number for number in x.numbers]
            x = tape.op(
                "Tensor.add",
                "AddBackward0",
                [x, x],
                doubled,
                (),
                name="x",
                line=3,
                saves=False,
                jacobians=[[1.0], [1.0]],
            )
        tape.backward(x, line=4)
        _printed(tape, a, 4)
        tape.end()


def small_diamond(path: Path, script: str = "diamond.py") -> None:
    """Write the tape of ``diamond`` with 6 levels: 64 paths, for what is to be seen at every position."""
    diamond(path, 6, script)


@written_once
def nonfinite(path: Path, script: str = "nan.py") -> None:
    """Write the tape of sqrt at zero times zero: an infinity, then a NaN, in backward only."""
    source = "x = tensor([0.0, 4.0], requires_grad=True)\ny = x.sqrt()\nz = y * 0\nout = z.sum()\nout.backward()\n"
    inf = float("inf")
    with Autograd(path, script, source) as tape:
        x = tape.leaf("x", [0.0, 4.0], line=1)
        y = tape.op("Tensor.sqrt", "SqrtBackward0", [x], [0, 2], name="y", line=2, jacobians=[diagonal([inf, 0.25])])
        z = tape.op(
            "Tensor.mul", "MulBackward0", [y, 0], [0, 0], name="z", line=3, jacobians=[diagonal([0.0, 0.0]), None]
        )
        out = tape.op(
            "Tensor.sum", "SumBackward0", [z], [0], (), name="out", line=4, saves=False, jacobians=[[1.0, 1.0]]
        )
        tape.backward(out, line=5)
        tape.end()


@written_once
def training(
    path: Path, iterations: int = 3, script: str = "train.py", *, off_at: int = 0, rate: float = 0.01, seed: str = ""
) -> None:
    """Write the tape of a few steps of SGD on w: loss = ((w * x) ** 2).sum().

    Args:
        path: where it goes.
        iterations: how many.
        script: what it is called.
        off_at: the iteration from which on zero_grad is switched off; 0: never. With enough iterations the loss then
            becomes infinite and NaN.
        rate: learning rate.
        seed: what ``--seed`` gave.
    """
    source = (
        "w = tensor([1.0, 2.0], requires_grad=True)\nfor _ in range(3):\n    optimizer.zero_grad()\n    y = w * x\n"
        "    z = y ** 2\n    loss = z.sum()\n    loss.backward()\n    optimizer.step()\n"
    )
    with Autograd(path, script, source) as tape:
        tape.set_run(seed=seed)
        w = tape.leaf("w", [1.0, 2.0], line=1)
        x = tape.constant("x", [3.0, 0.5])
        for iteration in range(1, iterations + 1):
            if iteration == off_at:
                tape.intervene("zero_grad", "off")
            w = one_iteration(tape, w, x, rate, max(0, iteration - off_at + 1) if off_at else 0)
        tape.end()


@written_once
def watched(path: Path, iterations: int = 100, script: str = "train.py") -> None:
    """Write the tape of a training of which only iterations 1 to 3 and the last three are recorded in full."""
    with Autograd(path, script, "# most of it was only watched\n") as tape:
        w = tape.leaf("w", [1.0, 2.0], line=1)
        x = tape.constant("x", [3.0, 0.5])
        for iteration in range(1, iterations + 1):
            if iteration == 4:
                tape.set_depth("watch", "asked for")
            if iteration == iterations - 2:
                tape.take_stock([w])
            if 4 <= iteration < iterations - 2:
                tape.loss("loss", 10.0 / iteration, 7)
                tape.point("grad_norm", "SGD", 1.0 / iteration, tape.step_unseen(0.01, line=8))
            else:
                w = one_iteration(tape, w, x, 0.01, 0)
        tape.end()


def one_iteration(tape: Autograd, w: Variable, x: Variable, rate: float, suppressed: int) -> Variable:
    """Write an iteration of the training in full, and return w with its new value."""
    seq = tape.zero_grad([w], is_suppressed=suppressed > 0, line=3)
    if suppressed:
        tape.point("suppressed", "zero_grad", suppressed, seq)
    product = [a * b for a, b in zip(w.numbers, x.numbers, strict=True)]
    y = tape.op("Tensor.mul", "MulBackward0", [w, x], product, name="y", line=4, jacobians=[diagonal(x.numbers), None])
    squares, slopes = [number * number for number in product], [2 * number for number in product]
    z = tape.op(
        "Tensor.pow", "PowBackward0", [y], squares, name="z", line=5,
        jacobians=[diagonal(slopes)], constants=[("", "2")],
    )  # fmt: skip
    total = sum(squares[1:], squares[0])
    loss = tape.op(
        "Tensor.sum", "SumBackward0", [z], [total], (), name="loss", line=6, saves=False, jacobians=[[1.0, 1.0]]
    )
    tape.backward(loss, line=7)
    return tape.step([w], rate, line=8)[0]


def big(path: Path, nodes: int = 100_000, events: int = 1_000_000) -> None:
    """Write a long tape fast: one chain of so many nodes, forward and backward, then small iterations up to ``events``.

    Its values are single numbers, its names are ``x``; it is made for measuring, not for reading.
    """
    with Autograd(path, "big.py", "# made for measuring\n") as tape:
        leaf = tape.leaf("w", [1.0], (), line=1)
        _chain(tape, leaf, nodes)
        while tape.head < events - 1:
            tape.iteration += 1
            _chain(tape, leaf, 10)
        tape.end()


def _chain(tape: Autograd, leaf: Variable, length: int) -> None:
    """Write a chain of additions and its backward, row by row, without values but one."""
    one = '[0,null,false,null,0,[[],"float32",0,null,""]]'
    data = b"\0\0\x80?"
    write = tape.writer
    place = (1, 2, 2, 0, 5)
    first, below = len(tape.nodes) + 1 if not tape.writer.head > 1 else tape.writer.head * 2, tape.leaves[leaf.id]
    before = leaf.id
    for node in range(first, first + length):
        seq, tensor = write.head + 1, node
        seen = one.replace("[0,", f"[{before},", 1)
        made = one.replace("[0,", f"[{tensor},", 1).replace("null,0,", f"{node},0,", 1)
        write.node(node, "AddBackward0", seq, "builtin", False, None, [(below, 0), (None, 0)])
        detail = f'["Tensor.add",[{seen}],[{made}],[["","%0"],["","1"]],[{node}],false]'
        write.event("op", "AddBackward0", place, detail, data, iteration=tape.iteration, node=node)
        write.tensor(tensor, seq, node, 0)
        if length < 100:
            write.name(tensor, seq, "x")
        below, before = node, tensor
        _spill(tape)
    _run_chain(tape, list(range(first + length - 1, first - 1, -1)), tape.leaves[leaf.id], one, data)


def _run_chain(tape: Autograd, nodes: list[int], last: int, one: str, data: bytes) -> None:
    place, write = (1, 3, 3, 0, 12), tape.writer
    root = one.replace("null,0,", f"{nodes[0]},0,", 1)
    detail = f'["backward",[{root}],[null],false,false,null,{[*nodes, last]}]'
    facts = {"iteration": tape.iteration, "phase": "backward"}
    start = write.event("backward_start", "backward", place, detail, data, **facts)  # type: ignore[arg-type]
    tape.point("loss", "x", 1.0 / tape.iteration, start, 3)
    probe = '[1,1,"float32",0,""],[0,0,"float32",null,"no gradient is wanted"]'
    for node in nodes:
        begun = f"[{start},[{one}],[{probe}]]"
        seq = write.event("node_start", "AddBackward0", place, begun, data, node=node, **facts)  # type: ignore[arg-type]
        write.event("node", "AddBackward0", place, f"[{seq},[{one},null]]", data, node=node, **facts)  # type: ignore[arg-type]
        _spill(tape)
    added = '[[],"float32",0,null,""]'
    write.event("node_start", "AccumulateGrad", place, f"[{start},[{one}],[]]", data, node=last, **facts)  # type: ignore[arg-type]
    detail = f'[1,"w",null,{added},{added},{start}]'
    seq = write.event("accumulate", "w", place, detail, data, node=last, **facts)  # type: ignore[arg-type]
    write.grad(1, seq, 1, tape.iteration)
    write.event("backward_end", "backward", place, f'[{start},[],""]', None, **facts)  # type: ignore[arg-type]


def _spill(tape: Autograd) -> None:
    if tape.writer.pending >= 5000:
        tape.commit()
