"""The pane of ATen calls: what an op or a node is made of, call by call, with what went in and what came out.

A tensor without a name of the script's is called by the call that returned it: ``#2`` is the result of call 2. A value
that comes from elsewhere and has no name (one that the node saved) is called by its parameter: ``mean=·``.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.figures import counted
from gradb.frame.frame import Aten, AtenCall, Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, cut, layout, remark, wrapped
from gradb.present.draw.numbers import lines as tensor_lines, shape_text
from gradb.present.draw.safe import plain
from gradb.present.json.events import call_json
from gradb.present.json.values import Json
from gradb.present.options import Options
from gradb.tape.cutting import listed
from gradb.tape.kinds.aten import AtenDetail
from gradb.tape.kinds.tensor import Tensor

_MAX_NAME = 40
_MAX_TENSORS = 6
_ROWS = 4  # of a matrix
_HERE, _ELSEWHERE = "▶", " "


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the calls of the op or node that the position is in or at, the newest so far.

    While it runs the current call is marked and told in full, the others take a line each; when it is over, each call
    is shown with its results.
    """
    aten, width = frame.aten, options.width
    if aten is None:
        return remark("no op and no node here: ATen calls are what they make", width)
    if not aten.calls:
        return remark(_nothing(aten), width)
    names = _names(aten)
    title = cut(Text(_title(aten), style=theme.TITLE, no_wrap=True), width)
    body: list[Text] = []
    for call in aten.calls:
        body += _call(call, names, width, is_here=call.event == frame.position, is_brief=not aten.is_over)
    hidden = aten.count - len(aten.calls)
    if hidden > 0:
        body = [Text(f"… {hidden} calls before these", style=theme.DIM), *body]
    return Group(title, *_fitted(body, options.height, keeps_end=not aten.is_over))


def _fitted(body: list[Text], height: int | None, *, keeps_end: bool) -> list[Text]:
    """Cut what does not fit below the title: the earlier lines while there is more to come, else the later ones."""
    if height is None or len(body) < height:
        return body
    room = max(height - 2, 0)
    note = Text(f"… {len(body) - room} more lines", style=theme.DIM)
    return [note, *body[len(body) - room :]] if keeps_end else [*body[:room], note]


def _nothing(aten: Aten) -> str:
    name = plain(aten.name, _MAX_NAME)
    if aten.is_seen:
        return f"{name} made no ATen call"
    if not aten.is_over:
        return f"{name} is about to run: `into` (key >) shows each ATen call that it makes"
    return (
        f"which ATen calls {name} made was not recorded: `into` (key >) goes into the next op or node of a running "
        "script, and `gradb record --aten` records the calls of all"
    )


def _title(aten: Aten) -> str:
    count = counted(aten.count, "ATen call")
    name = plain(aten.name, _MAX_NAME) or "this op"
    return f"{name} made {count}" if aten.is_over else f"{name} has made {count} so far"


# --- one call ---------------------------------------------------------------------------------------------------------

_Names = dict[int, str]


def _names(aten: Aten) -> _Names:
    """Return what to call each tensor, by id: its name, else the number of the call that returned it first."""
    names: _Names = {}
    for call in aten.calls:
        detail = call.detail
        for tensor in detail.inputs:
            if tensor.name:
                names.setdefault(tensor.id, plain(tensor.name, _MAX_NAME))
        for index, tensor in enumerate(detail.outputs):
            which = f"#{detail.number}" if len(detail.outputs) == 1 else f"#{detail.number}.{index}"
            names.setdefault(tensor.id, plain(tensor.name or which, _MAX_NAME))
    return names


def _called(tensor: Tensor, names: _Names) -> str | None:
    """Return what to call a tensor; None where nothing is known of it. The id 0 says nothing of who it is."""
    return names.get(tensor.id) if tensor.id else plain(tensor.name, _MAX_NAME) if tensor.name else None


def _call(call: AtenCall, names: _Names, width: int, *, is_here: bool, is_brief: bool) -> list[Text]:
    detail = call.detail
    if is_brief and not is_here:
        results = listed((shape_text(tensor.value.shape) for tensor in detail.outputs), _MAX_TENSORS)
        line = Text(f"{_ELSEWHERE} #{detail.number}  {call_text(detail, names)}", no_wrap=True)
        return [cut(line.append(f" → {results}" if results else "", theme.DIM), width)]
    head = f"{_HERE if is_here else _ELSEWHERE} #{detail.number}  {call_text(detail, names)}"
    style = theme.TITLE if is_here else ""
    lines = [cut(Text(head, style=style, no_wrap=True), width)] if len(head) <= width else wrapped(head, width, style)
    room = max(width - len(INDENT) - 16, 16)
    fields: list[Field | Text] = []
    if is_here:
        roles = {text: parameter for parameter, text in detail.arguments}
        for index, tensor in enumerate(detail.inputs[:_MAX_TENSORS]):
            name = _called(tensor, names) or plain(roles.get(f"%{index}", "·"), 30)
            fields.append(_field("in", tensor, name, room))
        fields += _left_out(len(detail.inputs))
    word = "out, in place" if detail.is_inplace else "out"
    fields += [_field(word, tensor, _called(tensor, names) or "·", room) for tensor in detail.outputs[:_MAX_TENSORS]]
    fields += _left_out(len(detail.outputs))
    return [*lines, *(Text(INDENT).append_text(line) for line in layout(fields, width - len(INDENT)))]


def _left_out(count: int) -> list[Field | Text]:
    return [Text(f"… and {count - _MAX_TENSORS} more", style=theme.DIM)] if count > _MAX_TENSORS else []


def _field(word: str, tensor: Tensor, name: str, room: int) -> Field:
    style = theme.UPSTREAM if word == "in" else theme.DOWNSTREAM
    symbol = f"{name} {shape_text(tensor.value.shape)}" if tensor.value.shape else name
    return Field(word, symbol, tensor_lines(tensor.value, room, _ROWS), style=style)


def call_text(detail: AtenDetail, names: _Names) -> str:
    """Return ``aten.sum.dim_IntList(#1, dim=[0], keepdim=True)``: only a tensor that has a name says what it is."""
    texts = []
    for parameter, text in detail.arguments:
        tensor = _tensor(detail, text)
        name = None if tensor is None else _called(tensor, names)
        if name is not None:
            texts.append(name)
        elif text != "None":
            texts.append(f"{plain(parameter, 30)}={_argument(detail, text, names)}")
    return f"{plain(detail.function, 80)}({', '.join(texts)})"


def _tensor(detail: AtenDetail, text: str) -> Tensor | None:
    is_one = text.startswith("%") and text[1:].isdecimal() and int(text[1:]) < len(detail.inputs)
    return detail.inputs[int(text[1:])] if is_one else None


def _argument(detail: AtenDetail, text: str, names: _Names) -> str:
    """Return an argument's text with the tensors' names in it, also where they stand in a list."""
    tensor = _tensor(detail, text)
    if tensor is not None:
        return _called(tensor, names) or "·"
    if text[:1] in {"[", "("} and "%" in text:
        inner = ", ".join(_argument(detail, part, names) for part in text[1:-1].split(", "))
        return f"{text[0]}{inner}{text[-1]}"
    return plain(text, _MAX_NAME)


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the calls of the op or node that the position is in or at."""
    return {"aten": _aten_json(frame.aten)}


def _aten_json(aten: Aten | None) -> Json | None:
    if aten is None:
        return None
    return {
        "name": aten.name or None,
        "node": aten.node,
        "over": aten.is_over,
        "recorded": aten.is_seen,
        "count": aten.count,
        "calls": [{"event": call.event, **call_json(call.detail)} for call in aten.calls],
    }
