"""Where the run is: which iteration of how many, which backward call of how many, and what has failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gradb.frame.frame import SourceView
from gradb.frame.reader import Tape
from gradb.present.lines.headline import headline
from gradb.present.lines.scrubber import buckets, scrubber
from gradb.present.panes.source import source_line
from gradb.present.panes.table import pane_json
from tests.fakes.backward import Autograd
from tests.unit.present.conftest import OpenExample

SOURCE = "a = leaf()\nout = a * 2\nout.backward()\nout.backward()\n"


def recorded(path: Path, calls: int, *, is_over: bool) -> None:
    """Write a run of one op whose result is differentiated some times, which goes on unless it is over."""
    with Autograd(path, "script.py", SOURCE) as tape:
        leaf = tape.leaf("a", [1.0], (), line=1)
        out = tape.op("Tensor.mul", "MulBackward0", [leaf, 2], [2.0], (), name="out", line=2)
        for _ in range(calls):
            tape.backward(out, line=3, retain_graph=True)
        if is_over:
            tape.end()


def starts(tape: Tape) -> list[int]:
    """Return the events at which backward calls begin."""
    return [event.seq for event in tape.events() if event.kind == "backward_start"]


def signs(view: SourceView) -> dict[int, str]:
    """Return what stands in front of each line of the source."""
    lines = [source_line(view, index, 40).plain for index in range(len(view.lines))]
    return {index + 1: line[0] for index, line in enumerate(lines) if line[0] != " "}


def test_each_backward_call_is_told_by_its_number(example: OpenExample) -> None:
    """From its first to its last event; between two of them none runs."""
    tape = example("accumulation")
    first, second, *_ = starts(tape)
    assert "backward 2 of 3 " in headline(tape.frame(second)).plain
    assert "backward 2 of 3 " in headline(tape.frame(second + 3)).plain
    end = tape.latest("backward_end", second)
    assert end is not None
    assert "backward 1 of 3 " in headline(tape.frame(end)).plain
    assert tape.frame(end + 1).backward is None
    assert tape.frame(first - 1).backward is None


def test_no_total_is_made_up_while_the_iteration_goes_on(tmp_path: Path) -> None:
    """How many have begun by then is said to be that."""
    recorded(tmp_path / "live.tape", 2, is_over=False)
    with Tape.open(tmp_path / "live.tape") as tape:
        frame = tape.frame(starts(tape)[1])
        assert "backward 2 of 2 so far " in headline(frame).plain
        assert pane_json("source", frame)["backward"] == {
            "file": "script.py", "line": 3, "event": frame.position, "number": 2, "count": 2, "is_whole": False,
        }  # fmt: skip


def test_the_only_backward_has_no_number(example: OpenExample) -> None:
    """One of one tells nothing."""
    tape = example("chain_rule")
    line = headline(tape.frame(starts(tape)[0])).plain
    assert " backward  " in line
    assert " of 1" not in line


def test_the_call_is_marked_while_its_nodes_run(tmp_path: Path) -> None:
    """« is at the line of the backward call, ▶ at that of the op whose node runs."""
    recorded(tmp_path / "run.tape", 1, is_over=True)
    with Tape.open(tmp_path / "run.tape") as tape:
        start = starts(tape)[0]
        before, inside = tape.frame(start - 1).source, tape.frame(start + 1).source
        assert before is not None
        assert inside is not None
    assert (before.backward, inside.backward) == (None, 3)
    assert signs(replace(inside, line=2, end_line=2)) == {2: "▶", 3: "«"}
    assert signs(inside) == {3: "▶"}


def test_calls_have_their_letter_on_the_scrubber_where_there_is_room(example: OpenExample) -> None:
    """Each begins with a B of its own; where two would touch, none but those of phases."""
    tape = example("accumulation")
    calls = tape.backward_calls(100)
    assert list(calls) == starts(tape)
    wide, narrow = (buckets(tape.event, tape.head, width) for width in (tape.head, 5))
    assert scrubber(wide, 0, tape.head, 200, (), calls).plain.count("B") == 3
    assert scrubber(narrow, 0, tape.head, 5, (), calls).plain == scrubber(narrow, 0, tape.head, 5).plain
    assert tape.backward_calls(2) == ()


def test_a_finished_run_tells_how_many_iterations(example: OpenExample) -> None:
    """The last is that of which there is a loss or a step."""
    tape = example("training")
    total = tape.frame(tape.head).training.iterations
    assert f"  iteration 1 of {total}" in headline(tape.frame(1)).plain


def test_what_happened_gives_way_to_where(tmp_path: Path) -> None:
    """On a narrow line a long op is cut, not the place: file, line and module are nowhere else."""
    with Autograd(tmp_path / "long.tape", "script.py", SOURCE) as tape:
        tape.scope = "layers.0"
        leaf = tape.leaf("a", [1.0], (), line=1)
        constants = [(f"argument_{number}", "1") for number in range(9)]
        tape.op("torch.conv2d", "ConvolutionBackward0", [leaf], [2.0], (), name="out", line=2, constants=constants)
    with Tape.open(tmp_path / "long.tape") as tape:
        frame = tape.frame(2)
        narrow = headline(frame, 70).plain
        assert len(narrow) == 70
        assert "out = F.conv2d(a" in narrow or "out = torch.conv2d(a" in narrow
        assert narrow.endswith("…  script.py:2  in layers.0")
        assert headline(frame).cell_len > 70
        assert "out = torch.conv…" in headline(frame, 30).plain
