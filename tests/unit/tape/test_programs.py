"""What C says of conditions: "it cannot hold here" only where the condition does not hold and makes sense."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from random import Random

import pytest

from gradb.tape.conditions.condition import condition_of
from gradb.tape.conditions.event_names import EventNames
from gradb.tape.conditions.newest import Newest
from gradb.tape.conditions.program import program_of
from gradb.tape.kinds import (
    accumulate,
    backward_end,
    backward_start,
    depth,
    grad_change,
    leaf,
    node,
    node_start,
    op,
    output,
    step,
    zero_grad,
)  # fmt: skip
from gradb.tape.kinds.buffer import write_buffer
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.registry import CODES, Kind
from gradb.tape.kinds.tensor import write_head, write_tensor
from gradb.tape.parts import parted
from gradb.tape.stops import Stop
from gradb.tape.values import PARTS, element_size
from gradb.tape.wire import Blob, dumps, write_form, write_stats, write_summary, write_unkept, write_whole
from gradb.tracer.native.loading import sift
from tests.properties import dice

NAMES = ["x", "y", "layer1.weight", "layer2.weight", "a[0]", "é\"'", "weight", "upstream", None]
DTYPES = ["float32", "float32", "float64", "float16", "bfloat16", "int64", "int8", "uint8", "bool", "complex64"]
SHAPES = [[], [1], [2], [3], [2, 3], [1, 1], [0], [2, 1, 2], [40]]
NUMBERS = [0.0, -0.0, 1.0, -2.5, 3.0, 0.1, 1e-30, 1e30, math.inf, -math.inf, math.nan]
CODES_OF = {"float64": "d", "float32": "f", "float16": "e", "int64": "q", "int8": "b", "uint8": "B", "bool": "?"}
ODD = 0.1
"""How often a value may not be finite."""


def some_number(chance: Random) -> float:
    number = chance.choice(NUMBERS[:8] if chance.random() > ODD else NUMBERS)
    return number if chance.random() < 0.6 else chance.uniform(-10, 10)


def some_bytes(chance: Random, dtype: str, count: int) -> bytes:
    """Return elements of a dtype."""
    if dtype in PARTS:
        return some_bytes(chance, PARTS[dtype], 2 * count)
    numbers = [some_number(chance) for _ in range(count)]
    if dtype == "bfloat16":
        return b"".join(struct.pack("<f", number)[2:] for number in numbers)
    if dtype.startswith("float"):
        bound = 6e4 if dtype == "float16" else 3e38
        fitting = [max(-bound, min(bound, number)) if math.isfinite(number) else number for number in numbers]
        return struct.pack(f"<{count}{CODES_OF[dtype]}", *fitting)
    size = element_size(dtype) or 1
    if dtype == "bool":
        return bytes(chance.randint(0, 1) for _ in range(count))
    known = [b"\0" * size, b"\x01" + b"\0" * (size - 1), b"\xff" * size, b"\0" * (size - 1) + b"\x80"]
    return b"".join(chance.choice([*known, chance.randbytes(size)]) for _ in range(count))


def some_value(chance: Random, blob: Blob) -> str:
    """Return ``V``: kept whole, by its statistics, or not at all."""
    shape, dtype = chance.choice(SHAPES), chance.choice(DTYPES)
    how = chance.random()
    if how < 0.75:
        return write_whole(write_form(shape, dtype), blob.add(some_bytes(chance, dtype, math.prod(shape))))
    if how > 0.97:
        return write_unkept(shape, dtype, "sparse")
    low, high = sorted(chance.uniform(-10, 10) for _ in range(2))
    bounds = [None, None] if chance.random() < 0.1 else [low, low] if chance.random() < 0.1 else [low, high]
    counts = [chance.randint(0, 2) if chance.random() < 0.2 else 0 for _ in range(3)]
    told = [*bounds, chance.choice([None, some_number(chance)]), chance.choice([None, chance.uniform(0, 50)]), *counts]
    numbers = dumps(told)[1:-1]
    return write_summary(write_form(shape, dtype), write_stats(numbers, blob.add(struct.pack("<d", 1.0)), 1, None))


def some_tensor(chance: Random, blob: Blob) -> str:
    """Return ``T``."""
    head = write_head(chance.randint(0, 9), chance.choice(NAMES))
    return write_tensor(head, chance.random() < 0.5, chance.choice([None, 4]), 0, some_value(chance, blob))


def some_tensors(chance: Random, blob: Blob, most: int = 3, nulls: bool = False) -> str:
    return ",".join(
        "null" if nulls and chance.random() < 0.2 else some_tensor(chance, blob) for _ in range(chance.randint(0, most))
    )


def some_values(chance: Random, blob: Blob, count: int) -> str:
    return ",".join("null" if chance.random() < 0.2 else some_value(chance, blob) for _ in range(count))


def some_buffers(chance: Random, blob: Blob) -> list[str]:
    names = [chance.choice(NAMES) or "leaf #3" for _ in range(chance.randint(0, 3))]
    pairs = [(some_values(chance, blob, 1), some_values(chance, blob, 1)) for _ in names]
    return [
        write_buffer(tensor=3, parameter=name, before=before, after=after)
        for name, (before, after) in zip(names, pairs, strict=True)
    ]


def some_step(chance: Random, blob: Blob) -> str:
    count = chance.randint(0, 3)
    size = step.Size(chance.uniform(0, 1), chance.choice([0.0, 3.0])) if chance.random() < 0.7 else None
    return step.write(
        optimizer="SGD", learning_rates=[0.1], parameters=",".join(some_tensor(chance, blob) for _ in range(count)),
        before=some_values(chance, blob, count), gradients=some_values(chance, blob, count),
        groups=[0] * count, size=size, skipped=chance.choice(["", "inf in [weight"]),
    )  # fmt: skip


def some_detail(chance: Random, kind: str, blob: Blob) -> str:
    """Return the wire form of an event."""

    def tensors() -> str:
        return some_tensors(chance, blob)

    match kind:
        case "op":
            return op.write(
                function='"Tensor.mul"', inputs=tensors(), outputs=tensors(), arguments='["","]"]', nodes=[4],
                is_inplace=False,
            )  # fmt: skip
        case "leaf":
            return leaf.write(tensor=some_tensor(chance, blob), how="torch.tensor")
        case "backward_start":
            return backward_start.write(
                call="backward", roots=tensors(), gradients=some_tensors(chance, blob, nulls=True), retain_graph=False,
                create_graph=False, inputs=chance.choice([None, tensors()]), nodes=[4, 5], outer=0, ends=[],
            )  # fmt: skip
        case "backward_end":
            return backward_end.write(start=1, results=some_tensors(chance, blob, nulls=True), error="")
        case "node_start":
            return node_start.write(backward=1, upstream=some_tensors(chance, blob, nulls=True), probes="[]")
        case "node":
            return node.write(start=1, downstream=some_tensors(chance, blob, nulls=True))
        case "accumulate":
            before, added, after = (some_values(chance, blob, 1) for _ in range(3))
            name = chance.choice(NAMES) or "leaf #3"
            return accumulate.write(tensor=3, parameter=name, before=before, added=added, after=after, backward=1)
        case "zero_grad":
            return zero_grad.write(idiom="grad = None", cleared=some_buffers(chance, blob))
        case "grad_change":
            buffers = some_buffers(chance, blob)
            return grad_change.write(by="clip_grad_norm_", changed=buffers, norm_before=1.0, norm_after=None)
        case "step":
            return some_step(chance, blob)
        case "depth":
            count = chance.randint(0, 2)
            leaves = ",".join(some_tensor(chance, blob) for _ in range(count))
            return depth.write(depth="full", reason="asked", leaves=leaves, gradients=some_values(chance, blob, count))
    return output.write(stream="stdout", text="x\n")


KINDS: list[Kind] = [
    "op", "leaf", "backward_start", "backward_end", "node_start", "node", "accumulate", "zero_grad", "grad_change",
    "step", "depth", "output",
]  # fmt: skip
PATHS = ["x", "y", "weight", "layer1.weight", "tensor('layer2.weight')", "a[0]", "a[1]", "x[0]", "x[1][0]",
         "nothing", "tensor('upstream')", "x.shape", "weight.grad", "x.grad", "layer1.weight.grad",
         "x.grad[0]", "a[0].grad"]  # fmt: skip
WORDS = ["upstream", "downstream", "upstream[0]", "downstream[1]", "upstream.grad", "loss", "grad_norm", "update",
         "iteration", "event.line", "event.node", "event.seq", "event.iteration", "event.function"]  # fmt: skip
TEXTS = ["event.kind", "event.name", "event.scope", "phase", "'op'", "'MulBackward0'", "'backward'"]


def some_operand(chance: Random, deep: int) -> str:
    """Return an expression that is a number or a value, mostly."""
    how = chance.random()
    if deep <= 0 or how < 0.35:
        return chance.choice([*PATHS, *WORDS])
    if how < 0.5:
        return chance.choice(["0", "1", "2.5", "-1", "1e-30", "1e300", "nan", "inf", "None", "True", "10", "'x'"])
    if how < 0.8:
        name = chance.choice(["norm", "norm", "min", "max", "sum", "mean", "abs"])
        count = chance.randint(1, 3) if name in {"min", "max"} else 1
        return f"{name}({', '.join(some_operand(chance, deep - 1) for _ in range(count))})"
    if how < 0.95:
        return f"({some_operand(chance, deep - 1)} {chance.choice('+-*/')} {some_operand(chance, deep - 1)})"
    return f"(-{some_operand(chance, deep - 1)})"


def some_condition(chance: Random, deep: int = 2) -> str:
    """Return an expression that is true or false, mostly."""
    how = chance.random()
    if how < 0.25 and deep > 0:
        return f"({some_condition(chance, deep - 1)} {chance.choice(['and', 'or'])} {some_condition(chance, deep - 1)})"
    if how < 0.3:
        return f"not {some_condition(chance, deep - 1)}"
    if how < 0.35:
        return f"{chance.choice(TEXTS)} {chance.choice(['==', '!='])} {chance.choice(TEXTS)}"
    if how < 0.4:
        return f"{some_operand(chance, 1)} {chance.choice(['is', 'is not'])} None"
    if how < 0.44:
        return some_operand(chance, deep)
    if how < 0.5:
        return f"{some_operand(chance, 0)} < {some_operand(chance, deep)} <= {some_operand(chance, 1)}"
    relation = chance.choice([">", ">", "<", ">=", "<=", "==", "!="])
    return f"{some_operand(chance, deep)} {relation} {some_operand(chance, deep)}"


def some_event(chance: Random) -> tuple[Event, str, bytes | None]:
    """Return header, wire form and data of an event."""
    kind, blob = chance.choice(KINDS), Blob()
    if chance.random() < 0.3:
        blob.add(b"\0")  # so that elements do not lie where the machine would have them
    detail = some_detail(chance, kind, blob)
    header = Event(
        7, kind, "MulBackward0", "s.py", chance.choice([None, 3]), 3, 0, 4, "layer1", chance.randint(0, 3), "backward",
        chance.choice([None, 4]), 0,
    )  # fmt: skip
    return header, detail, blob.join()


def holds(condition: str, event: Event, detail: str, data: bytes | None, points: Newest) -> bool:
    """Ask Python; what has to be told as a fault counts too."""
    try:
        return condition_of(condition).holds(EventNames(event, points, lambda: (detail, data), lambda seq: None))
    except Exception:
        return True


def passes(condition: str, event: Event, detail: str, data: bytes | None, points: Newest) -> bool:
    """Ask C."""
    ask = sift()
    if ask is None:
        pytest.skip("there is no accelerator")
    sieve = parted((Stop("kind", event.kind, condition=condition),), None, points)
    place = (1, event.line, 3, 0, 4)
    return ask(
        sieve, event.seq, CODES[event.kind], event.kind, event.name, place, event.scope, event.iteration, event.phase,
        event.node, event.flags, detail, data,
    )  # fmt: skip


def some_points(chance: Random) -> Newest:
    points = Newest()
    for name in ("loss", "grad_norm"):
        if chance.random() < 0.7:
            points.add(name, 0, 3, some_number(chance))
    return points


def test_what_c_keeps_back_does_not_hold() -> None:
    """Whatever the event and the condition: where Python's answer is yes, or a fault, C lets it pass."""
    told = kept = 0
    for chance in dice(2):
        for _ in range(25):
            event, detail, data = some_event(chance)
            condition, points = some_condition(chance), some_points(chance)
            try:
                condition_of(condition)
            except Exception:
                continue
            is_passing = passes(condition, event, detail, data, points)
            if holds(condition, event, detail, data, points):
                assert is_passing, (condition, event, detail, data)
            else:
                told, kept = told + 1, kept + (not is_passing)
    assert kept > 0.5 * told


V = '[[2],"float32",0,null,""]'
DATA = struct.pack("<2f", 3, -4)
DETAILS: dict[Kind, str] = {
    "op": f'["Tensor.mul",[[3,"x",true,null,0,{V}]],[[4,"layer1.weight",true,4,0,{V}]],[],[4],false]',
    "accumulate": f'[3,"layer1.weight",null,{V},{V},1]',
    "node_start": f"[1,[[0,null,false,null,0,{V}]],[]]",
    "node": f"[1,[[0,null,false,null,0,{V}]]]",
    "step": f'["SGD",[0.1],[[3,"w",true,null,0,{V}]],[{V}],[{V}],[0],false,"",null,[0.5,2.0]]',
}


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        ("op", "norm(x)", 5), ("op", "max(weight)", 3), ("op", "min(abs(x))", 3), ("op", "sum(x)", -1),
        ("op", "mean(layer1.weight)", -0.5), ("op", "x[1]", -4), ("op", "-x[0] / 2 + 1", -0.5), ("op", "iteration", 2),
        ("accumulate", "norm(weight.grad)", 5), ("accumulate", "max(upstream)", 3), ("node_start", "norm(upstream)", 5),
        ("node", "max(abs(downstream))", 4), ("step", "update", 0.25), ("step", "norm(w.grad)", 5), ("op", "loss", 7),
        ("op", "max(loss, norm(x))", 7), ("op", "event.line", 3),
    ],
)  # fmt: skip
def test_c_knows_a_number_by_its_edges(kind: Kind, value: str, number: float) -> None:
    """What is a little more or less than the number cannot hold, what is a little beside that may."""
    header = Event(7, kind, "Mul", "s.py", 3, 3, 0, 4, "", 2, "forward", 4, 0)
    points = Newest()
    points.add("loss", 0, 3, 7.0)
    over, under = number + 1e-6, number - 1e-6
    for condition, may_hold in (
        (f"{value} > {over!r}", False), (f"{value} > {under!r}", True), (f"{value} < {under!r}", False),
        (f"{value} < {over!r}", True), (f"{value} == {over!r}", value in {"loss", "x[1]"}),
        (f"{value} == {number}", True), (f"{value} is None", False),
    ):  # fmt: skip
        assert passes(condition, header, DETAILS[kind], DATA, points) is may_hold, condition


def test_a_fault_that_was_told_holds_nothing_up() -> None:
    """A condition that makes no sense passes until that was told: not any more then, and another one still does."""
    ask = sift()
    if ask is None:
        pytest.skip("there is no accelerator")
    condition = "x > 1"
    for told, is_passing in ((frozenset[str](), True), (frozenset({condition}), False), (frozenset({"y > 1"}), True)):
        sieve = parted((Stop("kind", "op", condition=condition),), None, None, None, told)
        place = (1, 3, 3, 0, 4)
        asked = ask(sieve, 7, CODES["op"], "op", "Mul", place, "", 1, "forward", 4, 0, DETAILS["op"], DATA)
        assert asked is is_passing


def test_what_no_program_can_tell_has_none() -> None:
    """A condition that is nothing but what C does not look into is left to Python, as one that is too deep."""
    assert program_of(condition_of("event.function == 'x' or 1 in [2]").expression) is not None
    assert program_of(condition_of("event.inputs").expression) is None
    deep = " + ".join(["(x"] * 40) + ")" * 40
    assert program_of(condition_of(f"{deep} > 1").expression) is None


def test_header_of_another_line() -> None:
    """A stop at a line of another file is told by the place, once the file is known."""
    stop = Stop("at", "other.py:3")
    sieve = parted((stop,), None, None, lambda number: {1: "dir/s.py", 2: "dir/other.py"}.get(number or 0))
    assert not sieve.passes(7, "op", "Mul", (1, 3, 3, 0, 4), "", 1, 0)
    assert sieve.passes(7, "op", "Mul", (2, 3, 3, 0, 4), "", 1, 0)
    assert not sieve.passes(7, "op", "Mul", (2, 4, 4, 0, 4), "", 1, 0)
    assert not replace(stop, argument="s.py:4").matches(some_event(Random(1))[0], None)
