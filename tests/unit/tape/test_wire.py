from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gradb.tape.kinds.accumulate import AccumulateDetail
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.breakpoint import BreakpointDetail
from gradb.tape.kinds.buffer import BufferChange
from gradb.tape.kinds.depth import DepthDetail
from gradb.tape.kinds.end import EndDetail
from gradb.tape.kinds.error import ErrorDetail
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.kinds.jacobian import Axis, Probe
from gradb.tape.kinds.leaf import LeafDetail
from gradb.tape.kinds.loss import LossDetail
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.node_start import NodeStartDetail
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.output import OutputDetail
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart, PrintedTensor
from gradb.tape.kinds.probe import ProbeDetail
from gradb.tape.kinds.registry import SPECS, Detail, Kind, decode
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.values import Stats, TensorValue
from gradb.tape.wire import WireError, read_value
from tests.fakes import pack
from tests.fakes.wire import encode
from tests.properties import tried

words = st.text(st.characters(codec="utf-8"), max_size=12)
small = st.integers(0, 2**40)
maybe_small = st.none() | small
finite = st.floats(allow_nan=False)


@st.composite
def kept_values(draw: st.DrawFn) -> TensorValue:
    """Draw a value stored whole."""
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    dtype = draw(st.sampled_from(["float32", "float64", "bfloat16", "int64", "bool", "complex64"]))
    count = math.prod(shape)
    numbers = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    return TensorValue(shape, dtype, pack(numbers, dtype), None, draw(words))


@st.composite
def large_values(draw: st.DrawFn) -> TensorValue:
    """Draw a value of which statistics are kept."""
    corner = tuple(draw(st.lists(finite, max_size=4)))
    counts = draw(small), 0, draw(small), corner, draw(st.none() | small)
    stats = Stats(draw(st.none() | finite), draw(st.none() | finite), draw(finite), *counts, draw(st.none() | finite))
    return TensorValue(tuple(draw(st.lists(small, max_size=4))), "float32", None, stats)


values = kept_values() | large_values() | st.builds(TensorValue, st.just((2, 2)), words, note=words)
maybe_values = st.none() | values
tensors = st.builds(Tensor, small, st.none() | words, values, st.booleans(), maybe_small, st.integers(0, 9))
probes = st.builds(
    lambda rows, columns, note: Probe(rows, columns, "float32", pack([1.5] * (rows * columns)), note),
    st.integers(0, 4),
    st.integers(0, 4),
    words,
) | st.builds(
    Probe, small, small, words, st.none(), words, direction=st.none() | st.tuples(*[st.floats(-1e9, 1e9)] * 3)
)
axes = st.builds(Axis, st.lists(st.integers(0, 3), max_size=2).map(tuple), st.booleans())


@st.composite
def measured(draw: st.DrawFn) -> Probe:
    """Draw a probe that says what its rows and columns run over."""
    outputs, wanted = tuple(draw(st.lists(axes, max_size=2))), draw(axes)
    rows = sum(axis.size for axis in outputs)
    data, noise = pack([1.5] * (rows * wanted.size), "float64"), draw(st.floats(0, 1e300))
    return Probe(rows, wanted.size, "float64", data, "", outputs, wanted, noise)


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return a strategy for short tuples."""
    return st.lists(strategy, max_size=2).map(tuple)


DETAILS: dict[Kind, st.SearchStrategy[Detail]] = {
    "leaf": st.builds(LeafDetail, tensors, words),
    "op": st.builds(
        OpDetail,
        words,
        several(tensors),
        several(tensors),
        several(st.tuples(words, words)),
        several(small),
        st.booleans(),
        maybe_small,
    ),
    "aten": st.builds(
        AtenDetail,
        small,
        small,
        words,
        several(tensors),
        several(tensors),
        several(st.tuples(words, words)),
        st.booleans(),
    ),
    "backward_start": st.builds(
        BackwardStartDetail,
        words,
        several(tensors),
        several(st.none() | tensors),
        st.booleans(),
        st.booleans(),
        st.none() | several(tensors),
        several(small),
    ),
    "node_start": st.builds(NodeStartDetail, small, several(st.none() | tensors), several(probes | measured())),
    "node": st.builds(NodeDetail, small, several(st.none() | tensors), maybe_small),
    "probe": st.builds(
        ProbeDetail,
        small,
        words,
        small,
        small,
        several(probes | measured()),
        several(maybe_values),
        several(maybe_values),
        several(maybe_values),
        several(maybe_values),
        st.booleans(),
        words,
    ),
    "accumulate": st.builds(
        AccumulateDetail, small, words, maybe_values, maybe_values, maybe_values, small, maybe_small
    ),
    "hook": st.builds(
        HookDetail,
        *[words] * 3,
        small,
        st.integers(0, 9),
        st.booleans(),
        st.booleans(),
        several(st.none() | tensors),
        several(st.none() | tensors),
        small,
        st.booleans(),
        words,
    ),
    "backward_end": st.builds(BackwardEndDetail, small, several(st.none() | tensors), words),
    "zero_grad": st.builds(
        ZeroGradDetail, words, several(st.builds(BufferChange, small, words, maybe_values, maybe_values))
    ),
    "grad_change": st.builds(
        GradChangeDetail,
        words,
        several(st.builds(BufferChange, small, words, maybe_values, maybe_values)),
        st.none() | finite,
        st.none() | finite,
    ),
    "step": st.builds(StepDetail, words, several(finite), several(tensors)),
    "loss": st.builds(LossDetail, st.lists(st.tuples(words, finite), min_size=1, max_size=3).map(tuple)),
    "intervention": st.builds(InterventionDetail, words, words, words),
    "depth": st.builds(DepthDetail, words, words),
    "output": st.builds(OutputDetail, words, words),
    "error": st.builds(ErrorDetail, words, words, words, st.booleans()),
    "note": st.builds(NoteDetail, words),
    "end": st.builds(EndDetail, maybe_small, maybe_small, words),
    "breakpoint": st.builds(BreakpointDetail, words),
    "print": st.builds(
        PrintDetail,
        words,
        words,
        several(
            st.builds(
                PrintedPart,
                words,
                words,
                words,
                st.none() | st.builds(PrintedTensor, values, words, st.booleans(), words),
            )
        ),
        words,
        words,
        several(words),
        several(words),
    ),
}


def test_every_kind_is_tried() -> None:
    """What follows is said of every kind of event."""
    assert set(DETAILS) == set(SPECS)


@pytest.mark.parametrize("kind", DETAILS)
@given(data=st.data())
def test_every_detail_comes_back(kind: Kind, data: st.DataObject) -> None:
    """What is encoded comes back equal, for every kind of event."""
    detail = data.draw(DETAILS[kind])
    text, blob = encode(detail)
    assert decode(kind, text, blob) == detail


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(words, inner, max_size=3),
    max_leaves=20,
)


@tried(2.4)
@given(wire=json_values, data=st.binary(max_size=40))
def test_strange_json_is_refused_or_read(wire: object, data: bytes) -> None:
    """Whatever JSON a detail of any kind holds, the reader says WireError or reads it: nothing else."""
    text = json.dumps(wire)
    for kind in SPECS:
        with suppress(WireError):
            decode(kind, text, data)


@pytest.mark.parametrize("kind", DETAILS)
@tried(0.8)
@given(data=st.data())
def test_a_damaged_detail_is_refused_or_read(kind: Kind, data: st.DataObject) -> None:
    """One item replaced anywhere in a sound detail gives a WireError or a detail: nothing else."""
    text, blob = encode(data.draw(DETAILS[kind]))
    wire = json.loads(text)
    at: Any = wire
    while True:
        index = data.draw(st.integers(0, len(at) - 1))
        if not (isinstance(at[index], list) and at[index] and data.draw(st.booleans())):
            break
        at = at[index]
    at[index] = data.draw(json_values)
    kept = (blob or b"")[: data.draw(st.integers(0, 50))]
    with suppress(WireError):
        decode(kind, json.dumps(wire), kept)


@pytest.mark.parametrize(
    ("kind", "text", "clause"),
    [
        ("leaf", "not json", "damaged"),
        ("leaf", "[" * 100_000, "damaged"),
        ("dance", "[]", "unknown kind of event 'dance'"),
        ("accumulate", '[1,"a",[[1000000000],"float32",0,null,""],null,null,0]', "outside of its event's data"),
        ("accumulate", '[1,"a",[[1],"float32",-4,null,""],null,null,0]', "outside of its event's data"),
        ("accumulate", '[1,"a",[[-1,-1],"float32",0,null,""],null,null,0]', "not a list of sizes"),
        ("accumulate", '[1,"a",[[1],"float8",0,null,""],null,null,0]', "'float8' cannot be decoded"),
        ("accumulate", f'[1,"a",[{[1] * 65},"float32",0,null,""],null,null,0]', "not a list of sizes"),
        ("node_start", '[1,[],[[-2,-2,"float32",0,""]]]', "a Jacobian has no size"),
        ("node_start", '[1,[],[[1000000,1000000,"float32",0,""]]]', "outside of its event's data"),
        ("node_start", '[1,[],[[1,1,"float8",0,""]]]', "'float8' cannot be decoded"),
        ("accumulate", '[1,"a",[[9],"float32",null,[0,0,0,0,0,0,0,1000000000],""],null,null,0]', "outside of"),
    ],
)
def test_hostile_details_are_named(kind: str, text: str, clause: str) -> None:
    """Each known way to lie about sizes is refused with a clause that names it."""
    with pytest.raises(WireError, match=clause):
        decode(kind, text, b"\0\0\x80?")


@pytest.mark.parametrize(
    ("stats", "norm", "first"),
    [
        ([-1.0, 2.0, 0.5, 0, 0, 0, 0, 1], None, None),
        ([-1.0, 2.0, math.nan, 3, 0, 0, 0, 1, 7], None, 7),
        ([-1.0, 2.0, 0.5, 6.5, 0, 0, 0, 0, 1, None], 6.5, None),
        ([-1.0, 2.0, math.nan, math.nan, 3, 0, 0, 0, 1, 7], math.nan, 7),
    ],
)
def test_statistics_of_every_format_are_read(stats: list[Any], norm: float | None, first: int | None) -> None:
    """Before version 9 there was no norm in them, and the index of what is not finite only where something is not."""
    value = read_value([[2000], "float32", None, stats, ""], pack([0.25], "float64"))
    assert value is not None
    assert value.stats is not None
    assert (value.stats.minimum, value.stats.maximum, value.stats.corner) == (-1.0, 2.0, (0.25,))
    assert (value.stats.nan, value.stats.first) == (3 if first else 0, first)
    assert repr(value.stats.norm) == repr(norm)
