"""How gradb says something on the event line. What it is the sign in front tells, and the colour says the same."""

from __future__ import annotations

from typing import Literal

from rich.text import Text

from gradb.present.draw.fields import wrapped
from gradb.present.draw.safe import plain_lines

Tone = Literal["news", "end", "warning", "refusal", "waiting"]
"""What was done; the same, and that the end of the run was come to; what has to be known; what was not done, by a
mistake of the user's; what is under way."""
_SIGNS: dict[Tone, tuple[str, str]] = {
    "news": (">", "bold cyan"),
    "end": (">", "bold cyan"),
    "warning": ("!", "bold yellow"),
    "refusal": ("✗", "bold red"),
    "waiting": ("…", "bold yellow"),
}


def told(text: str, tone: Tone, width: int) -> list[Text]:
    """Return what is said, folded; nothing to say is an empty line."""
    sign, style = _SIGNS[tone]
    lines = [f"{'  ' if index else f'{sign} '}{line}" for index, line in enumerate(plain_lines(text))]
    return [piece for line in lines for piece in wrapped(line, width, style)] or [Text("")]
