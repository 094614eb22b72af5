"""How matrices of local derivatives are drawn: labels, alignment, windows, structures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gradb.algebra.local import Local
from gradb.algebra.structure import recognise
from gradb.frame.frame import Frame
from gradb.present.draw.matrix import Window, matrix_lines
from gradb.present.draw.numbers import element
from gradb.present.draw.text import to_text
from gradb.present.lines.local import axis_labels
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.jacobian import Axis
from gradb.tape.values import Number
from tests.unit.present.conftest import OpenExample


def drawn(frame: Frame, local: Local, width: int = 80, matrix: tuple[int, int] = (0, 0)) -> str:
    """Return the chain pane as text, with another local derivative at its first edge."""
    assert frame.chain is not None
    edges = (replace(frame.chain.edges[0], local=local), *frame.chain.edges[1:])
    changed = replace(frame, chain=replace(frame.chain, edges=edges))
    return to_text(PANES["chain"].render(changed, Options(width=width, matrix=matrix)), width)


def matrix(numbers: Sequence[Number], output: Axis, wanted: Axis) -> Local:
    """Return a matrix by its structure, between two real tensors."""
    return replace(recognise(numbers, output.size, wanted.size), outputs=(output,), input=wanted)


def test_rows_and_columns_bear_names_and_indices(example: OpenExample) -> None:
    """A full Jacobian has a label on each row and column, and is aligned under them."""
    text = drawn(example("chain_rule").frame(10), matrix([1, 2.5, 0, -10], Axis((2,)), Axis((1, 2))))
    assert "          c[0,0] c[0,1]\n    d[0]       1    2.5\n    d[1]       0    -10\n" in text
    assert "(Jacobian: 2 outputs × 2 inputs)" in text


def test_equal_blocks_are_drawn_once(example: OpenExample) -> None:
    """Repeated blocks show the first, with its own rows and columns, and how many there are."""
    text = drawn(example("chain_rule").frame(10), matrix([1, 2, 0, 0, 0, 0, 1, 2], Axis((2, 1)), Axis((2, 2))))
    assert "            c[0,0] c[0,1]\n    d[0,0]       1      2\n    (2 equal blocks of 1 × 2" in text


def test_blocks_that_differ_are_drawn_apart(example: OpenExample) -> None:
    """The first three blocks are drawn, the others counted."""
    text = drawn(example("chain_rule").frame(10), matrix(_two(5), Axis((5,)), Axis((5, 2))))
    assert text.count("c[") == 6
    assert "… 2 more blocks" in text
    assert "(5 blocks of 1 × 2; all else is 0)" in text


def _two(rows: int) -> list[Number]:
    """Return a row of two numbers for each output, each row with numbers and inputs of its own."""
    matrix: list[Number] = [0] * (rows * rows * 2)
    for row in range(rows):
        matrix[row * rows * 2 + row * 2] = row + 1
        matrix[row * rows * 2 + row * 2 + 1] = row + 2
    return matrix


@pytest.mark.parametrize(
    ("numbers", "rows", "columns", "clauses"),
    [
        ([0, 1, 1, 0], 2, 2, ("d[0] ← c[1]   d[1] ← c[0]", "(a permutation: the same elements in another order)")),
        ([0, 1, 0], 1, 3, ("d[0] ← c[1]", "(a selection: each output is one of the inputs)")),
        ([0, 1, 0, 0], 2, 2, ("d[0] ← c[1]   d[1] ← 0", "one of the inputs, or 0)")),
        ([3, 3], 2, 1, ("3  (for each of 2 copies, which add up)",)),
        ([0.5, 0.5], 1, 2, ("0.5  (for each of 2 summed)",)),
    ],
)
def test_what_moves_elements_is_drawn_as_that(
    numbers: list[Number], rows: int, columns: int, clauses: tuple[str, ...], example: OpenExample
) -> None:
    """Permutations and selections say where each output comes from, expansions and sums how many there are."""
    text = drawn(example("chain_rule").frame(10), matrix(numbers, Axis((rows,)), Axis((columns,))))
    for clause in clauses:
        assert clause in text


def test_a_window_moves_over_a_large_matrix() -> None:
    """What does not fit is marked by dots on the side where it is; the labels stay."""

    def cell(row: int, column: int) -> str:
        return str(row * 100 + column)

    labels = [f"[{index}]" for index in range(30)]
    first = [line.plain for line in matrix_lines(cell, labels, labels, Window(30, 2))]
    assert first[0].split() == ["[0]", "[1]", "[2]", "[3]", "[4]", "…"]
    assert first[2].split() == ["[1]", "100", "101", "102", "103", "104", "…"]
    assert first[-1].strip() == "…"
    last = [line.plain for line in matrix_lines(cell, labels, labels, Window(30, 2, 99, 28))]
    assert last[1].strip() == "…"
    assert last[-1].split() == ["[29]", "…", "2928", "2929"]
    assert all(len(line) <= 30 for line in (*first, *last))


def test_a_long_name_does_not_widen_the_columns() -> None:
    """Where a name is long only the indices are on the axis."""
    assert axis_labels("layer1.0.weight", Axis((1, 2)), is_split=False) == ["[0,0]", "[0,1]"]
    assert axis_labels("z", Axis((), is_complex=True), is_split=True) == ["Re z", "Im z"]
    assert axis_labels("d", Axis(()), is_split=False) == ["d"]
    assert element(5, (2, 3)) == "[1,2]"


def test_complex_entries_say_what_they_are(example: OpenExample) -> None:
    """One complex number an entry, with the convention beside it; parts are labelled as such."""
    z, frame = Axis((1,), is_complex=True), example("chain_rule").frame(10)
    local = Local("scalar", 1, 1, (2 - 1j,), form="complex", outputs=(z,), input=z)
    text = drawn(frame, local, 120)
    assert "2-1j" in text
    assert "(holomorphic: the conjugate of the derivative)" in text
    parts = Local("dense", 2, 1, (1.0, 2.0), form="parts", outputs=(z,), input=Axis((1,)))
    text = drawn(frame, parts, 120)
    assert "Re d[0]     1" in text
    assert "Im d[0]     2" in text
    assert "(not holomorphic: real and imaginary parts apart)" in text
