"""In which module of the script's each node was made: the scope of the event at which it was first seen."""

from __future__ import annotations

from gradb.frame.store import Store

_BLOCK = 512  # nodes read at once

Path = tuple[str, ...]
"""A module's path, part by part: ``("h", "0", "attn")``; empty outside of every module."""


class Modules:
    """The modules of the nodes of one tape."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._paths: dict[int, Path] = {}
        self._parts: dict[str, Path] = {"": ()}
        self._asked = -1
        self._has_any = False

    @property
    def has_any(self) -> bool:
        """True where something on the tape happened in a module."""
        if not self._has_any and self._asked != self._store.head:
            self._asked = self._store.head
            self._has_any = self._store.db.one("SELECT 1 FROM site WHERE scope != '' LIMIT 1") is not None
        return self._has_any

    def path(self, node: int) -> Path:
        """Return the path of the module that a node was made in."""
        if node not in self._paths:
            self._read(node // _BLOCK)
        return self._paths.get(node, ())

    def _read(self, block: int) -> None:
        rows = self._store.db.all(
            "SELECT n.id, t.scope FROM node n JOIN event e ON e.seq = n.event JOIN site t ON t.id = e.site"
            " WHERE n.id BETWEEN ? AND ?",
            block * _BLOCK,
            block * _BLOCK + _BLOCK - 1,
        )
        for node, scope in rows:
            self._paths[node] = self._split(scope) if type(scope) is str else ()

    def _split(self, scope: str) -> Path:
        if scope not in self._parts:
            self._parts[scope] = tuple(scope.split("."))
        return self._parts[scope]
