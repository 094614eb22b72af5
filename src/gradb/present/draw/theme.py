"""Styles and symbols, one name each, used by the panes on the screen and in printed text.

The styles use the terminal's own sixteen colours, so they follow a light, dark or high-contrast palette; wherever a
colour means something a symbol or a word says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gradb.frame.graph.view import NodeState

TITLE: Final = "bold"
LABEL: Final = "bold"
DIM: Final = "dim"
NAME: Final = "bold cyan"
NODE: Final = "bold"
UPSTREAM: Final = "magenta"
LOCAL: Final = "yellow"
DOWNSTREAM: Final = "green"
MATH: Final = "italic"
OK: Final = "green"
WARNING: Final = "bold red"
CHANGED: Final = "bold yellow"
NONFINITE: Final = "bold red reverse"
CURRENT: Final = "bold"
SELECTED: Final = "reverse"
MARKED: Final = "bold underline reverse"
STDERR: Final = "red"

STATE_SYMBOLS: Final[dict[NodeState, str]] = {
    "created": "·",
    "pending": "○",
    "running": "▶",
    "done": "●",
    "freed": "◌",
    "failed": "✗",
    "unrecorded": "?",
}
STATE_STYLES: Final[dict[NodeState, str]] = {
    "created": "",
    "pending": "yellow",
    "running": "bold magenta",
    "done": "green",
    "freed": "dim",
    "failed": "bold red",
    "unrecorded": "bold yellow",
}
PHASE_STYLES: Final[dict[str, str]] = {
    "start": "dim",
    "forward": "cyan",
    "backward": "magenta",
    "gradients": "green",
    "optimizer": "yellow",
    "end": "dim",
}
PHASE_LETTERS: Final[dict[str, str]] = {
    "start": "S",
    "forward": "F",
    "backward": "B",
    "gradients": "G",
    "optimizer": "O",
    "end": "E",
}
PHASE_BARS: Final[dict[str, str]] = {
    "start": " ",
    "forward": "─",
    "backward": "━",
    "gradients": "┄",
    "optimizer": "═",
    "end": "·",
}

TOKEN_STYLES: Final[dict[str, str]] = {
    "Token.Keyword": "bold blue",
    "Token.Keyword.Constant": "cyan",
    "Token.Name.Builtin": "cyan",
    "Token.Name.Function": "bold",
    "Token.Name.Class": "bold",
    "Token.Name.Decorator": "magenta",
    "Token.Operator.Word": "bold blue",
    "Token.Literal.Number": "cyan",
    "Token.Literal.String": "green",
    "Token.Comment": "dim italic",
}
"""Styles of Pygments tokens; a token without a row takes its parent's."""
