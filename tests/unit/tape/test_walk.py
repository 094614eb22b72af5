from __future__ import annotations

import pytest

from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.tape.kinds.op import OpDetail
from gradb.tape.stops import Stop
from tests.fakes.examples import FREED
from tests.unit.tape.conftest import Opener
from tests.unit.tape.pictures import numbers, rows, states

STATES = {
    1: "+",
    2: "++",
    5: "+++++",
    6: ".....",
    7: ">....",
    8: "*....",
    9: "*>...",
    10: "*x...",
    11: "*x>..",
    12: "*x*..",
    13: "*x*>.",
    14: "*x*x.",
    15: "*x*x>",
    16: "*x*x*",
    17: "*x*x*",
    19: "*x*x*",
}


@pytest.mark.parametrize(("position", "expected"), STATES.items())
def test_states_along_the_chain_rule(chain_rule: Tape, position: int, expected: str) -> None:
    """Nodes are created, pending, running, then done, or freed where they held saved tensors."""
    assert states(chain_rule.frame(position).graph) == expected


def test_the_graph_of_the_chain_rule(chain_rule: Tape) -> None:
    """The graph is drawn from the loss down to the leaf, with the names of variables."""
    assert rows(chain_rule.frame(5).graph) == [
        "SumBackward0 out",
        "| PowBackward0 d",
        "| AddBackward0 c",
        "| MulBackward0 b",
        "| AccumulateGrad a",
    ]


def test_steps_walk_the_issue_example(chain_rule: Tape) -> None:
    """Stepping goes leaf, ops, nodes, accumulation; and back the same way to the start."""
    walked = [0]
    while (found := chain_rule.find(Stop("step"), walked[-1], +1)) is not None:
        walked.append(found)
    assert walked == [0, 1, 2, 3, 4, 5, 8, 10, 12, 14, 16, 19]
    back = [19]
    while (found := chain_rule.find(Stop("step"), back[-1], -1)) is not None:
        back.append(found)
    assert back == walked[::-1]


PRODUCTS = {
    8: ("SumBackward0", [1], "sum", (1,), [1, 1, 1, 1]),
    10: ("PowBackward0", [1, 1, 1, 1], "diagonal", (14, 18, 22, 26), [14, 18, 22, 26]),
    12: ("AddBackward0", [14, 18, 22, 26], "identity", (), [14, 18, 22, 26]),
    14: ("MulBackward0", [14, 18, 22, 26], "scalar", (2,), [28, 36, 44, 52]),
}


@pytest.mark.parametrize(("position", "expected"), PRODUCTS.items())
def test_products_of_the_chain_rule(
    chain_rule: Tape, position: int, expected: tuple[str, list[float], str, tuple[float, ...], list[float]]
) -> None:
    """Each node shows upstream x local = downstream with the issue's numbers, checked."""
    chain = chain_rule.frame(position).chain
    assert chain is not None
    edge = chain.edges[0]
    upstream = numbers(chain.upstream[0])
    assert (chain.node_name, upstream, edge.local.structure, edge.local.values, numbers(edge.downstream)) == expected
    assert edge.check is not None
    assert edge.check.is_ok
    assert edge.check.text == "agrees with the engine"


def test_a_chain_knows_its_forward(chain_rule: Tape) -> None:
    """A record names the op, its inputs and its output by the variables' names."""
    chain = chain_rule.frame(10).chain
    assert chain is not None
    assert isinstance(chain.op, OpDetail)
    assert chain.op.function == "Tensor.pow"
    assert chain.op_event == chain_rule.event(4)
    assert chain.output is not None
    assert (chain.output.name, numbers(chain.output.value)) == ("d", [49, 81, 121, 169])
    assert chain.edges[0].tensor is not None
    assert (chain.edges[0].tensor.name, numbers(chain.edges[0].tensor.value)) == ("c", [7, 9, 11, 13])
    assert [(one.node_name, numbers(one.value), one.event) for one in chain.contributions] == [
        ("SumBackward0", [1, 1, 1, 1], 8)
    ]


def test_a_running_node_has_upstream_and_local_only(chain_rule: Tape) -> None:
    """Before a node has run its downstream is not known, and nothing is checked."""
    chain = chain_rule.frame(9).chain
    assert chain is not None
    assert (chain.state, chain.event, numbers(chain.upstream[0])) == ("running", 9, [1, 1, 1, 1])
    assert chain.edges[0].local.values == (14, 18, 22, 26)
    assert chain.edges[0].downstream is None
    assert chain.edges[0].check is None


def test_a_node_of_the_forward_waits(chain_rule: Tape) -> None:
    """After an op the record is of the node it made, with nothing known of the backward."""
    chain = chain_rule.frame(4).chain
    assert chain is not None
    assert (chain.node_name, chain.state, chain.event, chain.upstream) == ("PowBackward0", "created", None, ())
    assert chain.edges[0].local.note == "known when backward reaches this node"
    assert chain_rule.frame(1).chain is None


def test_the_leaf_is_filled(chain_rule: Tape) -> None:
    """a.grad goes from None to [28 36 44 52], shown as before + added = after."""
    (before,) = chain_rule.frame(15).grads
    assert (before.name, before.after, before.event) == ("a", None, None)
    (buffer,) = chain_rule.frame(16).grads
    assert (buffer.before, numbers(buffer.added), numbers(buffer.after)) == (None, [28, 36, 44, 52], [28, 36, 44, 52])
    assert buffer.is_current
    assert buffer.check is not None
    assert buffer.check.is_ok
    assert not chain_rule.frame(17).grads[0].is_current


def test_an_accumulation_is_a_chain_without_edges(chain_rule: Tape) -> None:
    """At an accumulation the record is that of the AccumulateGrad node: upstream is what flows in."""
    chain = chain_rule.frame(16).chain
    assert chain is not None
    assert (chain.node_name, chain.state, chain.edges) == ("AccumulateGrad", "done", ())
    assert numbers(chain.upstream[0]) == [28, 36, 44, 52]
    assert chain.output is not None
    assert chain.output.name == "a"


def test_the_start_and_the_end(chain_rule: Tape) -> None:
    """Position 0 shows the script's source and nothing else; the end has its own phase."""
    start = chain_rule.frame(0)
    assert (start.event, start.phase, start.iteration, len(start.graph), start.chain) == (None, "start", 0, 0, None)
    assert start.source is not None
    assert start.source.line is None
    assert start.source.lines[8] == "b = 2 * a"
    end = chain_rule.frame(19)
    assert end.phase == "end"
    assert [line.text for line in end.outputs] == ["tensor([28., 36., 44., 52.])\n"]
    assert end.source is not None
    assert end.source.line is None


def test_the_source_line_is_marked(chain_rule: Tape) -> None:
    """An event marks the expression it came from."""
    source = chain_rule.frame(4).source
    assert source is not None
    assert source.line == 11
    assert source.lines[10][source.column : source.end_column] == "c ** 2"


def test_names_appear_one_by_one(chain_rule: Tape) -> None:
    """Names are known from the event on that gave them, in the order of their appearance."""
    assert chain_rule.frame(3).names == ("a", "b", "c")
    assert chain_rule.frame(19).names == ("a", "b", "c", "d", "out")


@pytest.mark.parametrize("position", [-1, 20])
def test_outside_of_the_tape_is_refused(chain_rule: Tape, position: int) -> None:
    """A position outside of 0..head is a ValueError that says so."""
    with pytest.raises(ValueError, match=r"outside of 0\.\.19"):
        chain_rule.frame(position)


def _at(tape: Tape, kind: str, nth: int) -> Frame:
    events = [event.seq for event in tape.events() if event.kind == kind]
    return tape.frame(events[nth])


def test_gradients_accumulate(opener: Opener) -> None:
    """28..52 becomes 56..104, then 84..156: each time before + added = after."""
    tape = opener("accumulation")
    found = [numbers(_at(tape, "accumulate", nth).grads[0].after) for nth in range(3)]
    assert found == [[28, 36, 44, 52], [56, 72, 88, 104], [84, 108, 132, 156]]
    second = _at(tape, "accumulate", 1).grads[0]
    assert numbers(second.before) == [28, 36, 44, 52]


def test_retained_nodes_stay_done(opener: Opener) -> None:
    """With retain_graph nodes stay done, wait again in the next backward, and are freed by the last."""
    tape = opener("accumulation")
    assert states(_at(tape, "backward_end", 0).graph) == "*****"
    assert states(_at(tape, "backward_start", 1).graph) == "....."
    assert states(_at(tape, "backward_end", 1).graph) == "*****"
    assert states(_at(tape, "backward_end", 2).graph) == "*x*x*"


def test_a_waiting_node_shows_no_old_upstream(opener: Opener) -> None:
    """A node that waits in a second backward shows nothing of its run in the first."""
    tape = opener("accumulation")
    frame = _at(tape, "backward_start", 1)
    chain = tape.chain(frame.graph.row(1).node, frame.position)
    assert chain is not None
    assert (chain.state, chain.upstream, chain.event, chain.contributions) == ("pending", (), None, ())


def test_the_error_is_told(opener: Opener) -> None:
    """The error of the fourth backward is an event with its message."""
    frame = _at(opener("accumulation"), "error", 0)
    assert frame.event is not None
    assert frame.event.name == "RuntimeError"
    assert frame.detail is not None
    assert getattr(frame.detail, "message", "") == FREED


def test_iterations_start_new_graphs(opener: Opener) -> None:
    """Each iteration shows its own graph, of which no node has run, and its leaf with the value after the last step."""
    tape = opener("training")
    frame = _at(tape, "op", 4)
    assert frame.iteration == 2
    assert rows(frame.graph) == ["MulBackward0 y", "| AccumulateGrad w"]
    assert states(frame.graph) == "++"
    first, second = (_at(tape, "step", nth).grads[0].leaf for nth in (0, 1))
    assert numbers(first) != numbers(second)
    cleared = _at(tape, "zero_grad", 1).grads[0]
    assert (cleared.how, cleared.after) == ("cleared (set to None)", None)
    assert numbers(cleared.before) == numbers(_at(tape, "accumulate", 0).grads[0].after)
