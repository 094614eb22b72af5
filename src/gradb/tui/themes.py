"""The colour themes of the app: dark, light and high contrast.

The panes' own styles are in `gradb.present.draw.theme`, by the names of the sixteen terminal colours; here is what
those names mean, and the colours of borders, bars and backgrounds. Colour is never the only signal: every state has a
symbol.
"""

from __future__ import annotations

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

DARK = Theme(
    name="dark",
    primary="#7aa2f7",
    secondary="#9aa5ce",
    accent="#e0af68",
    warning="#e0af68",
    error="#f7768e",
    success="#9ece6a",
    foreground="#c8d0e8",
    background="#15171f",
    surface="#15171f",
    panel="#20232f",
    dark=True,
    variables={"border": "#3b4261", "border-blurred": "#343a52", "footer-key-foreground": "#e0af68"},
)
LIGHT = Theme(
    name="light",
    primary="#2a5bbf",
    secondary="#4a5a80",
    accent="#9a5b00",
    warning="#9a5b00",
    error="#b3203a",
    success="#2f7a1f",
    foreground="#1f2330",
    background="#fbfaf7",
    surface="#fbfaf7",
    panel="#ebe9e3",
    dark=False,
    variables={"border": "#b5b1a6", "border-blurred": "#c9c5ba", "footer-key-foreground": "#9a5b00"},
)
CONTRAST = Theme(
    name="contrast",
    primary="#ffffff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff6b6b",
    success="#7fff7f",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    text_alpha=1.0,
    variables={"border": "#ffffff", "border-blurred": "#9a9a9a", "footer-key-foreground": "#ffff00"},
)
THEMES = (DARK, LIGHT, CONTRAST)


def _ansi(ground: str, text: str, plain: str, bright: str) -> TerminalTheme:
    """Make a table of the sixteen colours, in order: black, red, green, yellow, blue, magenta, cyan, white."""
    rows = [[_rgb(colour) for colour in row.split()] for row in (plain, bright)]
    return TerminalTheme(_rgb(ground), _rgb(text), *rows)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


ANSI_DARK = _ansi(
    "#15171f",
    "#c8d0e8",
    "#3b4261 #f7768e #9ece6a #e0af68 #7aa2f7 #bb9af7 #7dcfff #c8d0e8",
    "#545c7e #ff8ca0 #b2e27e #f4c782 #96b9ff #cfb4ff #96e1ff #ffffff",
)
"""The colours that `gradb.present.draw.theme` names, on a dark ground."""
ANSI_LIGHT = _ansi(
    "#fbfaf7",
    "#1f2330",
    "#1f2330 #b3203a #2f7a1f #8c5400 #2a5bbf #7e30a8 #006c8c #5a5e68",
    "#4a5060 #c82846 #388c28 #a06000 #3c6ed2 #9244bc #0080a4 #14161e",
)
"""The same on a light ground."""
