"""G017: an optimizer was made, backward fills the parameters that it was given, and it never steps."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule, NotJudgedError
from gradb.diagnosis.training.intent import is_ended
from gradb.diagnosis.training.ledger import Ledger
from gradb.diagnosis.training.parts import Leaf
from gradb.diagnosis.training.wording import group, names_of, verb
from gradb.diagnosis.uncaught import failure, uncaught
from gradb.frame.reader import Tape
from gradb.tape.kinds.event import Event

_ENOUGH = 3
"""Backwards that have filled what it was given."""
_MOST_OPTIMIZERS = 256
_LIBRARY = "/lib/python"
_HIDDEN = frozenset({"grad", "functional_call", "vector_to_parameters"})
"""What uses gradients, or changes parameters past autograd."""
_HARMLESS = frozenset({"zero_", "zero"})
"""What the script may do to a gradient that is no use of it."""


@dataclass(frozen=True, slots=True)
class _Made:
    """An optimizer as the tape tells of its making."""

    kind: str
    file: str
    line: int
    leaves: tuple[int, ...]


class Unstepped:
    """Judges at the end, by the account of the leaves."""

    def __init__(self, evidence: Evidence) -> None:
        self._tape = evidence.tape
        self._ledger = evidence.account(Ledger)
        self._stepped: set[tuple[str | None, int | None]] = set()

    def see(self, event: Event) -> None:
        """Take note of where an optimizer stepped."""
        self._stepped.add((event.file, event.line))

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each such optimizer."""
        self._ledger.demand()
        found = [(made, leaves) for made in _made(self._tape) if (leaves := self._idle(made))]
        if found:
            self._insist_on_all()
        return [self._finding(made, leaves) for made, leaves in found if not _uses_gradients(self._tape)]

    def _idle(self, made: _Made) -> list[Leaf]:
        """Return the leaves that backward fills; none where anything has changed or used any that it was given."""
        leaves = [leaf for id_ in dict.fromkeys(made.leaves) if (leaf := self._ledger.leaves.get(id_)) is not None]
        filled = [leaf for leaf in leaves if leaf.fills >= _ENOUGH]
        if any(leaf.optimizers or leaf.changes or leaf.is_given for leaf in leaves):
            return []
        return filled if all(self._is_as_it_was(leaf) for leaf in filled) else []

    def _is_as_it_was(self, leaf: Leaf) -> bool:
        """Tell whether a leaf is known to have the value that it had at its first backward."""
        if leaf.first is None:
            return False
        before = self._tape.defined_at(leaf.id, leaf.first.event.seq)
        return before is None or before == self._tape.defined_at(leaf.id, self._tape.head)

    def _insist_on_all(self) -> None:
        """Insist that the script came to its end, and past each call that may be the step.

        Raises:
            NotJudgedError: it did not.
        """
        tape = self._tape
        if is_ended(tape) or not tape.is_finished:
            raise NotJudgedError("the run was ended early: an optimizer that has not stepped may have been going to")
        if uncaught(tape) is not None or failure(tape):
            raise NotJudgedError("the script failed before an optimizer has stepped that it had made")
        if self._ledger.is_watched:
            raise NotJudgedError("some of the run was only watched")
        for path, text in tape.sources:
            for first, last in _steps(text):
                if not any(path == file and first <= (line or 0) <= last for file, line in self._stepped):
                    raise NotJudgedError(f"the step of line {first} was not come to, or was no optimizer's")

    def _finding(self, made: _Made, leaves: list[Leaf]) -> Finding:
        leaves = self._ledger.named(leaf.id for leaf in leaves)
        fills = max(leaf.fills for leaf in leaves)
        message = (
            f"{made.kind} was made here and never steps: {fills} backwards fill {group(leaves)}, and nothing changes"
            f" {verb(leaves, 'it', 'them')}"
        )
        ends = [one for leaf in leaves[:1] for one in (leaf.first, leaf.newest) if one is not None]
        words = (f"the first of {fills} backwards that fill what it has", "the last of them; no step follows")
        steps = tuple(Step(one.event.seq, text) for one, text in zip(ends, words, strict=False))
        return Finding("G017", steps[-1].event, message, made.file, made.line, steps, names_of(leaves))


def _made(tape: Tape) -> Iterator[_Made]:
    """Yield the optimizers of which it is known where the script has made them."""
    for number in range(1, _MOST_OPTIMIZERS):
        text = tape.fact(f"optimizer_{number}")
        if text is None:
            return
        try:
            kind, _, file, line, leaves = json.loads(text)[:5]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if isinstance(file, str) and isinstance(line, int) and tape.source_text(file) is not None:
            yield _Made(str(kind), file, line, tuple(leaves))


# --- what the script's text shows -------------------------------------------------------------------------------------


def _uses_gradients(tape: Tape) -> bool:
    """Tell whether the script may use gradients or change parameters itself: it names ``.grad``, or edits ``.data``."""
    return any(_has_grad(text) for path, text in tape.sources if text is not None or _LIBRARY not in path)


@lru_cache(8)
def _has_grad(text: str | None) -> bool:
    tree = _tree(text)
    if tree is None:
        return True
    harmless: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _HARMLESS:
            harmless.add(node.value)
        elif isinstance(node, ast.Compare) and all(isinstance(one, ast.Is | ast.IsNot) for one in node.ops):
            harmless.add(node.left)
    names = (node for node in ast.walk(tree) if _names_grad(node))
    return any(node not in harmless for node in names)


def _names_grad(node: ast.AST) -> bool:
    """Tell whether ``.grad`` is read, or imported or asked for by its name; or parameters change past autograd."""
    if isinstance(node, ast.Attribute):
        is_edit = node.attr.endswith("_") and isinstance(node.value, ast.Attribute) and node.value.attr == "data"
        is_set = node.attr == "data" and isinstance(node.ctx, ast.Store)
        return is_edit or is_set or (node.attr in _HIDDEN and isinstance(node.ctx, ast.Load))
    if isinstance(node, ast.alias):
        return node.name.rpartition(".")[2] in _HIDDEN
    return isinstance(node, ast.Constant) and node.value == "grad"


@lru_cache(8)
def _steps(text: str | None) -> tuple[tuple[int, int], ...]:
    """Return the first and last line of each call or mention of a ``step`` that is not a schedule's or a profiler's."""
    tree = _tree(text)
    return tuple(
        (node.lineno, node.end_lineno or node.lineno)
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Attribute) and node.attr == "step" and not _is_other(ast.unparse(node.value).lower())
    )


def _is_other(receiver: str) -> bool:
    return any(word in receiver for word in ("sched", "prof", "env"))


def _tree(text: str | None) -> ast.Module | None:
    try:
        return None if text is None else ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


RULES = (
    DiagnosisRule(
        "G017",
        "an optimizer never steps",
        "warning",
        "The script makes an optimizer, and backward() fills the parameters that it was given again and again; its"
        " step() is never called, and nothing else changes them, so nothing is trained. Where the script reads .grad"
        " itself, or has a call of step() that it did not come to, this is not judged.",
        "Call optimizer.step() after backward().",
        frozenset({"step"}),
        Unstepped,
    ),
)
