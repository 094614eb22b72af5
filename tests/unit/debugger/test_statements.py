"""Which lines of a text have code that can do something."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, strategies as st

from gradb.debugger.existence.statements import Statements, statements

TEXT = '''\
"""A docstring
of two lines."""
import torch

# a comment
x = 5
w = torch.ones(3)
y = (
    w
    * 2
)
def f(
    a: int,
):
    """What it does."""
    # and why
    b = a.sum(
        0)
    return b

@torch.no_grad()
def g():
    c, d = w[:2]
    if c:
        pass
    else:
        z = -w
    try:
        q = w.sum()
    except ValueError:
        raise
class Net(torch.nn.Module):
    size: int = 3
a = 1; e = w * 2
f2 = lambda t: t
while True:
    break
'''
CODE = {
    3: (3, 3),  # an import runs a file
    7: (7, 7),
    **dict.fromkeys((8, 9, 10, 11), (8, 11)),
    **dict.fromkeys((12, 13, 14), (12, 18)),  # a function's head, and where it begins
    **dict.fromkeys((17, 18), (17, 18)),
    **dict.fromkeys((21, 22), (21, 23)),
    23: (23, 23),  # unpacked
    24: (24, 24),  # a tensor is asked whether it is true
    27: (27, 27),
    29: (29, 29),
    31: (31, 31),
    34: (34, 34),
    35: (35, 35),
}
NOT_CODE = {
    1: "is part of a docstring",
    2: "is part of a docstring",
    4: "is empty",
    5: "is a comment",
    6: "does nothing that gradb records",
    15: "is part of a docstring",
    16: "is a comment",
    19: "does nothing that gradb records",
    20: "is empty",
    25: "does nothing that gradb records",
    26: "does nothing that gradb records",
    28: "does nothing that gradb records",
    30: "does nothing that gradb records",
    32: "does nothing that gradb records",
    33: "does nothing that gradb records",
    36: "does nothing that gradb records",
    37: "does nothing that gradb records",
}


def of(text: str) -> Statements:
    """Return the statements of a text that can be read."""
    found = statements(text)
    assert found is not None
    return found


def test_every_line_is_code_or_said_to_be_none() -> None:
    """A line belongs to a statement of one line or several, or there is a reason why it has none."""
    found = of(TEXT)
    assert len(found.lines) == len(CODE) + len(NOT_CODE)
    assert {line: span for line in range(1, 38) if (span := found.at(line))} == CODE
    assert {line: found.what(line) for line in NOT_CODE} == NOT_CODE


@pytest.mark.parametrize(("line", "near"), [(1, 3), (4, 3), (5, 7), (6, 7), (16, 17), (19, 17), (20, 21), (999, 35)])
def test_the_nearest_line_with_code(line: int, near: int) -> None:
    """It is the one to go to instead; of two that are equally near the one below."""
    assert of(TEXT).nearest(line) == near


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing", '"""only a docstring"""', "x = 1"])
def test_a_text_without_code_has_no_line(text: str) -> None:
    """Then nothing is near either."""
    assert (of(text).spans, of(text).nearest(1)) == ((), None)


@pytest.mark.parametrize("text", ["def f(:", "x = (", "\0", "(" * 500])
def test_what_python_cannot_read_is_not_known(text: str) -> None:
    """Of a text that is no Python nothing is claimed."""
    assert statements(text) is None


LINES = [
    "x = w * 2",
    "x = 5",
    "",
    "# no",
    "f(",
    ")",
    "if w:",
    "    g(w)",
    "    pass",
    "else:",
    "def h():",
    "y = [",
    "  w,",
    "]",
]


@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_each_call_stands_on_a_line_with_code(lines: list[str]) -> None:
    """Wherever Python would evaluate a call or an operator, there is a statement, and spans do not overlap."""
    found = statements("\n".join(lines))
    if found is None:
        return
    tree = ast.parse("\n".join(lines))
    acting = [node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.BinOp)]
    for node in acting:
        assert found.at(node.lineno) is not None
    assert all(one[1] < two[0] for one, two in zip(found.spans, found.spans[1:], strict=False))
