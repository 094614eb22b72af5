"""Paths of variables in expressions: ``netG.main.12.weight`` and ``layers[0].w[1]``, which Python alone cannot read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradb.tape.expressions.equality import cut

MOST_QUOTED = 200
_MARK = "_number_"
_CHAIN = re.compile(r"""(?P<text>"[^"]*"|'[^']*')|(?P<chain>[A-Za-z_]\w*(?:\.\w+|\[[^\[\]]*\])*)""")
_NUMBER = re.compile(r"\.(?=\d)")


def readable(text: str) -> str:
    """Return an expression that Python can parse: a module's number becomes an attribute with a mark."""
    return _CHAIN.sub(lambda found: found[0] if found["text"] else _NUMBER.sub(f".{_MARK}", found[0]), text)


def written(text: str) -> str:
    """Return an expression as it was typed, without marks."""
    return text.replace(_MARK, "")


def quote(tree: ast.expr) -> str:
    """Return an expression as text for a sentence, cut where it is long."""
    try:
        return cut(written(ast.unparse(tree)), MOST_QUOTED)
    except RecursionError:
        return "…"


def path_of(tree: ast.expr) -> str:
    """Return ``a.b[0]["c"]`` for a name, or for what attributes and plain indexes lead to from one; else nothing."""
    match tree:
        case ast.Name():
            return tree.id
        case ast.Attribute():
            owner = path_of(tree.value)
            return f"{owner}.{tree.attr.removeprefix(_MARK)}" if owner else ""
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
        case ast.Call(func=ast.Name("tensor"), args=[ast.Constant(value=name)], keywords=[]):
            return str(name)
    return ""
