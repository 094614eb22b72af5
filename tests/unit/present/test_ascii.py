"""What gradb writes, spelled in ASCII."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

import gradb
from gradb.batch.show import Style, pane_text
from gradb.frame.reader import Tape
from gradb.present.draw.ascii import fitted, spelled, spelled_line
from gradb.present.panes.table import PANES
from tests.fakes import TapeBuilder

SPELLED = (
    ("∂d/∂c = 2·c", "dd/dc = 2*c"),
    ("t² - {u}³ and A⁻ᵀ·B⁻¹", "t^2 - {u}^3 and A^-T*B^-1"),
    ("√(var + eps), 1/(2·√x), √a[0], √·", "sqrt(var + eps), 1/(2*sqrt(x)), sqrt(a[0]), sqrt(*)"),
    ("x̂[i]·σ ≤ ‖v‖", "x_hat[i]*sigma <= ||v||"),
    ("b = 2 * a → MulBackward0", "b = 2 * a -> MulBackward0"),
    ("● done ◌ freed ✓ ✗", "# done % freed v X"),
    ("⠉⠒⠤⣀⡇⢣⠜", "'--_|\\/"),
    ("─━═│┊├└╭", "-=#|:+++"),
    ("naïve 日本", "naïve 日本"),
)


@pytest.mark.parametrize(("text", "wanted"), SPELLED)
def test_signs_are_spelled(text: str, wanted: str) -> None:
    """Formulas mean the same; letters that are none of gradb's signs stay."""
    assert spelled(text) == wanted


def test_no_sign_is_forgotten() -> None:
    """Every letter that stands anywhere in the code, and so may be shown, is ASCII once it is spelled."""
    root = Path(gradb.__file__).parent
    found = {char for file in root.rglob("*.py") for char in file.read_text(encoding="utf-8") if not char.isascii()}
    assert len(found) > 50
    assert [char for char in found if not spelled(char).isascii()] == []


def test_columns_stay_where_they_are() -> None:
    """What is longer than its sign takes its room from the next gap."""
    line = "local  ∂d/∂c = c²  [1 2]  (σ)  end"
    assert spelled_line(line) == "local  dd/dc = c^2 [1 2]  (sigma) end"
    assert spelled_line("  a² b") == "  a^2 b"


def test_a_line_of_the_screen_keeps_its_cells() -> None:
    """Shorter forms are taken where there is no room, and at worst the end is cut, before the border."""
    for runs in (
        [("│", 1), ("c² and more   ", 2), ("│", 3)],
        [("│", 1), ("a → b → c", 2), ("│", 3)],
        [("│", 1), ("σ·σ·σ full", 2), ("│", 3)],
        [("╭─ ∂ …", 1), ("────╮", 2)],
    ):
        found = fitted(runs)
        assert sum(cell_len(text) for text, _ in found) == sum(cell_len(text) for text, _ in runs)
        assert [style for _, style in found] == [style for _, style in runs]
        assert all(text.isascii() for text, _ in found)
    assert fitted([("│", 1), ("a → b…", 2), ("│", 3)]) == [("|", 1), ("a > b~", 2), ("|", 3)]


def test_json_says_the_same() -> None:
    """A line of JSON is escaped, so that whoever reads it gets the very text."""
    line = json.dumps({"math": "∂d/∂c = 2·c²", "name": "é𝜎"}, ensure_ascii=False)
    assert spelled_line(line).isascii()
    assert json.loads(spelled_line(line)) == json.loads(line)


EXAMPLES: tuple[Callable[[Path], None], ...] = (
    TapeBuilder.chain_rule_example,
    TapeBuilder.accumulation_example,
    TapeBuilder.shared_weight_example,
    TapeBuilder.nonfinite_example,
    TapeBuilder.training_example,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.__name__))
def test_every_pane_is_ascii(example: Callable[[Path], None], tmp_path: Path) -> None:
    """At every event, of every kind, whatever a pane draws can be spelled."""
    example(tmp_path / "a.tape")
    with Tape.open(tmp_path / "a.tape") as tape:
        for position in range(0, tape.head + 1, max(tape.head // 4, 1)):
            frame = tape.frame(position)
            for pane in PANES:
                text = pane_text(pane, frame, Style())
                told = list(map(spelled_line, text.splitlines()))
                assert all(line.isascii() for line in told), (pane, position)
