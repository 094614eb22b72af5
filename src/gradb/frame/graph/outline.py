"""Puts the rows of unfolded graphs together by modules; what several graphs have in common is done once."""

from __future__ import annotations

from collections.abc import Iterator

from gradb.frame.cache import Cache
from gradb.frame.graph.folds import Items, Rows, State, put_on_top
from gradb.frame.graph.modules import Modules, Path
from gradb.frame.graph.region import Region
from gradb.frame.graph.unfold import Unfolding
from gradb.frame.store import Store

_KEPT = 20_000  # stretches of which it is kept how all below them is put together


class Outlines:
    """The folds of the graphs of one tape."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._modules = Modules(store)
        self._states: Cache[int, State | None] = Cache(lambda _: None, _KEPT)
        """start of a stretch -> what is known of all from there down."""

    def of(self, tree: Unfolding) -> Items | None:
        """Return what a graph holds; None where no module made any of it.

        Raises:
            TapeError: the tape is damaged.
        """
        if not self._modules.has_any:
            return None
        tree.reach(tree.size - 1)
        state, at = State(), len(tree.parts) - bool(tree.loose)
        for number, starts in enumerate(tree.starts):
            known = self._states(starts[0]) if len(starts) == 1 and starts[0] in self._states else None
            if known is not None:
                state, at = known, number
                break
        for number in range(at - 1, -1, -1):
            state = put_on_top(state, self._rows(tree.parts[number]))
            if len(tree.starts[number]) == 1:
                self._states.put(tree.starts[number][0], state)
        return _followed(state.whole().items, len(tree.loose))

    def _rows(self, part: Region) -> Iterator[tuple[Path, str, bool]]:
        """Yield (module, name, whether it refers to another row) of the rows of a stretch, the lowest first.

        A leaf belongs to the module that uses it, and so does what refers to a node.
        """
        leaves = {row for row, _ in part.leaves}
        for row in range(len(part) - 1, -1, -1):
            node, parent = part.nodes[row], part.parents[row]
            is_full = part.places.get(node) == row
            found = self._store.node(node)
            maker = node if is_full or parent < 0 else part.nodes[parent]
            is_reference = not is_full and row not in leaves
            name = "" if found is None or is_reference else found.name  # where it leads is not of the module
            yield self._modules.path(maker), name, is_reference


def _followed(items: Items | None, loose: int) -> Items | None:
    """Return a list with the rows of leaves that nothing uses at its end."""
    if not loose:
        return items
    found = Items(Rows(loose, 0), None)
    for item in reversed(list(items or ())):
        found = Items(item, found)
    return found
