"""Variable names on the tape: each is the right one, or there is none."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from gradb.frame.reader import Tape
from gradb.tape.kinds.op import OpDetail
from tests.tracer.recording import record

pytestmark = pytest.mark.torch

Named = tuple[list[str | None], list[str | None]]
CASES: dict[str, tuple[Callable[[Any, Any, Any], None], list[Named]]] = {}
A: list[str | None] = ["a"]
NONE: list[str | None] = [None]


def case(*expected: Named) -> Callable[[Callable[[Any, Any, Any], None]], Callable[[Any, Any, Any], None]]:
    """Add a function of two leaves and a number, with the names of inputs and outputs of each op that it must leave."""

    def add(function: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
        CASES[function.__name__] = (function, list(expected))
        return function

    return add


@case((A, ["x"]), (A, ["y"]), (A, ["z"]), (["a", "b"], ["w"]))
def operators(a: Any, b: Any, k: Any) -> None:
    x = k * a
    y = a * 2
    z = k - a
    w = a * b
    del x, y, z, w


@case((A, ["x"]), (A, ["y"]))
def comparisons(a: Any, b: Any, k: Any) -> None:
    x = k < a
    y = a > 0
    del x, y


@case((A, NONE), (NONE, NONE), (NONE, NONE))
def chained_comparison(a: Any, b: Any, k: Any) -> None:
    x = 0 < a[0] < k
    del x


@case((A, NONE), ([None, "b"], NONE))
def sum_of_a_list(a: Any, b: Any, k: Any) -> None:
    xs = [a, b]
    total = sum(xs)
    del total


@case((["a", "b"], NONE), (A, NONE), (["b"], NONE))
def higher_order_functions(a: Any, b: Any, k: Any) -> None:
    xs = [a, b]
    product = functools.reduce(torch.mul, xs)
    powers = list(map(torch.exp, xs))
    del product, powers


@case((A, ["x"]), (["a", "b"], ["y"]))
def starred(a: Any, b: Any, k: Any) -> None:
    x = torch.exp(*[a])
    y = torch.mul(*(a, b))
    del x, y


@case((A, NONE))
def operator_module(a: Any, b: Any, k: Any) -> None:
    x = operator.mul(k, a)
    del x


@case((A, NONE))
def a_list_of_one_is_not_its_element(a: Any, b: Any, k: Any) -> None:
    xs = a.split(2)
    del xs


@case((["a", "b"], NONE), (NONE, [None, None]), (["a", "b"], NONE), (NONE, [None, None]))
def iteration_over_a_result(a: Any, b: Any, k: Any) -> None:
    for _ in a + b:
        pass
    x, y = a.add(b)
    del x, y


@case((A, NONE), (NONE, ["x"]))
def call_over_several_lines(a: Any, b: Any, k: Any) -> None:
    # fmt: off
    x = (a
         .exp()
         .sum())
    # fmt: on
    del x


@case((A, NONE), (NONE, ["m"]))
def functions_of_torch_written_in_python(a: Any, b: Any, k: Any) -> None:
    m = functional.max_pool1d(a.view(1, 1, 2), kernel_size=2)
    del m


@case((A, ["x"]), (["x"], ["y"]), (A, NONE), (A, NONE))
def walrus_double_and_conditional(a: Any, b: Any, k: Any) -> None:
    y = (x := a.sin()) * 2
    p = q = a.exp()
    c = a.exp() if k else b
    del y, x, p, q, c


@case((["a", "b"], ["total"]), (["total"], ["total"]))
def rebound(a: Any, b: Any, k: Any) -> None:
    total = a + b
    total = total.exp()
    del total


@case((A, ["out"]))
def aliased_function(a: Any, b: Any, k: Any) -> None:
    squash = torch.tanh
    out = squash(a)
    del out


def _names(tape: Tape) -> list[Named]:
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "op"]
    return [([t.name for t in d.inputs], [t.name for t in d.outputs]) for d in details if isinstance(d, OpDetail)]


@pytest.mark.parametrize("name", CASES)
def test_a_name_is_the_right_one_or_none(name: str, tmp_path: Path) -> None:
    """Whatever way torch is called, no tensor gets the name of another value."""
    function, expected = CASES[name]

    def script() -> None:
        a = torch.ones(2, requires_grad=True)
        b = torch.ones(2, requires_grad=True)
        a.requires_grad_()
        b.requires_grad_()
        function(a, b, 3.0)

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _names(tape)[2:] == expected


def test_modules_called_by_others_do_not_lend_names(tmp_path: Path) -> None:
    """A module in ``map``, or called with a star, names neither its argument nor its result."""
    net = nn.Sequential(nn.Tanh())

    def script() -> None:
        a = torch.ones(2, requires_grad=True)
        outs = list(map(net, [a]))
        out = net[0](*[a])
        del outs, out

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _names(tape) == [(["a"], [None]), (["a"], [None])]
    assert tape.frame(tape.head).names == ("a",)


def test_a_part_called_alone_keeps_the_names_of_the_whole(tmp_path: Path) -> None:
    """Calling ``net[1]`` by itself does not rename ``net.1.weight``."""
    net = nn.Sequential(nn.Tanh(), nn.Linear(2, 1))

    def script() -> None:
        net(torch.ones(1, 2)).sum().backward()
        net[1](torch.ones(1, 2)).sum().backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    names = {event.name for event in tape.events() if event.kind == "accumulate"}
    assert names == {"net.1.weight", "net.1.bias"}
