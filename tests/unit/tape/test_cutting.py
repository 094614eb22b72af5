"""What is cut says so."""

from __future__ import annotations

import pytest

from gradb.present.lines.call import call_text
from gradb.tape.cutting import first_line, listed, shortened
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tracer.recording.failures import reason
from tests.fakes.packing import value


@pytest.mark.parametrize(
    ("text", "cut"), [("", ""), ("ten chars.", "ten chars."), ("eleven char", "eleven ch…"), ("…" * 11, "…" * 10)]
)
def test_a_text_that_is_cut_ends_with_an_ellipsis(text: str, cut: str) -> None:
    """It has the length that there is room for."""
    assert shortened(text, 10) == cut


@pytest.mark.parametrize(
    ("text", "line"),
    [("one", "one"), ("one\n", "one"), ("one\ntwo", "one …"), ("", ""), ("a" * 30, "a" * 19 + "…")],
)
def test_a_message_of_several_lines_says_that_it_goes_on(text: str, line: str) -> None:
    """Its first line stands for it."""
    assert first_line(text, 20) == line


def test_a_list_that_is_cut_says_that_there_are_more() -> None:
    """As many as there is room for."""
    assert listed("abc", 3) == "a, b, c"
    assert listed("abcd", 3) == "a, b, c, …"


def test_the_reason_of_a_failure_is_cut_with_an_ellipsis() -> None:
    """A long message, and one of several lines."""
    assert reason(ValueError("x" * 500)) == f"ValueError: {'x' * 119}…"
    assert reason(ValueError("odd\nvery")) == "ValueError: odd …"
    assert reason(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    ("keyword", "text", "shown"),
    [("keepdim", "False", ""), ("weight", "None", ""), ("bias", "False", ", bias=False"), ("training", "False",
     ", training=False"), ("keepdim", "True", ", keepdim=True"), ("unbiased", "False", ", unbiased=False")],
)  # fmt: skip
def test_a_keyword_is_left_out_only_where_it_says_nothing(keyword: str, text: str, shown: str) -> None:
    """A False that is no default tells."""
    given = Tensor(1, "x", value([1.0]))
    op = OpDetail("torch.nn.functional.f", (given,), (), (("", "%0"), (keyword, text)), ())
    assert call_text(op) == f"F.f(x{shown})"
