"""Puts the rows of graphs together, by modules and what is repeated; what several have in common is done once."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from gradb.frame.cache import Cache
from gradb.frame.graph.folds import Items, Row, Rows, State, put_before, put_on_top
from gradb.frame.graph.modules import Modules
from gradb.frame.graph.region import Region
from gradb.frame.graph.unfold import Unfolding
from gradb.frame.steps import finished
from gradb.frame.store import Store

_KEPT = 20_000  # stretches of which it is kept how all below them is put together
_LAYING = 0.6  # of the time: to lay the rows out, before they are put together


class Outlines:
    """The folds of the graphs of one tape."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._modules = Modules(store)
        self._states: Cache[int, State | None] = Cache(lambda _: None, _KEPT)
        """start of a stretch -> what is known of all from there down."""

    def of(self, tree: Unfolding) -> Items | None:
        """Return what a graph holds; None where no module made any of it, and nothing is repeated in it.

        Raises:
            TapeError: the tape is damaged.
        """
        return finished(self.reading(tree))

    def reading(self, tree: Unfolding) -> Generator[float, None, Items | None]:
        """Do the same a little at a time; yields which share of it is done, 0 to 1."""
        state, number = State(), 0
        while number < len(tree.parts) or tree.add():
            yield _LAYING * tree.count / tree.size
            starts = tree.starts[number]
            if len(starts) == 1 and starts[0] in self._states and (known := self._states(starts[0])) is not None:
                state = known
                break
            number += 1
        else:
            tree.reach(tree.size - 1)
        for at in range(number - 1, -1, -1):
            yield _LAYING + (1 - _LAYING) * (number - at) / number
            if tree.starts[at] != tree.loose:
                state = put_on_top(state, self._rows(tree.parts[at]))
                if len(tree.starts[at]) == 1:
                    self._states.put(tree.starts[at][0], state)
        return _followed(state.whole(), len(tree.loose))

    def _rows(self, part: Region) -> Iterator[Row]:
        """Yield the rows of a stretch, the lowest first.

        A leaf belongs to the module that uses it, and so does what refers to a node.
        """
        leaves, has_modules = {row for row, _ in part.leaves}, self._modules.has_any
        for row in range(len(part) - 1, -1, -1):
            node, parent = part.nodes[row], part.parents[row]
            is_full = part.places.get(node) == row
            found = self._store.node(node)
            maker = node if is_full or parent < 0 else part.nodes[parent]
            is_reference = not is_full and row not in leaves
            name = "" if found is None or is_reference else found.name  # where it leads is not of the module
            yield Row(self._modules.path(maker) if has_modules else (), name, part.indents[row], is_reference)


def _followed(items: Items | None, loose: int) -> Items | None:
    """Return a list with the rows of leaves that nothing uses at its end."""
    if items is not None and items.rest is None and isinstance(items.first, Rows):
        return None
    if not loose:
        return items
    found = put_before(Rows(loose, 0), None)
    for item in reversed(list(items or ())):
        found = put_before(item, found)
    return found
