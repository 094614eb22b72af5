"""The source, graph, .grad and output panes, the scrubber and the head line: pure functions of a Frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len
from rich.text import Text

from gradb.frame.frame import Frame, OutputLine, SourceView
from gradb.frame.graph.view import GraphRow, Where
from gradb.frame.reader import Tape
from gradb.present.draw import theme
from gradb.present.draw.text import to_text
from gradb.present.draw.viewport import window
from gradb.present.lines.headline import describe, headline
from gradb.present.lines.lesson import first_line, lesson_lines
from gradb.present.lines.nodeless import nodeless_words
from gradb.present.lines.scrubber import buckets, column_of, scrubber
from gradb.present.lines.tree import Marks, graph_row
from gradb.present.options import Options
from gradb.present.panes.source import highlight, source_line, span
from gradb.present.panes.table import PANES
from gradb.tape.kinds.event import Event
from tests.fakes import TapeBuilder, diagonal
from tests.fakes.backward import Autograd
from tests.fakes.examples import training
from tests.unit.present.conftest import OpenExample


def pane(name: str, frame: Frame, width: int = 80, height: int | None = None) -> list[str]:
    return to_text(PANES[name].render(frame, Options(width=width, height=height)), width).splitlines()


# --- source -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_uncaught", [True, False])
def test_where_nothing_caught_an_error_its_line_stays_marked(is_uncaught: bool, tmp_path: Path) -> None:
    """What is printed and ends after it has no line of its own; where the script goes on, the line is let go."""
    with TapeBuilder(tmp_path / "run.tape", source="a = 1\nb = h @ w\n") as builder:
        builder.error("RuntimeError", "mat1 and mat2 shapes cannot be multiplied", 2, is_uncaught=is_uncaught)
        builder.output("Traceback", "stderr")
        builder.end(1)
    with Tape.open(tmp_path / "run.tape") as tape:
        shown = [pane("source", tape.frame(position))[1][0] for position in (1, 2, 3)]
    assert shown == (["✗"] * 3 if is_uncaught else ["✗", " ", " "])


def view(lines: list[str], line: int, column: int | None, end: int | None, last: int | None = None) -> SourceView:
    return SourceView("x.py", tuple(lines), line, last or line, column, end)


def test_the_current_line_is_marked(example: OpenExample) -> None:
    """The line of the event has the marker, and its sub-expression the style of what is current."""
    frame = example("chain_rule").frame(4)
    lines = pane("source", frame)
    (marked,) = [line for line in lines if line.startswith("▶")]
    assert marked.split() == ["▶11", "d", "=", "c", "**", "2"]
    assert frame.source is not None
    assert span(frame.source, 11) == (4, 10)


def test_columns_are_bytes() -> None:
    """Columns come as UTF-8 byte offsets and become characters."""
    line = "größe = größe * 2"
    begin, end = len("größe = ".encode()), len(line.encode())
    assert span(view([line], 1, begin, end), 1) == (len("größe = "), len(line))


def test_only_the_current_line_is_moved_into_view() -> None:
    """Where the marked expression is far to the right its own line is cut at the front, the others stay."""
    long = "    result = " + "x + " * 20 + "target"
    source = view(["def f():", long, "    return 1"], 2, long.index("target"), len(long))
    lines = [source_line(source, index, 40).plain for index in range(3)]
    assert lines[1].endswith("target")
    assert "…" in lines[1][:4]
    assert lines[2].endswith("    return 1")


def test_tabs_and_escapes_shift_the_columns() -> None:
    """What is spelled out takes more cells, and the mark moves with it."""
    line = "\tx = '\x1b' + y"
    begin = line.index("y")
    first, last = span(view([line], 1, begin, begin + 1), 1)
    shown = highlight((line,))[0].plain
    assert shown[first:last] == "y"


def test_an_expression_over_several_lines_is_marked_on_each() -> None:
    """From its first column to the end, over the whole of the lines between, up to its last column."""
    lines = ["y = f(", "    x,", ")  # done"]
    seen = view(lines, 1, 4, 1, 3)
    assert [span(seen, number) for number in (1, 2, 3)] == [(4, 6), (4, 6), (0, 1)]


def test_the_current_line_is_in_view(example: OpenExample) -> None:
    """In a low pane the file is scrolled; in a narrow one the line is."""
    frame = example("chain_rule").frame(4)
    lines = [f"line{number} = 0" for number in range(1, 1001)]
    low = replace(frame, source=view(lines, 700, 0, 7))
    shown = pane("source", low, height=5)
    assert len(shown) == 5
    assert any(line.startswith("▶700 ") for line in shown)
    far = replace(frame, source=view(["x = " + "1 + " * 50 + "target"], 1, 204, 210))
    assert "target" in pane("source", far, width=40)[0]


@pytest.mark.parametrize("text", ["", "def f(:\n  '''", "\x00\x01", "a\x0cb\nc", "\u2028x", "x = 1\\"])
def test_any_text_keeps_its_lines(text: str) -> None:
    """Broken Python and odd characters are drawn line by line as they are on the tape."""
    lines = tuple(text.split("\n"))
    assert len(highlight(lines)) == len(lines)


@given(st.lists(st.text(st.characters(exclude_characters="\n")), min_size=1, max_size=6))
def test_highlighting_never_changes_the_text(lines: list[str]) -> None:
    """Colours are added and nothing is taken away or moved to another line."""
    drawn = highlight(tuple(lines))
    assert len(drawn) == len(lines)
    assert all("\n" not in line.plain for line in drawn)


def test_missing_text_is_said(example: OpenExample) -> None:
    """A file whose text is not on the tape is named."""
    frame = replace(example("chain_rule").frame(4), source=SourceView("lib.py", (), 7, 7, None, None))
    assert pane("source", frame) == ["lib.py:7: its text is not on the tape"]


# --- graph ------------------------------------------------------------------------------------------------------------


def test_the_graph_is_a_tree_with_states(example: OpenExample) -> None:
    """Guides, state symbols, names, variables and shapes; the current node is marked and its expression given."""
    assert pane("graph", example("chain_rule").frame(10)) == [
        "  ┌ ● SumBackward0  out  scalar",
        "▶ │ ◌ PowBackward0  d  [4]",
        "  │ ○ AddBackward0  c  [4]",
        "  │ ○ MulBackward0  b  [4]",
        "  └ ○ AccumulateGrad  a  [4]",
        "→ d.grad_fn",
        "  .next_functions = ((<AddBackward0>, 0),)",
        "  True: out.grad_fn.next_functions[0][0] is d.grad_fn",
    ]


def test_a_link_that_is_too_long_goes_on_the_next_line(example: OpenExample) -> None:
    """Where there is room for two lines; else it is cut."""
    frame = example("chain_rule").frame(10)
    assert pane("graph", frame, width=40, height=12)[-2:] == ["  .next_functions =", "    ((<AddBackward0>, 0),)"]
    assert pane("graph", frame, width=40, height=9)[-1] == "  .next_functions = ((<AddBackward0>, 0…"


def row(indent: int, *, lanes: int = 0, is_head: bool = False, reference: Where = "") -> GraphRow:
    return GraphRow(1, "MulBackward0", "b", 7, indent, lanes, is_head, reference)


def line(shown: GraphRow, marks: Marks | None = None) -> str:
    return graph_row(shown, "done", None, marks or Marks()).plain


def test_rows_of_a_tree() -> None:
    """A chain is an upright line; branches, what goes on beside them, references and marks have signs of their own."""
    assert graph_row(row(0), "created", (2, 3), Marks()).plain == "  └ · MulBackward0  b  [2 × 3]"
    assert line(row(0, lanes=1)) == "  │ ● MulBackward0  b"
    assert line(row(0, lanes=1, is_head=True), Marks(is_selected=True)) == " ›┌ ● MulBackward0  b"
    assert line(row(1, lanes=0b11, is_head=True)) == "  ├─┬ ● MulBackward0  b"
    assert line(row(2, lanes=0b001, is_head=True)) == "  │ └── ● MulBackward0  b"
    again = line(row(1, is_head=True, reference="above"), Marks(is_current=True))
    assert again == "▶ └── ● ↑ MulBackward0  b  see above"


def test_the_outputs_of_a_node_are_named() -> None:
    """All of a few, and of many the first three."""
    split = replace(row(0), name="SplitBackward0", label="a")
    assert line(replace(split, others=("b", "c"))) == "  └ ● SplitBackward0  a, b, c"
    assert line(replace(split, others=("b", "c", "d"))) == "  └ ● SplitBackward0  a, b, c, …"


def test_the_name_of_a_variable_is_worth_more_than_that_of_its_node() -> None:
    """Where both do not fit, the latter is shortened, though not to nothing; where they do, nothing is."""
    leaf = replace(row(0), name="AccumulateGrad", label="layers.0.weight")
    shortened = graph_row(leaf, "done", (3, 4), Marks(), width=32).plain
    assert shortened == "  └ ● Accumu…  layers.0.weight  [3 × 4]"
    assert shortened[:30].endswith("layers.0.weight")
    assert graph_row(leaf, "done", None, Marks(), width=10).plain == "  └ ● Accum…  layers.0.weight"
    assert graph_row(leaf, "done", None, Marks(), width=37).plain == "  └ ● AccumulateGrad  layers.0.weight"
    assert graph_row(replace(leaf, label=None), "done", None, Marks(), width=10).plain == "  └ ● AccumulateGrad"


def test_a_deep_row_is_not_indented_for_ever() -> None:
    """Beyond some levels the indent is a figure."""
    deep = line(row(20_000, lanes=1 << 20_000))
    assert "⋯20000" in deep
    assert len(deep) < 80


def test_states_differ_without_colour() -> None:
    """Each state has a symbol of its own."""
    assert len(set(theme.STATE_SYMBOLS.values())) == len(theme.STATE_SYMBOLS)


def test_a_low_graph_shows_the_current_node(example: OpenExample) -> None:
    """The window follows the node that the position is about."""
    lines = pane("graph", example("diamond").frame(90), height=7)
    assert len(lines) <= 7
    assert any(line.startswith("▶") for line in lines)


@given(st.integers(0, 200), st.integers(0, 199), st.integers(1, 60))
def test_the_window_holds_its_focus(count: int, focus: int, height: int) -> None:
    """Exactly the lines there is room for, the focus among them."""
    first, last = window(count, min(focus, count - 1) if count else None, height)
    assert last - first == min(count, height)
    assert count == 0 or first <= min(focus, count - 1) < last


# --- .grad ------------------------------------------------------------------------------------------------------------


def test_the_buffer_of_the_moment_is_marked(example: OpenExample) -> None:
    """Before, added and after stand in a row; the check has its sign."""
    head, line = pane("grads", example("accumulation").frame(29))
    assert head.split() == ["buffer", "before", "+", "added", "=", "after"]
    assert line.split() == "▶ a.grad [28 36 44 52] [28 36 44 52] [56 72 88 104] ✓".split()


def test_a_narrow_pane_stacks_the_parts(example: OpenExample) -> None:
    """Below 60 columns the parts stand below each other."""
    assert pane("grads", example("chain_rule").frame(16), 36) == [
        "▶ a.grad  ✓",
        "  before  None",
        "  + added [28 36 44 52]",
        "  = after [28 36 44 52]",
    ]


def test_a_cleared_buffer_says_so(example: OpenExample) -> None:
    """After zero_grad the row shows what was there, and that it was cleared."""
    tape = example("training")
    cleared = next(event.seq for event in tape.events() if event.kind == "zero_grad" and event.seq > 10)
    assert "cleared" in " ".join(pane("grads", tape.frame(cleared)))


# --- output -----------------------------------------------------------------------------------------------------------


def test_streams_are_told_apart(example: OpenExample) -> None:
    """Stderr has its sign, a line printed in pieces is one line, escapes are shown."""
    frame = example("chain_rule").frame(4)
    outputs = (
        OutputLine(1, "stdout", "loss "),
        OutputLine(2, "stdout", "1.5\n"),
        OutputLine(3, "stderr", "a\nb\x1b[2J\n"),
    )
    lines = pane("output", replace(frame, outputs=outputs))
    assert lines == ["  loss 1.5", "! a", "! b\\x1b[2J"]
    assert pane("output", replace(frame, outputs=outputs), height=1) == ["! b\\x1b[2J"]


def test_a_long_line_of_output_is_folded(example: OpenExample) -> None:
    """Between words, or where a word has no end; what is cut nowhere is whole."""
    text = "Saved intermediate values of the graph are freed " + "x" * 60
    outputs = (OutputLine(15, "stderr", f"{text}\n"), OutputLine(16, "stdout", "宽" * 30 + "\n"))
    lines = pane("output", replace(example("chain_rule").frame(18), outputs=outputs), width=40)
    assert lines[:2] == ["! Saved intermediate values of the graph", "    are freed"]
    assert "".join(line.strip() for line in lines[2:4]) == "x" * 60
    assert "".join(line.strip() for line in lines[4:]) == "宽" * 30
    assert all(cell_len(line) <= 40 for line in lines)


def test_a_line_of_source_is_shown_sideways(example: OpenExample) -> None:
    """What lies to the left and to the right is marked where it is cut."""
    shown = view(["", "value = first + second + third"], 1, None, None)
    assert source_line(shown, 1, 15).plain == " 2 value = fir…"
    assert source_line(shown, 1, 15, 8).plain == " 2 …irst + sec…"
    assert source_line(shown, 1, 24, 16).plain == " 2 …econd + third"


def test_dropped_outputs_are_counted(example: OpenExample) -> None:
    """What is not in the Frame is said to be missing."""
    frame = replace(example("chain_rule").frame(18), outputs_dropped=7)
    assert pane("output", frame)[0] == "… 7 earlier outputs"


# --- scrubber and head line -------------------------------------------------------------------------------------------


def event(seq: int, phase: str) -> Event:
    return Event(seq, "op", "x", None, None, None, None, None, "", 1, phase, None)


def test_the_run_as_a_line(example: OpenExample) -> None:
    """Each phase begins with its letter; the position is on it."""
    tape = example("chain_rule")
    cells = buckets(tape.event, tape.head, 40)
    assert scrubber(cells, 10, tape.head, 40).plain.rstrip() == "F────B━━━◆━━━━━━━━E"
    assert scrubber(cells, 0, tape.head, 40).plain.startswith("◆F────B")
    assert scrubber((), 0, 0, 10).plain == "◆         "
    assert scrubber(cells, 10, tape.head, 40, kept=(3, 10)).plain.rstrip() == "F─○──B━━━◆━━━━━━━━E"


def test_the_scrubber_tells_what_lies_in_place(example: OpenExample) -> None:
    """Spans that were opened have a sign of their own, another where something was found; the position goes before."""
    tape = example("chain_rule")
    cells = buckets(tape.event, tape.head, 40)
    assert scrubber(cells, 10, tape.head, 40, opened=((3, 5), (18, 30))).plain.rstrip() == "F─◇◇◇B━━━◆━━━━━━━◇◇"
    assert scrubber(cells, 4, tape.head, 40, (5, 7), opened=((3, 5),)).plain.rstrip() == "F─◇◆◈B!━━━━━━━━━━━E"
    few = buckets(tape.event, tape.head, 4)
    assert scrubber(few, 19, tape.head, 4, opened=((6, 6),)).plain == "F◇━◆"
    assert scrubber((), 0, 0, 10, opened=((1, 2),)).plain == "◆         "


@given(st.integers(0, 10**6), st.integers(1, 200), st.data())
def test_the_scrubber_reads_little_and_keeps_its_width(head: int, width: int, data: st.DataObject) -> None:
    """However long the run, at most one event a column is read, and the position is in exactly one column."""
    position = data.draw(st.integers(0, head))
    reads: list[int] = []

    def read(seq: int) -> Event:
        reads.append(seq)
        return event(seq, "forward" if seq % 3 else "backward")

    cells = buckets(read, head, width)
    line = scrubber(cells, position, head, width)
    assert len(reads) <= width
    assert line.cell_len == width
    assert line.plain.count("◆") == 1
    assert (column_of(cells, position) is None) == (position == 0)


def test_phases_differ_without_colour() -> None:
    """Letters and bars of the phases are all different."""
    assert len(set(theme.PHASE_LETTERS.values())) == len(theme.PHASE_LETTERS)
    assert len(set(theme.PHASE_BARS.values())) == len(theme.PHASE_BARS)


@pytest.mark.parametrize("name", ["chain_rule", "accumulation", "nonfinite", "training"])
def test_every_event_has_a_head_line(example: OpenExample, name: str) -> None:
    """One line at each position says where we are and what happened."""
    tape = example(name)
    for position in range(tape.head + 1):
        text = headline(tape.frame(position), 60)
        assert isinstance(text, Text)
        assert text.plain.startswith(f"{position}/{tape.head} ")
        assert text.cell_len <= 60


def test_head_lines_read_as_sentences(example: OpenExample) -> None:
    """A forward op is written as in the script, a node as having run."""
    tape = example("chain_rule")
    assert "b = 2 * a → MulBackward0" in headline(tape.frame(2)).plain
    assert "PowBackward0 has run" in headline(tape.frame(10)).plain
    assert "gradient added to a.grad" in headline(tape.frame(16)).plain


def test_a_leaf_that_got_its_name_later(tmp_path: Path) -> None:
    """Where it had none when it was seen, it is called as it is in the other panes."""
    with Autograd(tmp_path / "x.tape", "x.py", "") as made:
        made.name(made.leaf(None, [1.0, 2.0]), "net.weight")
        made.leaf(None, [3.0])
        made.end()
    with Tape.open(tmp_path / "x.tape") as tape:
        assert "leaf net.weight requires grad" in headline(tape.frame(1)).plain
        assert nodeless_words(tape.frame(1)).startswith("net.weight is a leaf")
        assert "leaf leaf #2 requires grad" in headline(tape.frame(2)).plain


def test_of_a_long_print_the_end_is_shown(example: OpenExample) -> None:
    """What was printed last is what one looks for."""
    frame = example("chain_rule").frame(1)
    text = "x" * 50_000 + "\nthe last line\n"
    lines = pane("output", replace(frame, outputs=(OutputLine(1, "stdout", text),)))
    assert lines[0].strip() == "… 30,015 characters"
    assert lines[-1].strip() == "the last line"


def test_a_node_is_named_with_its_forward(example: OpenExample) -> None:
    """The line of the script that made a node stands beside its name."""
    assert "PowBackward0 has run (d = c ** 2)" in headline(example("chain_rule").frame(10)).plain


def test_a_script_introduces_itself(example: OpenExample) -> None:
    """Before the first step the chain pane shows the docstring: title, paragraphs folded anew, formulas as they are."""
    frame = example("chain_rule").frame(0)
    lines = pane("chain", frame, 40)
    assert lines[3] == "The chain rule, one node at a time"
    assert "backward walks" in " ".join(lines[4:])
    source = view(["# a comment", "'''Title", "", "One", "two.", "", "    a = 2 * b", "'''"], 1, None, None)
    assert [line.plain for line in lesson_lines(source, 30)] == ["", "Title", "", "One two.", "", "    a = 2 * b"]
    assert lesson_lines(view(["import torch"], 1, None, None), 30) == []
    assert first_line((*source.lines, "", "import torch")) == 10
    assert [first_line(lines) for lines in (source.lines, ("import torch",), ('"""T"""', "x"))] == [1, 1, 2]


# --- stale gradients --------------------------------------------------------------------------------------------------


@pytest.fixture
def stale(tmp_path: Path) -> Iterator[Tape]:
    """A training whose zero_grad is off from iteration 3 on."""
    training(tmp_path / "t.tape", 6, off_at=3)
    with Tape.open(tmp_path / "t.tape") as tape:
        yield tape


def first(tape: Tape, kind: str, iteration: int) -> Frame:
    """Return the frame of the first event of a kind in an iteration."""
    return tape.frame(next(e.seq for e in tape.events() if e.kind == kind and e.iteration == iteration))


def test_a_stale_buffer_is_marked_when_backward_begins(stale: Tape) -> None:
    """A sign beside it and words below: how many backward calls it is the sum of."""
    lines = pane("grads", first(stale, "backward_start", 5))
    assert lines[1].split()[:2] == ["!", "w.grad"]
    assert lines[-1] == "! stale: 3 backward calls since it was empty, the first in iteration 2"


def test_a_stale_buffer_that_nothing_cleared_says_so(stale: Tape) -> None:
    """It was never empty since its first backward call."""
    frame = first(stale, "backward_start", 5)
    never = replace(frame, grads=tuple(replace(buffer, is_never_cleared=True) for buffer in frame.grads))
    words = "! stale: 3 backward calls and it was never cleared, the first in iteration 2"
    assert pane("grads", never)[-1] == words


@pytest.mark.parametrize("width", [60, 72, 100])
def test_long_names_leave_room_for_the_titles(stale: Tape, width: int) -> None:
    """Weight and bias of a deep layer read differently, and no title of a column is cut."""
    frame = first(stale, "accumulate", 5)
    (buffer,) = frame.grads
    path = "model.bert.encoder.layer.11.attention.self.query"
    grads = tuple(replace(buffer, name=f"{path}.{last}") for last in ("weight", "bias"))
    title, weight, bias = pane("grads", replace(frame, grads=grads), width)[:3]
    assert title.split() == "buffer before + added = after".split()
    assert "query.weight.grad" in weight
    assert "query.bias.grad" in bias


def test_what_is_added_to_is_marked_as_stale(stale: Tape) -> None:
    """At the accumulation old + added = new, and the old has the sign; so in the chain-rule pane."""
    frame = first(stale, "accumulate", 5)
    lines = pane("grads", frame)
    assert lines[1].split() == "▶! w.grad ! [34.13 2.965] [1.124 0.9653] [35.26 3.930] ✓".split()
    assert lines[2].startswith("! before is stale: 3 earlier backward calls since it was empty")
    assert "w.grad  ! [34.13 2.965] + [1.124 0.9653] = [35.26 3.930]" in pane("chain", frame)
    assert pane("grads", frame, 36)[1] == "  before  ! [34.13 2.965]"


def test_a_fresh_buffer_is_not_stale(stale: Tape) -> None:
    """With zero_grad in force nothing is marked: not the one gradient either that a step has used and left."""
    for kind, iteration in (("accumulate", 2), ("step", 2), ("op", 3)):
        assert "stale" not in " ".join(pane("grads", first(stale, kind, iteration)))


@pytest.mark.parametrize("kind", ["step", "op"])
def test_a_stale_buffer_is_marked_outside_of_a_backward_too(stale: Tape, kind: str) -> None:
    """At a step, and before the next backward, it is still the sum of gradients of several iterations."""
    lines = pane("grads", first(stale, kind, 5))
    assert "!" in lines[1].split()
    count = 4 if kind == "step" else 3
    assert lines[-1] == f"! stale: {count} backward calls since it was empty, the first in iteration 2"


def test_gradients_of_unknown_age_are_stale(stale: Tape) -> None:
    """Where it is not known how many they are the sum of, that is said."""
    frame = first(stale, "backward_start", 5)
    old = tuple(replace(buffer, fills=-1) for buffer in frame.grads)
    assert pane("grads", replace(frame, grads=old))[-1] == (
        "! stale: holds gradients of backward calls that were not recorded"
    )


def test_many_stale_buffers_share_their_words(stale: Tape) -> None:
    """One sentence names them, and the pane keeps its height."""
    frame = first(stale, "backward_start", 5)
    many = tuple(replace(frame.grads[0], name=f"w{i}") for i in range(20))
    lines = pane("grads", replace(frame, grads=many), height=8)
    assert len(lines) <= 8
    assert " ".join(lines).endswith("(w0, w1,   w2, w3, …)")


# --- head lines of a training -----------------------------------------------------------------------------------------


def clauses(tape: Tape) -> list[str]:
    return [describe(tape.frame(event.seq)) for event in tape.events()]


def test_a_breakpoint_of_the_scripts_own_is_told_with_its_header(tmp_path: Path) -> None:
    """The head line says which call it is, and what it was given to say."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        tape.breakpoint(3)
        tape.breakpoint(4, "before the step", "gradb.set_trace()")
    assert clauses(Tape.open(tmp_path / "t.tape")) == [
        "breakpoint() in the script",
        "gradb.set_trace() in the script: before the step",
    ]


def test_a_call_of_zero_grad_is_told_as_it_is_written(tmp_path: Path) -> None:
    """By the script's own name; where its text at the place is something else, by what is asked to clear."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        tape.zero_grad([tape.leaf("w", [1.0])])
    with Tape.open(tmp_path / "t.tape") as opened:
        frame = opened.frame(opened.head)
    assert frame.event is not None
    written = {
        "opt.zero_grad(set_to_none=False)": "opt.zero_grad(set_to_none=False)",
        "fit(x)": "optimizer.zero_grad()",
    }
    for text, told in written.items():
        event = replace(frame.event, file="a.py", line=1, end_line=1, column=0, end_column=len(text))
        shown = replace(frame, event=event, source=SourceView("a.py", (text,), 1, 1, 0, len(text)))
        assert describe(shown) == f"{told} cleared w"


def test_interventions_read_as_sentences(tmp_path: Path) -> None:
    """What was changed, what it was, and what it does to the script."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        w = tape.leaf("w", [1.0])
        tape.intervene("zero_grad", "off")
        tape.zero_grad([w], is_suppressed=True)
        tape.zero_grad([w], idiom="grad = None", is_suppressed=True)
        tape.intervene("zero_grad", "on", "off")
        tape.zero_grad([w], idiom="policy on")
        tape.intervene("zero_grad", "script", "on")
        tape.zero_grad([])
        tape.zero_grad([w], idiom="grad.zero_")
        tape.zero_grad([w], idiom="del grad")
        tape.intervene("lr", "1e-4")
        tape.intervene("lr", "script", "1e-4")
        tape.set_depth("watch", "the run is free")
        tape.loss("loss", 2.5)
        tape.loss("loss", float("nan"))
        tape.step_unseen(0.1)
        tape.set_depth("full", "asked for")
        tape.step([w], 0.1)
    with Tape.open(tmp_path / "t.tape") as opened:
        assert clauses(opened)[1:] == [
            "zero_grad is off from here on, it was as written",
            "optimizer.zero_grad() did nothing, w kept: zero_grad is off",
            "w.grad = None did nothing: zero_grad is off",
            "zero_grad is on from here on, it was off",
            "gradb cleared w: zero_grad is on, and the script had not",
            "zero_grad is as written from here on, it was on",
            "optimizer.zero_grad() found nothing to clear",
            "w.grad.zero_() cleared it",
            "del w.grad cleared it",
            "learning rate is 1e-4 from the next step on, it was the script's own",
            "learning rate is the script's own from the next step on, it was 1e-4",
            "only losses, norms and changes are recorded from here on: the run is free",
            "backward from loss = 2.5, only watched",
            "backward from loss = nan, only watched",
            "SGD step, learning rate 0.1",
            "everything is recorded from here on: asked for",
            "SGD step of 1 parameter, learning rate 0.1",
        ]


def test_a_backward_from_no_scalar_says_so(tmp_path: Path) -> None:
    """Its root has a shape, and there is no loss."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        a = tape.leaf("a", [1.0, 2.0])
        b = tape.op("Tensor.mul", "MulBackward0", [a, 3], [3, 6], name="b", jacobians=[diagonal([3.0, 3.0]), None])
        tape.backward(b, gradient=[1, 1])
        tape.end()
    with Tape.open(tmp_path / "t.tape") as opened:
        assert "backward begins from b [2], not a scalar" in clauses(opened)
