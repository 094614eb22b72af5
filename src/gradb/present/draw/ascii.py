"""The signs that gradb draws and writes formulas with, spelled in ASCII: THE table, for whatever is shown.

It is applied to lines that are laid out already, so that no renderer can forget it. What then is longer than one cell
takes the room for it from the next gap in the line, so that columns stay where they are. Letters of a script's own that
are no such signs stay as they are.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

from rich.cells import cell_len

Style = TypeVar("Style")

_BRAILLE = range(0x2800, 0x2900)
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Left and right dot of each row of a braille letter, from the top."""
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ]+")
_RAISED_AS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ", "0123456789+-T")
_ROOT = re.compile(r"√(·|[\w.]+(?:\[[^\]]*\])?)")
_GAP = re.compile("( {2,}|─{2,})")
_BORDERS = "│┃║▌▐▊▎"
_CUT = "~"
_ACROSS, _UPRIGHT = {"HORIZONTAL", "LEFT", "RIGHT"}, {"VERTICAL", "UP", "DOWN"}


def _box(name: str) -> str:
    """Return a piece of a line by its name: one that goes both ways is a corner or a crossing."""
    words = {*name.split()}
    is_across, is_upright = not words.isdisjoint(_ACROSS), not words.isdisjoint(_UPRIGHT)
    return "+" if is_across and is_upright else "|" if is_upright else "-"


_SIGNS = {
    **dict(zip("·×∂≈", "*xd~", strict=True)),
    **dict(zip("○●◌▶✓✗", "o#%>vX", strict=True)),
    **dict(zip("◉◈◇◆•»«›‹▸◂▴▲▾▼", "@&$@@><><><^^vv", strict=True)),
    **dict(zip("↑↓–—′’‘“”⋯°₀₁₂₃", "^v--'''\"\"~o0123", strict=True)),
    **{chr(code): _box(unicodedata.name(chr(code))) for code in range(0x2500, 0x2580)},
    **dict(
        zip("━┄═┊╱╲╳", "=~#:/\\x", strict=True)
    ),  # phases, and the lines of a plot, that are not told apart otherwise
    **dict.fromkeys("▁▂▃▄▅▆▇▀", " "),  # the ends of scroll bars, which the background shows
    **dict.fromkeys("█▉▊▋▌▐", "#"),
    **dict(zip("▓▒░", "+=.", strict=True)),
    **dict.fromkeys("▍▎▏▕", "|"),
    "▔": "-",
    "\u00a0": " ",
}
"""Signs of one cell, and what stands in that cell in their place."""
_SPELLED = {
    "…": "...",
    "→": "->",
    "←": "<-",
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
    "‖": "||",
    "∞": "inf",
    "√": "sqrt",
    "∫": "integral ",
    "⌊": "floor(",
    "⌋": ")",
    "⌈": "ceil(",
    "⌉": ")",
    "\u0302": "_hat",
    "Σ": "sum ",
    "Γ": "Gamma",
    "Φ": "Phi",
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "eps",
    "λ": "lambda",
    "μ": "mu",
    "π": "pi",
    "σ": "sigma",
    "φ": "phi",
    "ψ": "psi",
    "🔎": "> ",
}
"""Signs that take more than a cell in ASCII."""
_TIGHT = {"…": _CUT, "→": ">", "←": "<"}
"""What stands for some of these where a line has no room left."""


def _dots(letter: int) -> str:
    """Return the sign that looks most like the dots of a braille letter: a piece of a fine line."""
    rows = [(bool(letter & left), bool(letter & right)) for left, right in _DOTS]
    lefts, rights = ([row for row, pair in enumerate(rows) if pair[side]] for side in (0, 1))
    both = lefts + rights
    if not both:
        return " "
    if max(both) - min(both) > 1:
        lean = sum(lefts) / len(lefts) - sum(rights) / len(rights) if lefts and rights else 0.0
        return "/" if lean >= 1 else "\\" if lean <= -1 else "|"
    middle = sum(both) / len(both)
    if middle < 1:
        return "'"
    return "-" if middle < 3 else "_" if lefts and rights else "."


_LINES = {chr(code): _dots(code - _BRAILLE.start) for code in _BRAILLE}
_TABLE = str.maketrans({**_LINES, **_SIGNS, **_SPELLED})
_TIGHT_TABLE = _TABLE | str.maketrans(_TIGHT)


def spelled(text: str, *, is_tight: bool = False) -> str:
    """Return a text in ASCII, but for letters that are none of gradb's signs: ``dc/dx = 2*x^2 -> ...``.

    ``is_tight``: as short as it can be said.
    """
    if text.isascii():
        return text
    text = _ROOT.sub(r"sqrt(\1)", _RAISED.sub(lambda found: "^" + found[0].translate(_RAISED_AS), text))
    return text.translate(_TIGHT_TABLE if is_tight else _TABLE)


def spelled_line(line: str) -> str:
    """Return a line in ASCII; a line of JSON (it begins with an object) says the same by numbered escapes."""
    if line.isascii():
        return line
    if line.startswith('{"'):
        return "".join(char if char.isascii() else json.dumps(char)[1:-1] for char in line)
    return "".join(text for text, _ in _respelled([(line, None)], is_tight=False)[0])


def fitted(runs: Sequence[tuple[str, Style]]) -> list[tuple[str, Style]]:
    """Return the runs of a line, each with its style, in ASCII and in as many cells as there are, cut at worst."""
    for is_tight in (False, True):
        respelled, debt = _respelled(runs, is_tight=is_tight)
        if not debt:
            return respelled
    return _cropped(respelled, [text for text, _ in runs], debt)


def _respelled(runs: Sequence[tuple[str, Style]], *, is_tight: bool) -> tuple[list[tuple[str, Style]], int]:
    """Return the runs in ASCII, and by how many cells they are too long."""
    debt, respelled = 0, []
    for text, style in runs:
        parts = []
        for index, part in enumerate(_GAP.split(text)):
            new = spelled(part, is_tight=is_tight)
            if index % 2:
                taken = min(debt, len(part) - 1)
                debt -= taken
                new = new[taken:]
            elif new is not part:
                debt += cell_len(new) - cell_len(part)
            parts.append(new)
        respelled.append(("".join(parts), style))
    return respelled, max(debt, 0)


def _cropped(runs: list[tuple[str, Style]], before: Sequence[str], debt: int) -> list[tuple[str, Style]]:
    """Cut the end of a line, before its border if it has one, to where it fits."""
    for index in range(len(runs) - 1, -1, -1):
        text, style = runs[index]
        if before[index].strip() not in {"", *_BORDERS} and len(text) > debt:
            runs[index] = (f"{text[: len(text) - debt - 1]}{_CUT}", style)
            break
    return runs
