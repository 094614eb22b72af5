"""``gradb record`` and ``gradb events``: the numbers of the scenarios under the JSON contract."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.e2e.gradb_process import gradb, run, without_torch

_EACH = """
import sys
from gradb.cli.main import main
for each in {words}:
    assert not main(each)
sys.exit(main({recording}))
"""
REQUIRED = {"seq", "kind", "name", "file", "line", "scope", "iteration"}


def events(path: Path) -> list[dict[str, Any]]:
    done = gradb("events", path)
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


def of_kind(tape: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in tape if event["kind"] == kind]


def values(tensor: dict[str, Any]) -> list[float]:
    numbers: list[float] = tensor["values"]
    return numbers


def test_every_line_has_the_common_fields(chain_rule_tape: Path) -> None:
    """Each event is one object with the fields that all kinds share, numbered from 1 without gaps."""
    tape = events(chain_rule_tape)
    assert all(event.keys() >= REQUIRED for event in tape)
    assert [event["seq"] for event in tape] == list(range(1, len(tape) + 1))
    assert tape[-1]["kind"] == "end"


def test_forward_of_the_chain_rule(chain_rule_tape: Path) -> None:
    """The leaf and the four ops come in order, with names, inputs, outputs and new nodes."""
    tape = events(chain_rule_tape)
    (leaf,) = of_kind(tape, "leaf")
    assert leaf["name"] == "a"
    ops = [op for op in of_kind(tape, "op") if op["nodes"]]
    names = ["MulBackward0", "AddBackward0", "PowBackward0", "SumBackward0"]
    assert [op["name"] for op in ops] == names
    assert [[node["name"] for node in op["nodes"]][-1] for op in ops] == names
    outputs = [op["outputs"][0] for op in ops]
    assert [output["name"] for output in outputs] == ["b", "c", "d", "out"]
    assert [values(output) for output in outputs] == [[2, 4, 6, 8], [7, 9, 11, 13], [49, 81, 121, 169], [420]]
    assert outputs[0] == {"name": "b", "shape": [4], "dtype": "float32", "values": [2.0, 4.0, 6.0, 8.0]}
    assert ops[1]["inputs"][0]["name"] == "b"


def test_backward_of_the_chain_rule(chain_rule_tape: Path) -> None:
    """Each node holds upstream, local and downstream, and the check agrees."""
    nodes = of_kind(events(chain_rule_tape), "node")
    assert [node["name"] for node in nodes] == ["SumBackward0", "PowBackward0", "AddBackward0", "MulBackward0"]
    upstream = [values(node["upstream"][0]) for node in nodes]
    assert upstream == [[1], [1, 1, 1, 1], [14, 18, 22, 26], [14, 18, 22, 26]]
    downstream = [values(node["edges"][0]["downstream"]) for node in nodes]
    assert downstream == [[1, 1, 1, 1], [14, 18, 22, 26], [14, 18, 22, 26], [28, 36, 44, 52]]
    power = nodes[1]["edges"][0]
    assert power["to_name"] == "AddBackward0"
    assert power["local"]["structure"] == "diagonal"
    assert power["local"]["values"] == [14, 18, 22, 26]
    assert power["local"]["math"]
    assert "pow_backward" in power["local"]["pytorch"]
    assert nodes[1]["contributions"]
    times = nodes[3]["edges"][0]["local"]
    assert (times["structure"], times["values"]) in [("scalar", 2), ("scalar", [2])]


def test_accumulations_add_up(accumulation_tape: Path) -> None:
    """Three backward calls leave 28 36 44 52, then twice and three times that, and the fourth raises."""
    tape = events(accumulation_tape)
    filled = of_kind(tape, "accumulate")
    gradient = [28.0, 36.0, 44.0, 52.0]
    assert [event["parameter"] for event in filled] == ["a", "a", "a"]
    assert [values(event["added"]) for event in filled] == [gradient] * 3
    assert filled[0]["before"] is None
    assert [values(event["before"]) for event in filled[1:]] == [gradient, [56, 72, 88, 104]]
    assert [values(event["after"]) for event in filled] == [gradient, [56, 72, 88, 104], [84, 108, 132, 156]]
    (error,) = of_kind(tape, "error")
    assert error["type"] == "RuntimeError"
    assert "backward through the graph a second time" in error["message"]
    assert error["seq"] > filled[-1]["seq"]


def test_tape_opens_where_torch_is_not_installed(chain_rule_tape: Path, tmp_path: Path) -> None:
    """``show`` and ``events`` print the same in an environment that has no torch."""
    panes = ("source", "graph", "chain", "grads", "output")
    words = [["events", str(chain_rule_tape)]]
    words += [["show", "--at", "10", "--pane", pane, str(chain_rule_tape)] for pane in panes]
    recording = ["record", "-o", str(tmp_path / "x.tape"), "exits.py"]
    there = run(sys.executable, "-c", _EACH.format(words=words, recording=recording), env=without_torch(tmp_path))
    assert there.code == 2
    assert "torch" in there.err
    assert there.err.count("\n") == 1
    assert there.out == "".join(gradb(*each).out for each in words)


def test_panes_print_as_json_too(chain_rule_tape: Path) -> None:
    """``show --json`` prints one JSON object for each pane."""
    for pane in ("source", "graph", "chain", "grads", "output"):
        done = gradb("show", "--at", "16", "--pane", pane, "--json", chain_rule_tape)
        assert (done.code, done.err) == (0, "")
        assert json.loads(done.out)


def test_show_takes_a_script_too(chain_rule_tape: Path) -> None:
    """``show`` records a script first where it is given one, and prints the same as for its tape."""
    command = ("show", "--at", "10", "--pane", "chain")
    live = gradb(*command, "../../../scenarios/chain_rule.py")
    assert (live.code, live.err) == (0, "")
    assert live.out == gradb(*command, chain_rule_tape).out
    assert "[14 18 22 26]" in live.out
