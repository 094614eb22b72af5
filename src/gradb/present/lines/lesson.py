"""What a script says about itself: its docstring, shown before the first step."""

from __future__ import annotations

import re
import textwrap
from functools import lru_cache
from itertools import groupby

from rich.text import Text

from gradb.frame.frame import SourceView
from gradb.present.draw import theme
from gradb.present.draw.fields import cut
from gradb.present.draw.safe import plain

_DOCSTRING = re.compile(r"\s*(?:#[^\n]*\n\s*)*[rRuU]?(\"\"\"|''')(.*?)\1", re.DOTALL)
_MAX_LINES = 60
_NARROWEST = 16
_LONGEST = 20_000  # characters of a file in which a docstring is looked for


def lesson_lines(view: SourceView | None, width: int) -> list[Text]:
    """Return a blank, the title and the text of the script's docstring, folded; nothing where it has none."""
    title, *body = docstring(view.lines) if view is not None and view.lines else ("",)
    if not title:
        return []
    lines = [Text(""), *(Text(plain(line), theme.TITLE) for line in textwrap.wrap(title, max(width, _NARROWEST)))]
    for is_text, group in groupby(body, lambda line: bool(line) and not line[0].isspace()):
        paragraph = list(group)
        text = [" ".join(paragraph)] if is_text else paragraph
        lines += [cut(Text(plain(line)), width) for each in text for line in _folded(each, width)]
    return lines


def _folded(line: str, width: int) -> list[str]:
    """Return a line of text folded; one that is indented goes on below its beginning."""
    indent = " " * min(len(line) - len(line.lstrip()), width // 4)
    return textwrap.wrap(line, max(width, _NARROWEST), subsequent_indent=indent + ("  " if indent else "")) or [""]


@lru_cache(maxsize=8)
def first_line(lines: tuple[str, ...]) -> int:
    """Return the number of the first line of a file that is not blank and behind its docstring; 1 where it has none."""
    found = _docstring(lines)
    if found is None:
        return 1
    behind = found.string.count("\n", 0, found.end()) + 1
    return next((number for number, line in enumerate(lines, 1) if number > behind and line.strip()), 1)


@lru_cache(maxsize=8)
def docstring(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of the docstring at the top of a file, at least one, made even at the left."""
    found = _docstring(lines)
    if found is None:
        return ("",)
    first, _, rest = found[2].strip().partition("\n")
    return (first.strip(), *textwrap.dedent(rest).split("\n")) if rest else (first.strip(),)


def _docstring(lines: tuple[str, ...]) -> re.Match[str] | None:
    return _DOCSTRING.match("\n".join(lines[:_MAX_LINES])[:_LONGEST])
