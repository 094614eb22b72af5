"""What an expression that was evaluated in the script's process has come to, in a clause and in full."""

from __future__ import annotations

from rich.text import Text

from gradb.algebra.figures import number
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, wrapped
from gradb.present.draw.numbers import form_text, lines as tensor_lines
from gradb.present.draw.safe import plain, plain_lines
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart, PrintedTensor

CODE = "your code, may have side effects"
"""Said of whatever the script's process evaluates."""
_MAX_ROWS = 64  # of one tensor


def print_clause(detail: PrintDetail) -> str:
    """Return ``print loss is 3.25: your code, may have side effects``."""
    if detail.error:
        return f"print {detail.expression}: {detail.error}"
    return f"print {detail.expression} is {_short(detail.parts[0]) if detail.parts else 'nothing'} ({CODE})"


def _short(part: PrintedPart) -> str:
    if part.tensor is None:
        return part.text or part.type
    value, numbers = part.tensor.value, part.tensor.value.numbers()
    if numbers is not None and len(numbers) == 1:
        return number(numbers[0], value.dtype)
    return f"{part.type} {form_text(value)}"


def print_lines(detail: PrintDetail, width: int) -> list[Text]:
    """Return all of it: expression, value, what was printed meanwhile, what was changed and is not put back."""
    where = f" in {plain(detail.function)}" if detail.function else ""
    lines = [Text(f"print {plain(detail.expression)}{where}", style=theme.TITLE), Text(CODE, style=theme.DIM)]
    if detail.error:
        lines += [Text(line, style=theme.WARNING) for line in plain_lines(detail.error)]
    for part in detail.parts:
        lines += _part(part, width)
    if detail.output:
        lines.append(Text("it printed:", style=theme.DIM))
        lines += [Text(f"{INDENT}{line}") for line in plain_lines(detail.output)]
    if detail.changed:
        lines += wrapped(f"it changed {', '.join(detail.changed)}: that is not put back", width, theme.WARNING)
    for note in detail.notes:
        lines += wrapped(note, width, theme.WARNING)
    return [piece for line in lines for piece in _folded(line, width)]


def _part(part: PrintedPart, width: int) -> list[Text]:
    """Return a part: of a tensor what it is and its numbers, of another object its text."""
    path = f"{plain(part.path)}: " if part.path else ""
    texts = plain_lines(part.text) if part.text else []
    if part.tensor is not None:
        head = [Text(f"{path}{_about(part.type, part.tensor)}", style=theme.LABEL)]
        return [*head, *map(Text, texts), *_numbers(part.tensor, width)]
    kind = f"{plain(part.type)} " if part.type else ""
    if len(texts) == 1:
        return [Text(path, style=theme.LABEL).append(kind, theme.DIM).append(texts[0])]
    return [Text(path, style=theme.LABEL).append(kind, theme.DIM), *map(Text, texts)]


def _about(kind: str, tensor: PrintedTensor) -> str:
    value = tensor.value
    parts = [f"{plain(kind)} {form_text(value)} on {plain(tensor.device)}"]
    if tensor.node:
        parts.append(f"grad_fn {plain(tensor.node)}")
    elif tensor.requires_grad:
        parts.append("requires grad")
    return ", ".join(parts)


def _numbers(tensor: PrintedTensor, width: int) -> list[Text]:
    lines = tensor_lines(tensor.value, max(width - len(INDENT), 8), _MAX_ROWS)
    return [Text(INDENT).append_text(line) for line in lines]


def _folded(line: Text, width: int) -> list[Text]:
    """Return a line as lines of at most about ``width`` cells."""
    room = max(width, 8)
    starts = range(0, len(line.plain), room) if line.cell_len > width else ()
    return [line[start : start + room] for start in starts] or [line]
