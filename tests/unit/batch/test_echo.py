"""Lines of gradb's own beside what the script prints."""

from __future__ import annotations

import pytest

from gradb.batch.echo import Echo

PRINTED = (
    ([("stdout", "one\ntwo\n")], "| one\n| two\n"),
    ([("stdout", "a"), ("stdout", "b\n")], "| ab\n"),
    ([("stdout", "\n\nlate\n")], "|\n|\n| late\n"),
    ([("stdout", "a"), ("stderr", "b\n")], "| a\n|! b\n"),
    ([("stderr", "\r 10%"), ("stderr", "\r 20%"), ("stderr", "\n")], "|!  10%\n|!  20%\n"),
    ([("stdout", "dos\r\n")], "| dos\n"),
    ([("stdout", "\x1b[2J\u202ehidden\n")], "| \\x1b[2J\\u202ehidden\n"),
)


@pytest.mark.parametrize(("printed", "told"), PRINTED)
def test_each_line_of_the_script_is_marked(printed: list[tuple[str, str]], told: str) -> None:
    """However it comes in pieces, a line has one mark; a carriage return begins another, and nothing is active."""
    written: list[str] = []
    echo = Echo(written.append)
    for stream, text in printed:
        echo.print(stream, text)
    echo.end()
    assert "".join(written) == told


def test_a_line_of_ours_begins_its_own() -> None:
    """What the script has not ended yet is written at once, and ended before gradb says something."""
    written: list[str] = []
    echo = Echo(written.append)
    echo.print("stdout", "loading")
    assert written == ["| loading"]
    echo.say("Forward:")
    echo.print("stdout", " done\n")
    assert "".join(written) == "| loading\nForward:\n|  done\n"
