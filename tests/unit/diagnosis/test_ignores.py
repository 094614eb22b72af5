"""Comments that let a finding be are read as Python reads comments."""

from __future__ import annotations

import pytest

from gradb.diagnosis.ignores import ignores_of

SOURCE = '''\
text = "# gradb: ignore"
step()  # gradb: ignore[G004, g010]
# gradb: ignore
call(
    1,  # gradb: ignore[G001]
    """
    # gradb: ignore
    """,
)  #gradb:ignore
if x:  # noqa  # gradb: ignore[G002]
    y()
for _ in loop: z()  # gradb: ignored elsewhere
'''

CASES = (
    (1, "G004", False),
    (2, "G004", True),
    (2, "G010", True),
    (2, "G001", False),
    (3, "G004", False),
    (4, "G001", True),
    (7, "G777", True),
    (9, "G777", True),
    (10, "G002", True),
    (11, "G002", False),
)


@pytest.mark.parametrize(("line", "code", "is_ignored"), CASES)
def test_a_comment_is_about_its_statement(line: int, code: str, is_ignored: bool) -> None:
    """On any of its lines; what looks like one in a string, or stands alone on a line, is none."""
    assert any(one.covers(code, line) for one in ignores_of(SOURCE)) is is_ignored


def test_what_cannot_be_read_costs_no_more_than_itself() -> None:
    """The text of a tape may be damaged, or of a later Python."""
    found = ignores_of("a()  # gradb: ignore[G004]\nb = '''\n")
    assert [(one.line, one.codes) for one in found] == [(1, ("G004",))]
    assert ignores_of("(") == ()


def test_the_line_of_the_comment_is_known() -> None:
    """It is told where a code is none."""
    assert [one.line for one in ignores_of(SOURCE)][:2] == [2, 5]
