"""Names for tests: a table of what each means, and nothing of a tape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradb.debugger.suggestion import did_you_mean
from gradb.tape.expressions.faults import NoName, NoValue
from gradb.tape.expressions.operands import Numbers, Operand


@dataclass(frozen=True)
class Table:
    """Names by a table."""

    tensors: Mapping[str, Operand] = field(default_factory=dict)
    words: Mapping[str, Operand] = field(default_factory=dict)
    grads: Mapping[str, Operand] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()
    """Words that have no value yet."""

    def means(self, path: str) -> bool:
        return path in self.tensors

    def tensor(self, path: str) -> Operand:
        if path not in self.tensors:
            raise NoName(f"no tensor is called {path!r}{did_you_mean(path, tuple(self.tensors))}")
        return self.tensors[path]

    def grad(self, path: str) -> Operand:
        self.tensor(path)
        return self.grads.get(path)

    def word(self, name: str) -> Operand:
        if name in self.pending:
            raise NoValue(f"there is no {name} yet")
        return self.words[name] if name in self.words else self.tensor(name)


def value(*numbers: float, dtype: str = "float32") -> Numbers:
    """Return a vector."""
    return Numbers((len(numbers),), numbers, dtype)
