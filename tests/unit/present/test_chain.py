"""The chain-rule pane: what a newcomer reads at each node."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import pytest

from gradb.algebra.local import Check, Local
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.json.values import chain_json, value_json
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from tests.fakes.builder import TapeBuilder
from tests.fakes.packing import diagonal, value
from tests.properties import positions
from tests.unit.present.conftest import OpenExample


def pane(frame: Frame, width: int = 60, **options: object) -> str:
    return to_text(PANES["chain"].render(frame, Options(width=width, **options)), width)  # type: ignore[arg-type]


def squeezed(text: str) -> str:
    """Return text with runs of blanks as one."""
    return " ".join(text.split())


def test_a_node_that_has_run(example: OpenExample) -> None:
    """Upstream, local, downstream and the check stand below each other, values in one column."""
    frame = example("chain_rule").frame(10)
    assert frame.chain is not None
    lines = pane(replace(frame, chain=replace(frame.chain, root="out"))).splitlines()
    assert lines[0].startswith("PowBackward0   d = c ** 2")
    assert lines[0].endswith("◌ freed")
    assert lines[1:5] == [
        "upstream     ∂out/∂d      [1 1 1 1]",
        "× local      ∂d/∂c = 2·c  [14 18 22 26]  (elementwise)",
        "= downstream ∂out/∂c      [14 18 22 26]",
        "✓ agrees with the engine",
    ]
    assert lines[-1] == "PyTorch: pow_backward(grad, self, exponent)"


@pytest.mark.parametrize(
    ("position", "wanted"),
    [
        (8, ["upstream ∂out/∂out 1", "× local ∂out/∂d 1 (for each of 4 summed)", "= downstream ∂out/∂d [1 1 1 1]"]),
        (12, ["× local ∂c/∂b 1 (passes unchanged)", "no gradient is wanted for 5"]),
        (14, ["b = 2 * a", "× local ∂b/∂a 2 (for every element)", "= downstream ∂out/∂a [28 36 44 52]"]),
        (16, ["leaf a", "a.grad None + [28 36 44 52] = [28 36 44 52]", "✓ before + added = after"]),
        (9, ["▶ running", "upstream", "downstream is not known yet"]),
        (4, ["· created", "result d [49 81 121 169]", "will be × ∂d/∂c = 2·c [14 18 22 26] (by the formula)"]),
        (1, ["a is a leaf"]),
        (0, ["before the first event"]),
    ],
)
def test_the_walk_of_the_example(example: OpenExample, position: int, wanted: list[str]) -> None:
    """Each stop of the chain rule example says its numbers and its state."""
    text = squeezed(pane(example("chain_rule").frame(position), 80))
    for part in wanted:
        assert part in text


@pytest.mark.parametrize("name", ["chain_rule", "accumulation", "small_diamond", "nonfinite", "training"])
def test_every_position_fits_the_width(example: OpenExample, name: str) -> None:
    """No pane draws a line wider than its room, at any position of any example: each position at one of the widths."""
    tape = example(name)
    widths = itertools.cycle([36, 40, 60, 100])
    for position in positions(tape.head):
        frame, width = tape.frame(position), next(widths)
        for spec in PANES.values():
            text = to_text(spec.render(frame, Options(width=width)), 300)
            assert max(map(len, text.splitlines())) <= width, (spec.name, position)


def test_nothing_is_said_of_downstream_before_it_is_known(example: OpenExample) -> None:
    """Before a node has run its downstream is not on the screen."""
    assert "= downstream" not in pane(example("chain_rule").frame(9))


def test_paths_are_added_up(example: OpenExample) -> None:
    """Where a tensor was used twice each path's contribution is listed, then their sum."""
    text = squeezed(pane(example("diamond").frame(90)))
    assert "was used 2 times" in text
    assert "from AddBackward0 4194304 + from AddBackward0 4194304 ✓ agrees with the engine = upstream" in text


def vector_backward(path: Path, gradient: list[float], count: int = 2) -> Tape:
    """Write y = x * 3 of some elements, and its backward with ``gradient=``."""
    with TapeBuilder(path) as tape:
        x = tape.leaf("x", [1.0] * count)
        y = tape.op(
            "Tensor.mul", "MulBackward0", [x, 3], [3.0] * count, name="y", jacobians=[diagonal([3.0] * count), None]
        )
        tape.backward(y, gradient=gradient)
    return Tape.open(path)


def test_a_vector_is_differentiated_by_what_was_given(tmp_path: Path) -> None:
    """What flows from a vector is the derivative of v·y, and never that of y; v is said once."""
    with vector_backward(tmp_path / "run.tape", [0.0, 5.0]) as tape:
        frame = tape.frame(next(event.seq for event in tape.events() if event.kind == "node"))
        text = squeezed(pane(frame, 80))
        assert "upstream ∂(v·y)/∂y [0 5] (v = gradient=) × local ∂y/∂x 3" in text
        assert "= downstream ∂(v·y)/∂x [0 15]" in text
        paths = squeezed(to_text(PANES["paths"].render(frame, Options(width=80)), 80))
        assert "∂(v·y)/∂x [0 15]" in paths
        told = chain_json(frame.chain)
        assert told is not None
        assert told["gradients"] == [value_json(value([0.0, 5.0]))]
        assert "L = v·root, v = gradient=" in squeezed(pane(record(frame, root=None), 80))


@pytest.mark.parametrize(("gradient", "is_weighted"), [(1.0, False), (2.0, True)])
def test_a_scalar_that_counts_once_is_itself(tmp_path: Path, gradient: float, is_weighted: bool) -> None:
    """One number is differentiated as it is, unless gradient= says that it counts otherwise."""
    with vector_backward(tmp_path / "run.tape", [gradient], 1) as tape:
        text = squeezed(pane(tape.frame(tape.head), 80))
        assert ("∂(v·y)/∂x" if is_weighted else "∂y/∂x") in text
        assert ("v = gradient=" in text) == is_weighted


def test_the_second_backward_adds_to_the_first(example: OpenExample) -> None:
    """The buffer that was 28..52 becomes 56..104."""
    text = squeezed(pane(example("accumulation").frame(29), 80))
    assert "a.grad [28 36 44 52] + [28 36 44 52] = [56 72 88 104]" in text


def test_nan_stands_out(example: OpenExample) -> None:
    """A NaN is written as such and is not hidden by the check."""
    assert "[nan 0]" in pane(example("nonfinite").frame(11))


def test_what_is_not_finite_is_named(example: OpenExample) -> None:
    """A finite gradient at a leaf, or at a node, whose own value is NaN is not said to be not finite."""
    for position, words in ((16, "× the leaf itself not finite"), (14, "× result not finite")):
        frame = example("chain_rule").frame(position)
        assert frame.chain is not None
        assert frame.chain.output is not None
        assert "not finite" not in pane(frame, 100)
        odd = replace(frame.chain.output, value=value([math.nan] * 4))
        assert words in pane(record(frame, output=odd), 100)
        assert "× not finite" in pane(record(frame, output=odd, upstream=(value([math.inf]),)), 100)


def record(frame: Frame, **changes: object) -> Frame:
    """Return a frame whose chain record has changed fields."""
    assert frame.chain is not None
    return replace(frame, chain=replace(frame.chain, **changes))  # type: ignore[arg-type]


def edge(frame: Frame, **changes: object) -> Frame:
    """Return a frame whose first edge has changed fields."""
    assert frame.chain is not None
    first: ChainEdge = replace(frame.chain.edges[0], **changes)  # type: ignore[arg-type]
    return record(frame, edges=(first, *frame.chain.edges[1:]))


def test_a_product_that_differs_is_marked(example: OpenExample) -> None:
    """When the engine produced something else the pane says so with a cross."""
    frame = edge(example("chain_rule").frame(10), check=Check(False, 3.0, "differs from the engine by up to 3"))
    assert "✗ differs from the engine by up to 3" in pane(frame)


def test_what_was_not_measured_says_why(example: OpenExample) -> None:
    """A node too large to probe shows the formula and the reason."""
    frame = edge(example("chain_rule").frame(10), local=Local("unknown", 0, 0, None, "too large to probe"), check=None)
    text = squeezed(pane(frame))
    assert "∂d/∂c = 2·c" in text


def test_an_op_without_a_formula_is_honest(example: OpenExample) -> None:
    """A node that the table does not know shows measured numbers, PyTorch's formula, and that there is no other."""
    frame = record(example("chain_rule").frame(10), node_name="LinalgQrBackward0")
    text = squeezed(pane(frame, 100))
    assert "no formula in gradb's table; the numbers were measured by probing the node" in text
    assert "[14 18 22 26]" in text
    assert "PyTorch: linalg_qr_backward(" in text


def test_matrices_are_shown_row_by_row(example: OpenExample) -> None:
    """A Jacobian goes below its label, aligned, with its size."""
    local = Local("dense", 2, 4, (1.0, 0.0, 0.5, 0.0, 0.0, 1.0, 0.0, -10.5))
    text = pane(edge(example("chain_rule").frame(10), local=local))
    assert "         [0] [1] [2]   [3]\n    [0]    1   0 0.5     0\n    [1]    0   1   0 -10.5\n" in text
    assert "(Jacobian: 2 outputs × 4 inputs)" in text


def test_a_selected_node_goes_before_the_current_one(example: OpenExample) -> None:
    """The record handed over with the options is what is drawn."""
    tape = example("chain_rule")
    chain: Chain | None = tape.frame(8).chain
    assert pane(tape.frame(14), chain=chain).startswith("SumBackward0")


def test_a_low_pane_says_what_is_missing(example: OpenExample) -> None:
    """With a height the rest is counted."""
    lines = pane(example("chain_rule").frame(10), height=4).splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("… ")


def test_names_from_a_hostile_tape_are_text(tmp_path: Path) -> None:
    """Escape sequences and markup in a variable's name are shown, not obeyed."""
    with TapeBuilder(tmp_path / "t.tape") as builder:
        leaf = builder.leaf("\x1b[31m[bold]a", [1.0])
        out = builder.op("torch.exp", "ExpBackward0", [leaf], [2.0], name="b\u202e", jacobians=[[2.0]])
        builder.backward(out)
        builder.end()
    with Tape.open(tmp_path / "t.tape") as tape:
        for position in range(tape.head + 1):
            for spec in PANES.values():
                text = to_text(spec.render(tape.frame(position), Options(width=60)), 60)
                assert "\x1b" not in text
                assert "\u202e" not in text
        assert "[bold]a" in pane(tape.frame(2))


def test_several_results_of_a_call_are_all_named(example: OpenExample) -> None:
    """``low, high = d.split(2)`` is not the call of low alone, nor is its derivative; one without a name is a dot."""
    text = squeezed(pane(record(example("chain_rule").frame(4), output_names=("low", "high"))))
    assert "low, high = c ** 2" in text
    assert "∂(low, high)/∂c" in text
    assert "low, · = c ** 2" in squeezed(pane(record(example("chain_rule").frame(4), output_names=("low", None))))


def test_several_outputs_are_numbered(example: OpenExample) -> None:
    """A node of two outputs has two upstream gradients; one that is undefined is None and says so."""
    frame = record(example("chain_rule").frame(10), upstream=(value([1.0, 1.0]), None))
    text = squeezed(pane(frame))
    assert "∂out/∂output 0 [1 1]" in text
    assert "∂out/∂output 1 None: nothing of the loss depends on it" in text


@pytest.mark.parametrize(("torch", "is_said"), [("2.13.0+cpu", False), ("", False), ("2.16.0", True)])
def test_formulas_of_another_version_say_so(example: OpenExample, torch: str, is_said: bool) -> None:
    """Where the version that recorded the tape was not measured, the pane says whose formulas it shows."""
    frame = example("chain_rule").frame(10)
    assert frame.chain is not None
    shown = squeezed(pane(replace(frame, chain=replace(frame.chain, torch=torch))))
    assert ("formulas as of torch 2.15.0; the tape was recorded with 2.16.0" in shown) is is_said


def test_at_the_end_it_is_said_where_the_last_backward_is(example: OpenExample) -> None:
    """The script is over and no node runs any more; where none ran it is said that nothing has a gradient."""
    tape = example("training")
    text = squeezed(pane(tape.frame(tape.head)))
    (start,) = [one.seq for one in tape.events() if one.kind == "backward_start" and one.iteration == 3]
    assert text == (
        "no node here: the script is over; the last backward, of iteration 3, begins at event "
        f"{start}: `goto {start}` leads there"
    )


def test_a_change_from_outside_is_made_where_the_script_stands(tmp_path: Path) -> None:
    """What was changed is said, and the line of the event before is marked: no line of the script's has done it."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        tape.leaf("w", [1.0], line=4)
        tape.intervene("lr", "0.25")
    with Tape.open(tmp_path / "t.tape") as opened:
        frame = opened.frame(opened.head)
    assert frame.source is not None
    assert frame.source.line == 4
    assert "something was changed from outside: learning rate is 0.25 from the next step on" in squeezed(pane(frame))
