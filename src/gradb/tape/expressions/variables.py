"""Paths of variables in expressions: ``netG.main.12.weight`` and ``layers[0].w[1]``, which Python alone cannot read."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator

from gradb.tape.expressions.equality import cut

MOST_QUOTED = 200
_TOKEN = re.compile(
    r"""(?P<skipped>\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
    rf"""|\b(?:{"|".join(keyword.kwlist)})\b)|(?P<owner>[^\W\d]\w*|\])(?P<numbers>(?:\.\w+)*)|\.?\d[\w.]*""",
    re.DOTALL,
)
"""What is left as it is: texts, Python's own words and numbers; and a name or a bracket with what follows by dots."""
_NUMBER = re.compile(r"\.(?=\d)")
_INDEX = re.compile(r"\[\d+\]\Z")
_FIELD = re.compile(r"\.\w+\Z")
_GRAD = re.compile(r"\.grad\Z")


def parse(text: str) -> ast.expr:
    """Return the tree of an expression, in which a module's number is an attribute: ``0`` in ``main.0.weight``.

    Raises:
        SyntaxError: it is none.
        ValueError: it has a null character.
        RecursionError, MemoryError: it is nested too deeply.
    """
    mark = "_number_"  # what makes a name of a number, so that Python reads it
    while mark in text:
        mark += "_"

    def marked(found: re.Match[str]) -> str:
        return (found["owner"] + _NUMBER.sub(f".{mark}", found["numbers"])) if found["owner"] else found[0]

    tree = ast.parse(_TOKEN.sub(marked, text), mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            node.attr = node.attr.removeprefix(mark)
    return tree


def owners_of(path: str) -> tuple[str, ...]:
    """Return what may be the tensor that a path speaks of: ``x.grad[0]``, ``x.grad`` and ``x``, the longest first.

    Taken off are one field, a ``.grad`` before it, and any number of indexes behind each.
    """
    found = [path]
    for step in (_FIELD, _GRAD):
        found += _without_indexes(found[-1])
        found += [shorter for shorter in [step.sub("", found[-1])] if shorter != found[-1]]
    return (*found, *_without_indexes(found[-1]))


def _without_indexes(path: str) -> Iterator[str]:
    while (shorter := _INDEX.sub("", path)) != path:
        path = shorter
        yield path


def unindexed(path: str) -> str:
    """Return a path without the plain indexes at its end: ``layers[0].w`` of ``layers[0].w[1][2]``."""
    return [path, *_without_indexes(path)][-1]


def quote(tree: ast.expr) -> str:
    """Return an expression as text for a sentence, cut where it is long."""
    try:
        return cut(ast.unparse(tree), MOST_QUOTED)
    except RecursionError:
        return "…"


def quoted(text: str) -> str:
    """Return a text in quotes for a sentence, cut where it is long."""
    return cut(repr(text), MOST_QUOTED)


def path_of(tree: ast.expr) -> str:
    """Return ``a.b[0]["c"]`` for a name, or for what attributes and plain indexes lead to from one; else nothing."""
    match tree:
        case ast.Name():
            return tree.id
        case ast.Attribute():
            owner = path_of(tree.value)
            return f"{owner}.{tree.attr}" if owner else ""
        case ast.Subscript(slice=ast.Constant(value=(int() | str()) as key)) if type(key) is not bool:
            owner = path_of(tree.value)
            return f'{owner}["{key}"]' if owner and type(key) is str else f"{owner}[{key}]" if owner else ""
    return ""


def paths_of(tree: ast.expr) -> Iterator[str]:
    """Yield the longest path of everything that an expression names, and what it names in ``tensor('name')``."""
    if path := path_of(tree):
        yield path
    elif isinstance(tree, ast.Call):
        quoted = quoted_in(tree)
        for part in [] if quoted else tree.args:
            yield from paths_of(part)
        if quoted:
            yield quoted
    else:
        for child in ast.iter_child_nodes(tree):
            if isinstance(child, ast.expr):
                yield from paths_of(child)


def quoted_in(tree: ast.expr) -> str:
    """Return the name in ``tensor('name')``; nothing for any other expression."""
    match tree:
        case ast.Call(func=ast.Name("tensor"), args=[ast.Constant(value=str() as name)], keywords=[]):
            return name
    return ""
