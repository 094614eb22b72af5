"""The part of the screen that the panes share: it puts each where `gradb.tui.layout` says."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.reactive import reactive
from textual.widget import Widget

from gradb.tui.find import FindLine
from gradb.tui.layout import Cells, Plan, places
from gradb.tui.pane import Pane


class Body(Container):
    """The panes, in columns that depend on the room there is."""

    plan: reactive[Plan] = reactive(Plan(), repaint=False)
    """How it is divided; the screen sets it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "find(1)", show=False),
        Binding("N", "find(-1)", show=False),
        Binding("escape", "leave_find", show=False),
    ]

    def __init__(self, *panes: Pane, find: FindLine) -> None:
        super().__init__(*panes, id="body")
        self._find = find
        self._columns = _Columns()

    def watch_plan(self, plan: Plan) -> None:
        """Divide it anew."""
        self._columns.plan = plan
        for pane in self.children[:1]:
            pane.refresh(layout=True)  # of its own accord a container would place them as before

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Let the keys be those of the screen, unless something was found."""
        return action not in {"find", "leave_find"} or self._find.is_walking

    def action_find(self, step: int) -> None:
        """Go from hit to hit."""
        self._find.step(step)

    def action_leave_find(self) -> None:
        """Forget what was found."""
        self._find.close()

    @property
    def layout(self) -> Layout:
        """Lay out by name and size; no style sheet has a say in it."""
        return self._columns


class _Columns(Layout):
    """Places the panes that are displayed."""

    name = "panes"
    plan = Plan()

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        parent.pre_layout(self)
        found = places([child.name or "" for child in children], self.plan, size.width, size.height)
        return [_placement(child, found[child.name or ""]) for child in children]


def _placement(pane: Widget, place: Cells) -> WidgetPlacement:
    return WidgetPlacement(Region(place.x, place.y, place.width, place.height), NULL_OFFSET, Spacing(), pane)
