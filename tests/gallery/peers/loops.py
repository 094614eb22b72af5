"""Takes the training loop of a script apart: a forward that can be called, the optimizer, and one turn after another.

The script itself is run, with one call put at the top of the body of its first loop with a backward. That call is given
a forward, which a user of a tool that asks for one would have written down: the body up to the last backward before the
first step, without what clears or steps; where it has several backwards, the sum of what they begin from.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TURN = "_peers_turn"
_FORWARD = "_peers_forward"
_ROOTS = "_peers_roots"
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None


@dataclass(frozen=True, slots=True)
class Turn:
    """The top of one iteration, as a user of a tool has it before them."""

    forward: Callable[[], Any]
    """Computes what the backwards before the first step begin from, as a sum."""
    steppers: tuple[Callable[[], Any], ...]
    """What is stepped after them, in order, then what is before: optimizers, and what else has a ``step``."""
    scope: dict[str, Any]
    """The variables that can be seen here."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the loop is, and its last backward before the first step."""

    function: _Function
    """Whose body it is in; None: the module's."""
    loop: ast.For | ast.While
    backward: ast.Expr


def run(path: Path, turn: Callable[[Turn], None] | None = None) -> dict[str, Any]:
    """Run a script, with a call at the top of each turn of its first loop with a backward and a step, else a backward.

    Raises:
        LookupError: there is no such loop, or what is in it cannot be a function.
    """
    tree = ast.parse(path.read_bytes())
    space: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
    if turn is not None:
        place = _place(tree)
        if place is None:
            raise LookupError("no loop of its own calls backward()")
        _instrument(place)
        space[_TURN] = lambda forward, scope, *steppers: turn(Turn(forward, steppers, scope))
    try:
        code = compile(ast.fix_missing_locations(tree), str(path), "exec")
    except SyntaxError as error:
        raise LookupError(f"the body of its loop is no function: {error.msg}") from None
    exec(code, space)
    return space


def _place(tree: ast.Module) -> _Place | None:
    found = [one for one in _backwards(tree.body, None, ()) if one[1]]
    trained = [one for one in found if any(_steppers(loop) for loop in one[1])]
    for function, loops, statement in (*trained, *found):
        stepping = [loop for loop in loops if _steppers(loop)]
        loop = (stepping or loops)[-1]
        return _Place(function, loop, _last(loop, statement))
    return None


def _last(loop: ast.For | ast.While, first: ast.Expr) -> ast.Expr:
    """Return the last backward of a loop before its first step after a backward."""
    steps = [line for line, _ in _steppers(loop) if line >= first.lineno]
    found = [statement for _, _, statement in _backwards(loop.body, None, ())]
    return max(
        (one for one in found if not steps or one.lineno <= min(steps)), key=lambda one: one.lineno, default=first
    )


_Found = tuple[_Function, tuple[ast.For | ast.While, ...], ast.Expr]


def _backwards(
    body: Sequence[ast.AST], function: _Function, loops: tuple[ast.For | ast.While, ...]
) -> Iterator[_Found]:
    """Yield each statement that calls a backward, with the function it is in and the loops around it there."""
    for node in body:
        if isinstance(node, ast.Expr) and _root(node) is not None:
            yield function, loops, node
        elif isinstance(node, ast.For | ast.While):
            yield from _backwards(list(ast.iter_child_nodes(node)), function, (*loops, node))
        elif isinstance(node, ast.FunctionDef):
            yield from _backwards(node.body, node, ())
        elif not isinstance(node, ast.AsyncFunctionDef | ast.Lambda):
            yield from _backwards(list(ast.iter_child_nodes(node)), function, loops)


def _root(node: ast.AST) -> ast.expr | None:
    """Return what the backward of a statement begins from; None where it is no such statement."""
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "backward":
        is_function = ast.unparse(call.func.value) in {"torch.autograd", "autograd"}
        return _unscaled((call.args[0] if call.args else None) if is_function else call.func.value)
    return None


def _unscaled(root: ast.expr | None) -> ast.expr | None:
    """Return the loss itself where a GradScaler's multiple of it is meant."""
    is_scaled = isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute) and root.func.attr == "scale"
    return root.args[0] if is_scaled and isinstance(root, ast.Call) and root.args else root


def _steppers(loop: ast.AST) -> list[tuple[int, ast.expr]]:
    """Return what has its ``step`` called, and what is given to one, each with its line."""
    calls = [node for node in ast.walk(loop) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    steps = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "step"]
    return [
        (call.lineno, given)
        for call in steps
        if isinstance(call.func, ast.Attribute)
        for given in (call.func.value, *call.args[:1])
    ]


def _instrument(place: _Place) -> None:
    """Put the call at the top of the loop's body."""
    begin = ast.parse(f"{_ROOTS} = []").body
    body = [*begin, *_until(place.loop.body, place.backward), _return(place.backward)]
    names = sorted(_bound(body) - {_ROOTS})
    declared = (ast.Global if place.function is None else ast.Nonlocal)(names)
    forward = ast.FunctionDef(_FORWARD, _no_arguments(), [declared, *body] if names else body, [])
    after = [given for line, given in _steppers(place.loop) if line >= place.backward.lineno]
    before = [given for line, given in _steppers(place.loop) if line < place.backward.lineno]
    scope = ast.parse("{**globals(), **locals()}", mode="eval").body
    steppers = [ast.Lambda(_no_arguments(), given) for given in (*after, *before)]
    call = ast.Call(ast.Name(_TURN, ast.Load()), [ast.Name(_FORWARD, ast.Load()), scope, *steppers], [])
    place.loop.body[:0] = [forward, ast.Expr(call)]


def _until(body: Sequence[ast.stmt], end: ast.Expr) -> list[ast.stmt]:
    """Return copies of the statements of a body up to one that is in it, at any depth; no clearing, no step."""
    kept: list[ast.stmt] = []
    for node in body:
        if node is end:
            return kept
        if any(inner is end for inner in ast.walk(node)):
            return [*kept, *_around(node, end)]
        root = _root(node)
        if root is not None:
            kept += ast.parse(f"{_ROOTS} = [*{_ROOTS}, ({ast.unparse(root)})]").body
        elif not _is_clearing(node):
            kept.append(node)
    return kept


def _return(backward: ast.Expr) -> ast.Return:
    root = _root(backward)
    assert root is not None
    return ast.Return(ast.parse(f"sum([*{_ROOTS}, ({ast.unparse(root)})])", mode="eval").body)


def _around(node: ast.stmt, end: ast.Expr) -> list[ast.stmt]:
    """Return what of a statement comes before one in it: a ``with`` around the rest, a branch taken, a loop begun."""
    bodies = [part for name in ("body", "orelse") if isinstance(part := getattr(node, name, None), list)]
    body = next(part for part in bodies if any(inner is end for one in part for inner in ast.walk(one)))
    rest = [*_until(body, end), _return(end)]
    if isinstance(node, ast.With):
        return [ast.With(node.items, rest)]
    if isinstance(node, ast.For):
        return [ast.For(node.target, node.iter, rest, [])]
    return rest


def _is_clearing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and any(word in ast.unparse(node) for word in ("zero_grad", ".step("))


def _bound(body: Sequence[ast.AST]) -> set[str]:
    """Return the names that statements bind in their own scope."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        if not isinstance(node, (*_SCOPES, *_COMPREHENSIONS)):
            names |= _bound(list(ast.iter_child_nodes(node)))
    return names


def _no_arguments() -> ast.arguments:
    return ast.arguments([], [], None, [], [], None, [])
