"""The .grad pane: every leaf's gradient buffer, what the current event did to it, and how large it is.

A buffer that holds the gradient of an earlier iteration beside a newer one, or while a backward goes on, is stale: it
has a sign, and below the buffers there are words. Leaves that are gone or frozen are folded under one line each.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame
from gradb.frame.gradbuffer import GradBuffer
from gradb.frame.gradtable import (
    Fold,
    arranged,
    gradient_norm,
    kind_of,
    largest,
    matching,
    order_words,
    ordered,
    parameter_norm,
    ratio,
    state_words,
)
from gradb.present.draw import theme
from gradb.present.draw.fields import cut, remark, wrapped
from gradb.present.draw.safe import plain
from gradb.present.draw.table import head_line
from gradb.present.json.values import Json, check_json, number_json, value_json
from gradb.present.lines.buffers import stale_lines
from gradb.present.lines.gradlesson import Drawn, lesson
from gradb.present.lines.gradrows import Rows, are_few_and_small, fitting
from gradb.present.lines.unseen import none_yet
from gradb.present.options import Options

_MAX_WORDS = 60
_OF_KIND = {"gone": ("is gone", "are gone"), "frozen": ("is frozen", "are frozen")}
_NONE_YET = "no leaf requires grad yet, so there is no .grad to fill"


class GradList:
    """What the pane shows of a Frame: a head, a list of lines that are drawn as they are asked for, and a foot."""

    def __init__(self, frame: Frame, options: Options) -> None:
        chosen = options.grads
        self._options = options
        self.table = arranged(frame.grads, chosen.sort, chosen.words, chosen.unfolded, is_reversed=chosen.is_reversed)
        self.head: Text | None = None
        self._drawn: list[tuple[int, Text]] | None = None
        self._rows: Rows | None = None
        self._columns: tuple[object, ...] = ()
        buffers = self.table.buffers
        if are_few_and_small([one for one in frame.grads if kind_of(one) in {None, *chosen.unfolded}]):
            self._take_lesson(lesson(buffers, options.width, chosen.sort, is_reversed=chosen.is_reversed))
        else:
            self._rows = fitting(buffers, options.width, chosen.sort)
            self._columns = self._rows.signs, self._rows.widths, tuple(column.title for column in self._rows.columns)
            self.head = head_line(self._rows.head(chosen.sort, is_reversed=chosen.is_reversed), self._rows.widths)
        self.foot = self._foot(frame)

    def _take_lesson(self, drawn: Drawn) -> None:
        """Take the lines of a lesson, those of folds where they belong."""
        lines: dict[int, list[Text]] = {}
        for index, text in drawn:
            lines.setdefault(index, []).append(text)
        self.head = next(iter(lines.pop(-1, [])), None)
        self._drawn, number = [], 0
        for at, item in enumerate(self.table.items):
            if isinstance(item, Fold):
                self._drawn.append((at, fold_line(item, self._options.width)))
            else:
                self._drawn += [(at, text) for text in lines[number]]
                number += 1

    def __len__(self) -> int:
        """Return how many lines the list has."""
        return len(self.table.items) if self._drawn is None else len(self._drawn)

    @property
    def current(self) -> int:
        """The first line of the buffer that the event is about; 0 without one."""
        current = self.table.current
        if self._drawn is None:
            return current
        return next((at for at, (index, _) in enumerate(self._drawn) if index == current), 0)

    def line(self, index: int) -> Text:
        """Return a line of the list."""
        if self._drawn is not None:
            return self._drawn[index][1]
        item = self.table.items[index]
        if isinstance(item, Fold) or self._rows is None:
            return fold_line(item, self._options.width) if isinstance(item, Fold) else Text()
        return self._rows.row(item)

    def looks(self, index: int) -> tuple[object, ...]:
        """Return all that the looks of a line depend on: of another list too, where this is equal so is the line."""
        if self._drawn is not None:
            text = self._drawn[index][1]
            return text, text.style
        return self.table.items[index], self._options.width, self._columns

    def fold_at(self, index: int) -> Fold | None:
        """Return the fold whose line it is; None for the line of a buffer."""
        item = self.table.items[index if self._drawn is None else self._drawn[index][0]]
        return item if isinstance(item, Fold) else None

    @property
    def about(self) -> str:
        """How the list is ordered, and what of it is shown: ``by norm, largest first``."""
        chosen, table = self._options.grads, self.table
        found = f"'{plain(chosen.words, _MAX_WORDS)}': {table.found:,} of {table.count:,}" if chosen.words else ""
        order = order_words(chosen.sort, is_reversed=chosen.is_reversed)
        return ", ".join(part for part in (order, found) if part)

    def _foot(self, frame: Frame) -> list[Text]:
        """Return what is to be said below the list."""
        width = self._options.width
        said = [] if self.table.found else ["nothing listed: no buffer has all of that in its name or its words"]
        if frame.are_grads_cut:
            said.append(f"only the first {len(frame.grads):,} leaves are listed")
        words = [line for sentence in said for line in wrapped(sentence, width, theme.DIM)]
        return [*stale_lines(self.table.buffers, width), *words]


def fold_line(fold: Fold, width: int) -> Text:
    """Return ``▸ 12 leaves are gone``."""
    noun = "leaf" if fold.count == 1 else "leaves"
    text = f"{'▾' if fold.is_open else '▸'} {fold.count:,} {noun} {_OF_KIND[fold.kind][fold.count != 1]}"
    return cut(Text(text, style=theme.DIM, no_wrap=True), width)


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the table of buffers; the one touched by the current event is marked ``▶``."""
    if not frame.grads:
        return remark(none_yet(_NONE_YET, frame.training), options.width)
    listed = GradList(frame, options)
    head = [] if listed.head is None else [listed.head]
    about = wrapped(listed.about, options.width, theme.DIM) if listed.about else []
    first, last, left = _window(listed, options.height, len(head) + len(about) + len(listed.foot))
    more = [Text(f"… and {left} more", style=theme.DIM)] if left else []
    return Group(*about, *head, *(listed.line(index) for index in range(first, last)), *more, *listed.foot)


def _window(listed: GradList, height: int | None, taken: int) -> tuple[int, int, int]:
    """Return the lines that fit, around the current one: the first, one past the last, and how many do not."""
    room = len(listed) if height is None else max(height - taken, 1)
    if len(listed) <= room:
        return 0, len(listed), 0
    room = max(room - 1, 1)
    first = min(max(listed.current - room // 2, 0), len(listed) - room)
    return first, first + room, len(listed) - room


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the buffer of each leaf that is asked for, in order, also of those without a row in the pane."""
    chosen = options.grads
    buffers = ordered(matching(frame.grads, chosen.words), chosen.sort, is_reversed=chosen.is_reversed)
    return {
        "grads": [_buffer_json(buffer) for buffer in buffers],
        "sort": chosen.sort,
        "reversed": chosen.is_reversed,
        "filter": chosen.words or None,
        "leaves": len(frame.grads),
        "cut": frame.are_grads_cut,
    }


def _buffer_json(buffer: GradBuffer) -> Json:
    values = {key: value_json(getattr(buffer, key)) for key in ("before", "added", "after")}
    sizes = {"norm": gradient_norm(buffer), "leaf_norm": parameter_norm(buffer), "ratio": ratio(buffer)}
    sizes["largest"] = largest(buffer)
    return {
        "name": buffer.name,
        "leaf": value_json(buffer.leaf),
        **values,
        **{key: number_json(size) for key, size in sizes.items()},
        "event": buffer.event,
        "current": buffer.is_current,
        "how": buffer.how or None,
        "fills": None if buffer.fills < 0 else buffer.fills,
        "since": buffer.since or None,
        "stale": buffer.is_stale,
        "never_cleared": buffer.is_never_cleared,
        "never": buffer.is_never,
        "gone": buffer.is_gone,
        "frozen": buffer.is_frozen,
        "words": state_words(buffer) or None,
        "check": check_json(buffer.check),
    }
