"""What is painted first: which script it is, and that it starts. The screen of the run is loaded behind it."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.widget import Widget

from gradb.present.draw.safe import plain
from gradb.tui.behind import Behind

_DOING = "starting"


class StartScreen(Behind[None]):
    """Looks as the screen of the run does before anything is recorded, and takes no keys: that screen answers them.

    Args:
        script: what is run.
    """

    def __init__(self, script: str) -> None:
        super().__init__()
        self._script = plain(script)

    def compose(self) -> ComposeResult:
        """Lay out the header and what is going on."""
        yield StartHeader(self._script)
        yield StartText(self._script)


class _Line(Widget):
    def __init__(self, script: str) -> None:
        super().__init__()
        self._script = script


class StartHeader(_Line):
    """The script on the left, what it does on the right."""

    def render(self) -> Text:
        """Draw the line."""
        left = Text.assemble((" gradb ", "bold"), (f" {self._script}", "bold cyan"))
        right = Text(f"▶ {_DOING} ", "bold")
        left.truncate(max(self.size.width - right.cell_len - 1, 0), overflow="ellipsis")
        return left.append(" " * (self.size.width - left.cell_len - right.cell_len)).append_text(right)


class StartText(_Line):
    """The same in the middle of the screen."""

    def render(self) -> Text:
        """Draw it."""
        return Text.assemble((self._script, "bold cyan"), "\n\n", f"{_DOING}…", justify="center")
