"""The JSON contract: every event and pane is true JSON with the fields that are promised."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradb.algebra.local import Local
from gradb.frame.frame import RunInfo
from gradb.frame.reader import Tape
from gradb.present.draw.files import relative
from gradb.present.json.events import event_json
from gradb.present.json.values import local_json, number_json, value_json
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.values import Stats, TensorValue
from tests.fakes import TapeBuilder
from tests.fakes.examples import training
from tests.fakes.packing import value
from tests.properties import positions
from tests.unit.present.conftest import OpenExample

COMMON = {"seq", "kind", "name", "file", "line", "library", "scope", "iteration"}
STRUCTURES = {"scalar", "diagonal", "sum", "selection", "dense", "unknown"}
NAMES = ["chain_rule", "accumulation", "small_diamond", "nonfinite", "training"]


def objects(example: OpenExample, name: str) -> list[dict[str, Any]]:
    """Return the events of an example as read back from their JSON lines."""
    tape = example(name)
    return [json.loads(json.dumps(event_json(tape, event), allow_nan=False)) for event in tape.events()]


@pytest.mark.parametrize("name", NAMES)
def test_every_event_keeps_the_contract(example: OpenExample, name: str) -> None:
    """Each has the common fields; nodes have edges with one of the six structures."""
    for found in objects(example, name):
        assert found.keys() >= COMMON
        if found["kind"] == "node":
            assert found.keys() >= {"node", "upstream", "contributions", "edges"}
            for edge in found["edges"]:
                assert edge.keys() >= {"to", "to_name", "local", "downstream", "check"}
                assert edge["local"]["structure"] in STRUCTURES
                assert edge["local"].keys() >= {"values", "math", "pytorch"}


@pytest.mark.parametrize("name", NAMES)
def test_every_pane_is_json(example: OpenExample, name: str) -> None:
    """Each pane at each position can be printed as strict JSON: where many positions are alike, at every tenth part."""
    tape = example(name)
    for position in positions(tape.head, 0.6):
        for pane in PANES:
            shown = json.loads(json.dumps(pane_json(pane, tape.frame(position)), allow_nan=False))
            assert (shown["pane"], shown["position"]) == (pane, position)


def test_the_numbers_of_the_example(example: OpenExample) -> None:
    """The walk of the chain rule example, in JSON."""
    found = objects(example, "chain_rule")
    power = next(one for one in found if one["kind"] == "node" and one["name"] == "PowBackward0")
    (edge,) = power["edges"]
    assert power["upstream"] == [{"shape": [4], "dtype": "float32", "values": [1, 1, 1, 1]}]
    assert edge["local"]["structure"] == "diagonal"
    assert edge["local"]["values"] == edge["downstream"]["values"] == [14, 18, 22, 26]
    assert edge["local"]["math"] == "∂d/∂c = 2·c"
    assert edge["local"]["pytorch"] == "pow_backward(grad, self, exponent)"
    assert edge["check"]["ok"] is True
    times = next(one for one in found if one["kind"] == "op")
    assert times["nodes"][0]["name"] == "MulBackward0"
    assert times["outputs"] == [{"name": "b", "shape": [4], "dtype": "float32", "values": [2, 4, 6, 8]}]
    filled = next(one for one in found if one["kind"] == "accumulate")
    assert (filled["parameter"], filled["before"]) == ("a", None)
    assert filled["added"]["values"] == filled["after"]["values"] == [28, 36, 44, 52]


def test_the_chain_pane_has_the_step(example: OpenExample) -> None:
    """At an optimizer step its values are there, elsewhere there is none."""
    tape = example("training")
    step = next(event.seq for event in tape.events() if event.kind == "step")
    shown = pane_json("chain", tape.frame(step))["step"]
    assert (shown["optimizer"], shown["learning_rates"], shown["groups"]) == ("SGD", [0.01], [0])
    assert shown["before"][0]["values"] == [1, 2]
    assert shown["gradients"][0]["values"] == [18, 1]
    assert pane_json("chain", tape.frame(step - 1))["step"] is None


def test_buffers_say_how_old_they_are(tmp_path: Path) -> None:
    """How many accumulations they hold, since when, and whether they are stale."""
    training(tmp_path / "t.tape", 5, off_at=3)
    with Tape.open(tmp_path / "t.tape") as tape:
        starts = [event.seq for event in tape.events() if event.kind == "backward_start"]
        (buffer,) = pane_json("grads", tape.frame(starts[-1]))["grads"]
        assert (buffer["fills"], buffer["since"], buffer["stale"]) == (3, 2, True)
        (fresh,) = pane_json("grads", tape.frame(starts[0]))["grads"]
        assert (fresh["fills"], fresh["since"], fresh["stale"]) == (0, None, False)


def test_an_error_has_type_and_message(example: OpenExample) -> None:
    """The freed graph's error is on its line."""
    (error,) = [one for one in objects(example, "accumulation") if one["kind"] == "error"]
    assert error["type"] == "RuntimeError"
    assert "a second time" in error["message"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (1.5, 1.5),
        (1 + 2j, [1.0, 2.0]),
        (None, None),
        (True, True),
    ],
)
def test_numbers_that_json_lacks_are_strings(given: Any, shown: Any) -> None:
    """NaN and infinities are strings, a complex number is its parts."""
    assert number_json(given) == shown


def test_values_stats_or_a_note() -> None:
    """A tensor has its values, above the limit statistics, else the reason why there is neither."""
    odd = {"nan": 1, "inf": 0, "-inf": 0, "first": [1]}
    plain = {"shape": [2], "dtype": "float32", "values": [1.0, "nan"]}
    assert value_json(value([1.0, math.nan])) == {**plain, "nonfinite": odd}
    assert value_json(value([1.0, 2.0])) == {**plain, "values": [1.0, 2.0]}
    kept = Stats(0.0, 1.0, math.inf, 0, 1, 0, (0.5,), norm=math.inf)
    told = {"min": 0.0, "max": 1.0, "mean": "inf", "norm": "inf", "nan": 0, "inf": 1, "-inf": 0, "corner": [0.5]}
    large = value_json(TensorValue((2000,), "float32", stats=kept))
    assert large is not None
    assert "values" not in large
    assert large["stats"] == told
    for norm in (7.5, None):  # of a tape of an older format it is not known
        finite = value_json(TensorValue((2000,), "float32", stats=replace(kept, mean=0.5, posinf=0, norm=norm)))
        assert finite is not None
        assert finite["stats"]["norm"] == norm
    assert value_json(TensorValue((3,), "float32", note="sparse_coo")) == {
        "shape": [3],
        "dtype": "float32",
        "note": "sparse_coo",
    }


@pytest.mark.parametrize(
    ("local", "structure", "values"),
    [
        (Local("identity", 4, 4, ()), "scalar", [1.0]),
        (Local("zero", 4, 4, ()), "scalar", [0.0]),
        (Local("zero", 1, 2, ()), "dense", [0.0, 0.0]),
        (Local("sum", 1, 4, (0.25,)), "sum", [0.25]),
        (Local("unknown", 0, 0, None, "too large"), "unknown", None),
    ],
)
def test_locals_have_one_of_six_structures(local: Local, structure: str, values: list[float] | None) -> None:
    """Ones and zeros for every element are scalars of the contract."""
    shown = local_json(local)
    assert (shown["structure"], shown["values"]) == (structure, values)


def test_files_are_relative(example: OpenExample) -> None:
    """A file is named as given, or from the working directory; elsewhere by its whole path."""
    run: RunInfo = replace(example("chain_rule").run, script="a/train.py", cwd="/home/me")
    assert relative("/home/me/a/train.py", run) == "a/train.py"
    assert relative("/home/me/lib.py", run) == "lib.py"
    assert relative("/opt/x.py", run) == "/opt/x.py"
    assert relative(None, run) is None


def test_no_pane_of_that_name(example: OpenExample) -> None:
    """An unknown pane is refused."""
    with pytest.raises(KeyError):
        pane_json("nothing", example("chain_rule").frame(0))


def test_an_event_has_the_library_s_place_beside_the_script_s(tmp_path: Path) -> None:
    """Where a library did something for the script, both places are there."""
    with TapeBuilder(tmp_path / "inside.tape") as builder:
        builder.leaf("a", [1.0], line=3)
        seq = builder.head
        file = builder.writer.source("/usr/lib/python3/site-packages/lightning/fit.py", None)
        builder.writer.libraries.append((seq, file, 12))
        builder.leaf("b", [1.0], line=4)
    with Tape.open(tmp_path / "inside.tape") as tape:
        places = [(one["line"], one["library"]) for one in (event_json(tape, event) for event in tape.events())]
    assert places == [(3, "lightning/fit.py:12"), (4, None)]


def test_a_buffer_that_was_never_cleared_says_so(example: OpenExample) -> None:
    """As the pane does in words."""
    tape = example("training")
    frame = tape.frame(tape.head)
    told = replace(frame.grads[0], is_stale=True, is_never_cleared=True)
    shown = pane_json("grads", replace(frame, grads=(told,)))["grads"][0]
    assert (shown["stale"], shown["never_cleared"]) == (True, True)
