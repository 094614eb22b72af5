"""The command palette's rows: every command of the registry that needs no argument, and the colour themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from gradb.tui.keys import palette_rows
from gradb.tui.messages import StatementEntered
from gradb.tui.themes import THEMES

Entry = tuple[str, str, Callable[[], object]]


class CommandProvider(Provider):
    """Offers the registry's commands to Textual's palette."""

    async def discover(self) -> Hits:
        """Offer everything before anything is typed."""
        for title, help_, run in self._entries():
            yield DiscoveryHit(title, run, help=help_)

    async def search(self, query: str) -> Hits:
        """Offer what matches."""
        matcher = self.matcher(query)
        for title, help_, run in self._entries():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), run, help=help_)

    def _entries(self) -> Iterator[Entry]:
        for row in palette_rows():
            title = f"{row.name}  ({row.keys})" if row.keys else row.name
            yield title, row.help, partial(self.screen.post_message, StatementEntered(row.name))
        for theme in THEMES:
            yield f"theme {theme.name}", "Change the colours", partial(setattr, self.app, "theme", theme.name)
