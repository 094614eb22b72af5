"""The .grad pane as a table: which columns, in which order, which buffers, and that no number is cut in silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gradb.frame.frame import Frame
from gradb.frame.gradbuffer import GradBuffer, Touch, known
from gradb.present.draw.numbers import inline
from gradb.present.draw.text import to_text
from gradb.present.options import Grads, Options
from gradb.present.panes.grads import GradList
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.values import Stats, TensorValue
from tests.fakes.packing import value
from tests.unit.present.conftest import OpenExample

_LARGE = TensorValue((64, 784), "float32", None, Stats(-0.01668, 0.0121, 1.5e-05, 0, 0, 0, (0.0,)))


def buffer(number: int, name: str, leaf: TensorValue, grad: TensorValue | None, **more: object) -> GradBuffer:
    """Return a buffer that no event is about."""
    made = GradBuffer(number, name, leaf, known(Touch(after=grad)), 3, is_current=False)
    return replace(made, **more)  # type: ignore[arg-type]


def clipped(number: int, name: str, before: TensorValue, after: TensorValue | None) -> GradBuffer:
    """Return a buffer that was just clipped."""
    touch = Touch(before=before, after=after, how="changed by clip_grad_norm_")
    return buffer(number, name, ones(1), None, touched=known(touch), is_current=True)


def ones(count: int, size: float = 1.0) -> TensorValue:
    """Return a vector of one number."""
    return value([size] * count)


@pytest.fixture
def model(example: OpenExample) -> Frame:
    """Return a Frame of a small model: large and small leaves, one left out, one gone and two frozen."""
    grads = (
        buffer(1, "net.0.weight", _LARGE, _LARGE, leaf_norm=4.5),
        buffer(2, "net.0.bias", ones(16, 2.0), ones(16, 0.5)),
        buffer(3, "net.10.weight", ones(16), ones(16, 3.0)),
        buffer(4, "net.2.weight", ones(16, 0.0), ones(16, float("nan"))),
        buffer(5, "unused", ones(3), None, is_never=True),
        buffer(6, "old", ones(2), ones(2), is_gone=True),
        buffer(7, "base.0", ones(2), None, is_frozen=True),
        buffer(8, "base.1", ones(2), None, is_frozen=True),
    )
    return replace(example("chain_rule").frame(17), grads=grads)


def pane(frame: Frame, width: int = 100, **chosen: Any) -> list[str]:
    """Return the lines of the pane."""
    options = Options(width=width, grads=Grads(**chosen))
    return to_text(PANES["grads"].render(frame, options), width).splitlines()


def names(lines: list[str]) -> list[str]:
    """Return the names of the buffers that have a row."""
    return [word.removesuffix(".grad") for line in lines for word in line.split() if word.endswith(".grad")]


def test_a_model_is_shown_by_its_norms(model: Frame) -> None:
    """Norm, leaf norm and ratio where they are known, ``?`` where not, and ``–`` where there is none."""
    head, weight, bias, _, zero, unused, *folds = pane(model)
    assert head.split() == ["buffer", "shape", "norm", "largest", "leaf", "norm", "ratio"]
    assert weight.split() == "net.0.weight.grad [64 × 784] ? 0.01668 4.5 ?".split()
    assert bias.split() == "net.0.bias.grad [16] 2 0.5 8 0.25".split()
    assert zero.split() == "net.2.weight.grad [16] nan nan 0 –".split()
    assert unused.split() == ["unused.grad", "[3]", "never", "–", "1.732", "–"]
    assert folds == ["▸ 1 leaf is gone", "▸ 2 leaves are frozen"]


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (40, "buffer norm"),
        (60, "buffer shape norm ratio"),
        (170, "buffer shape before + added = after norm largest leaf norm ratio"),
    ],
)
def test_the_most_useful_columns_come_first(model: Frame, width: int, titles: str) -> None:
    """In little room the norm, in much all; no line is wider than the pane."""
    lines = pane(model, width)
    assert lines[0].split() == titles.split()
    assert max(map(len, lines)) <= width


def test_what_a_change_found_stands_beside_what_it_left(model: Frame) -> None:
    """A column of its own while an event is about a gradient that there was; where values have room, among these."""
    touch = Touch(before=ones(16, 2.0), after=model.grads[1].after, how="changed by clip_grad_norm_()")
    changed = replace(model.grads[1], touched=known(touch), is_current=True)
    frame = replace(model, grads=(model.grads[0], changed, *model.grads[2:]))
    head, weight, bias, *_ = pane(frame, 60)
    assert head.split() == ["buffer", "was", "norm", "ratio"]
    assert bias.split() == ["▶", "net.0.bias.grad", "8", "2", "0.25"]
    assert weight.split() == ["net.0.weight.grad", "?", "?"]
    wide = pane(frame, 160)[0].split()
    assert "before" in wide
    assert "was" not in wide
    assert "was" not in pane(model, 60)[0]


def test_what_is_sorted_by_is_shown(model: Frame) -> None:
    """The column of the order has its place and an arrow in the least room."""
    about, head, first, *_ = pane(model, 40, sort="largest")
    assert (about, head.split()) == ("by largest, largest first", ["buffer", "largest", "↓"])
    assert first.split() == ["net.2.weight.grad", "nan"]


@pytest.mark.parametrize(
    ("chosen", "order"),
    [
        ({"sort": "norm"}, "net.2.weight net.10.weight net.0.bias net.0.weight unused"),
        ({"sort": "norm", "is_reversed": True}, "net.0.bias net.10.weight net.2.weight net.0.weight unused"),
        ({"sort": "name"}, "net.0.bias net.0.weight net.2.weight net.10.weight unused"),
        ({"sort": "shape", "is_reversed": True}, "unused net.0.bias net.10.weight net.2.weight net.0.weight"),
        ({"sort": "ratio"}, "net.10.weight net.0.bias net.0.weight net.2.weight unused"),
        ({"sort": "parameter"}, "net.0.bias net.0.weight net.10.weight unused net.2.weight"),
        ({"words": "weight 1"}, "net.10.weight"),
        ({"words": "NEVER had"}, "unused"),
        ({"words": "nan"}, "net.2.weight"),
    ],
)
def test_rows_are_sorted_and_filtered(model: Frame, chosen: dict[str, Any], order: str) -> None:
    """NaN is beyond every number, what is not known comes last both ways, and layer 10 after layer 2."""
    assert names(pane(model, **chosen)) == order.split()
    listed = [one["name"] for one in pane_json("grads", model, Options(grads=Grads(**chosen)))["grads"]]
    assert [name for name in listed if name in order.split()] == order.split()


def test_folds_are_opened_by_kind(model: Frame) -> None:
    """Under the line that counts them the leaves have their rows."""
    lines = pane(model, unfolded=frozenset({"frozen"}))
    assert lines[-4:-2] == ["▸ 1 leaf is gone", "▾ 2 leaves are frozen"]
    assert names(lines[-2:]) == ["base.0", "base.1"]
    listed = GradList(model, Options(width=60))
    assert [fold.kind for at in range(len(listed)) if (fold := listed.fold_at(at))] == ["gone", "frozen"]


def test_a_filter_that_nothing_passes_says_so(model: Frame) -> None:
    """An empty list is not silent, and says of how many."""
    text = " ".join(pane(model, words="conv"))
    assert "'conv': 0 of 8" in text
    assert "nothing listed" in text


def test_too_many_leaves_are_told(model: Frame) -> None:
    """What is beyond the list is said to be."""
    assert pane(replace(model, are_grads_cut=True))[-1] == "only the first 8 leaves are listed"


def test_json_has_the_norms(model: Frame) -> None:
    """Numbers that are not known are null; folded leaves are among them."""
    told = pane_json("grads", model)
    assert (told["leaves"], told["sort"], told["filter"], len(told["grads"])) == (8, "script", None, 8)
    weight, bias = told["grads"][:2]
    assert [weight[key] for key in ("norm", "leaf_norm", "ratio", "largest")] == [None, 4.5, None, 0.01668]
    assert [bias[key] for key in ("norm", "leaf_norm", "ratio", "largest")] == [2.0, 8.0, 0.25, 0.5]
    assert told["grads"][4]["never"]
    assert told["grads"][4]["words"] == "never had a gradient"


def test_a_lesson_has_norms_beside_its_elements_where_there_is_room(example: OpenExample) -> None:
    """Before + added = after is as clear as ever."""
    head, row = pane(example("accumulation").frame(29), 130)
    assert head.split() == "buffer shape before + added = after norm leaf norm ratio".split()
    assert row.split() == "▶ a.grad [4] [28 36 44 52] [28 36 44 52] [56 72 88 104] ✓ 164.0 5.477 29.93".split()


def test_a_change_takes_one_line_where_it_fits(model: Frame) -> None:
    """Clipping changes several buffers at once, and the pane is low."""
    a = clipped(1, "a", value([2.0, 3.0]), value([1.0, 1.5]))
    b = clipped(2, "b", value([6.0]), None)
    frame = replace(model, grads=(a, b))
    assert pane(frame, 40) == ["▶ a.grad  was [2 3]  now [1 1.5]", "▶ b.grad  was [6]  now None"]
    assert [line.split() for line in pane(frame, 30)[:3]] == [
        ["▶", "a.grad"],
        ["was", "[2", "3]"],
        ["now", "[1", "1.5]"],
    ]


@pytest.mark.parametrize("width", range(12, 70, 3))
def test_no_number_of_a_line_is_cut_in_silence(width: int) -> None:
    """Of a large value fewer numbers are told where there is less room; one that is cut ends in an ellipsis."""
    text = to_text(inline(_LARGE, width), width).strip()
    whole = {"-0.01668", "0.0121", "1.5e-05", "64", "784"}
    words = [word.strip("[]") for word in text.split()]
    numbers = [word for word in words if word[:1] in "-0123456789" and word != "×"]
    assert all(number in whole or number.endswith("…") for number in numbers), text


def test_names_are_told_apart_at_every_width(example: OpenExample) -> None:
    """Where the table would cut two names to the same text, each buffer takes lines of its own."""
    named = [f"{model}.layer1.0.{what}" for model in ("model1", "model2") for what in ("weight", "bias")]
    grads = tuple(buffer(number, name, ones(2), ones(2)) for number, name in enumerate(named))
    frame = replace(example("chain_rule").frame(17), grads=grads)
    for width in range(40, 120):
        assert len(set(names(pane(frame, width)))) == len(named), width
