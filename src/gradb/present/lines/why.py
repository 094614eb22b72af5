"""Where a NaN or an infinity was born, in a paragraph; its road, a line a step."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Group
from rich.text import Text

from gradb.diagnosis.nonfinite.explanation import Born, Explanation, Nothing, RoadStep
from gradb.diagnosis.nonfinite.folding import Fold, folded
from gradb.present.draw import theme
from gradb.present.draw.fields import cut
from gradb.present.draw.safe import plain

_TEXT_LIMIT = 400
_NAMES = {"nan": "a NaN", "inf": "an infinity", "-inf": "an infinity (-inf)", "unknown": "it"}


def drawn(found: Explanation | Nothing, width: int) -> Group:
    """Return the paragraph, what led to it, and the road."""
    if isinstance(found, Nothing):
        return Group(*_prose(sentence(found), width))
    lines = [*_prose(sentence(found), width)]
    if found.prelude:
        lines += [Text(""), *_prose(led_to_it(found), width)]
    if len(found.road) > 1:
        lines += [Text(""), Text("The road from there to here:", style=theme.TITLE), *road_lines(found, width)]
    return Group(*lines)


def _prose(text: str, width: int) -> list[Text]:
    return [Text(line, no_wrap=True) for line in textwrap.wrap(text, max(width, 8))]


def sentence(found: Explanation | Nothing) -> str:
    """Return what is told, as one paragraph."""
    if isinstance(found, Nothing):
        return f"{found.text[:1].upper()}{found.text[1:]}."
    first, *later = found.births
    if later and first.kind == "given" and first.what != "nan":  # as a mask is: what came of it is the news
        clauses = [_born(later[0]), _wanted(first), *map(_later, later[1:])]
    else:
        clauses = [_first(first), *map(_later, later)]
    if found.event != found.births[-1].event:
        clauses.append(f"So {plain(found.here, _TEXT_LIMIT)} at #{found.called(found.event, ',')}.")
    return " ".join(clauses)


def led_to_it(found: Explanation) -> str:
    """Return what led to it over the iterations, as a sentence."""
    return f"Before it: {'; '.join(plain(clause, _TEXT_LIMIT) for clause in found.prelude)}."


def _first(born: Born) -> str:
    match born.kind:
        case "birth":
            return _born(born)
        case "given":
            return f"{_capital(_NAMES[born.what])} was given as it is, {_where(born)}: {_acts(born)}."
        case "outside":
            return (
                f"{_capital(_NAMES[born.what])} came in from outside: it was there when {_thing(born)} was first seen, "
                f"{_where(born)}{_row(born)}."
            )
        case "blank":
            return f"It was made of memory that nobody had written to (torch.empty), {_where(born)}: {_acts(born)}."
        case "unrecorded":
            since, until = (born.called(one, ",") for one in (born.since, born.event))
            return (
                f"{_capital(_NAMES[born.what])} came into {_thing(born)} by something that is not recorded, between "
                f"#{since} and #{until} ({_where(born)}): an edit by `.data`, NumPy or C++, for instance."
            )
    return (
        f"Where it was born is not known: it is in {_thing(born)} {_where(born)}, and {plain(born.why, _TEXT_LIMIT)}."
    )


def _born(born: Born) -> str:
    return f"{_capital(_NAMES[born.what])} was born {_where(born)}: {_acts(born)}. {_why(born)}"


def _wanted(born: Born) -> str:
    return f"The {born.what} that it read was given as it is, {_where(born)}: {_acts(born)}."


def _later(born: Born) -> str:
    return f"It became {_NAMES[born.what]} {_where(born)}: {_acts(born)}. {_why(born)}"


def _why(born: Born) -> str:
    if born.reason is not None:
        return f"{_capital(plain(born.reason.text, _TEXT_LIMIT))}."
    known = ", ".join(f"{plain(name, 60)} {plain(value, 60)}" for name, value in born.inputs)
    return f"What it read there: {known}." if known else "Of what it read no more is known."


def _acts(born: Born) -> str:
    """Return ``SqrtBackward0, element [0, 1] (1 of 4 nan)``."""
    call, name = plain(born.call, 80), _name(born)
    element = "" if born.element is None else f" at {_index(born)}"
    makes = f" makes {name}" if name else ""
    return f"{call}{makes}{element} ({born.counts})" if born.counts else f"{call}{makes}"


def _name(born: Born) -> str:
    return "" if born.name.startswith(("the gradient that", "the result of", "an input of")) else plain(born.name, 80)


def _thing(born: Born) -> str:
    return plain(born.name, 80) or "a tensor"


def _index(born: Born) -> str:
    return "[" + ", ".join(map(str, born.element or ())) + "]"


def _row(born: Born) -> str:
    """Name the first row of a batch that has it."""
    if not born.counts:
        return ""
    where = ""
    if born.element is not None:
        row = f", row {born.element[0]}" if len(born.element) > 1 else ""
        where = f", the first at {_index(born)}{row}"
    return f" ({born.counts}{where})"


def _where(born: Born) -> str:
    parts = [
        f"at {_place(born.file, born.line)}" if born.line else "",
        f"in {plain(born.scope, 80)}" if born.scope else "",
    ]
    parts += [f"in the {born.phase} of iteration {born.iteration:,}", f"event #{born.called(born.event, ',')}"]
    return ", ".join(part for part in parts if part)


def _place(file: str | None, line: int | None) -> str:
    if file is None or line is None:
        return ""
    return f"{plain(file.replace(chr(92), '/').rpartition('/')[2], 80)}:{line}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- the road ---------------------------------------------------------------------------------------------------------


def road_lines(found: Explanation, width: int) -> Iterator[Text]:
    """Yield the lines of the road, folded where it is long."""
    for _, line in road_rows(found):
        yield cut(line, width)


def road_rows(found: Explanation) -> list[tuple[int, Text]]:
    """Return (event to jump to, line) of each row of the road."""
    rows = folded(found.road, {born.event for born in found.births})
    places = [_place(row.file, row.line) if isinstance(row, RoadStep) else "" for row in rows]
    numbers = [f"#{found.called(row.first if isinstance(row, Fold) else row.event, ',')}" for row in rows]
    number_room, room = max(map(len, numbers)), max(map(len, places))
    iteration, lines = 0, []
    for row, number, place in zip(rows, numbers, places, strict=True):
        line = Text(no_wrap=True).append(f"  {number:>{number_room}}  {place:<{room}}  ", theme.DIM)
        line.append(plain(row.text, _TEXT_LIMIT), theme.DIM if isinstance(row, Fold) else "")
        if isinstance(row, RoadStep) and row.iteration != iteration:
            iteration = row.iteration
            line.append(f"  (iteration {iteration:,})", theme.DIM)
        lines.append((row.first if isinstance(row, Fold) else row.event, line))
    return lines
