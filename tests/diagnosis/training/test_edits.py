"""Rules about changes that autograd does not see, each on scripts recorded for real."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tests.diagnosis.judging import codes, warnings_of


def _leaf() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(3, requires_grad=True)


def test_a_saved_result_changed_through_data_is_found() -> None:
    """What exp saved is its result, and ``.data`` raises no version; the finding says who changed it."""

    def script() -> None:
        a = _leaf()
        b = a.exp()
        b.data.mul_(10)
        b.sum().backward()

    (found,) = warnings_of(script)
    assert found.code == "G013"
    assert found.message.startswith("b was changed past autograd (Tensor.mul_ in line ")
    assert found.tensors == ("b",)


def test_a_saved_result_changed_through_numpy_is_found() -> None:
    """Memory that NumPy was given is written to where torch does not see it."""

    def script() -> None:
        a = _leaf()
        b = a.sigmoid()
        b.detach().numpy()[0] = 5
        b.sum().backward()

    assert codes(script) == ["G013"]


def test_data_that_nothing_has_saved_is_not() -> None:
    """A change through ``.data`` of what no node needs, and one after the backward, change no gradient."""

    def script() -> None:
        a = _leaf()
        b = a * 2
        b.data.mul_(10)
        b.sum().backward()
        c = a.exp()
        c.sum().backward()
        c.data.zero_()

    assert codes(script) == []


def test_numpy_that_only_reads_is_not() -> None:
    """Nor is a conversion that changes nothing."""

    def script() -> float:
        a = _leaf()
        b = a.exp()
        seen = float(b.detach().numpy().sum())
        b.sum().backward()
        return seen

    assert codes(script) == []


def test_a_hook_that_writes_into_what_another_gets_is_found() -> None:
    """Addition sends one tensor both ways: a hook of a's that multiplies in place changes b's gradient."""

    def script() -> None:
        a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        a.register_hook(lambda grad: grad.mul_(10))
        y = a + b
        y.backward(torch.ones(2))

    (found,) = warnings_of(script)
    assert found.code == "G014"
    assert found.message.endswith("the change reaches b.grad")


def test_a_hook_that_returns_another_is_not() -> None:
    """A new tensor reaches nobody else, and neither does a change in place of what only one gets."""

    def script() -> None:
        a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        a.register_hook(lambda grad: grad * 10)
        y = a + b
        y.backward(torch.ones(2))
        c = torch.ones(2, requires_grad=True)
        z = c * 3
        z.register_hook(lambda grad: grad.mul_(2))
        (z * 5).sum().backward()

    assert codes(script) == []


def _kept(grad: Any) -> None:
    """A hook that does nothing."""


def test_a_hook_left_at_a_node_that_is_gone_is_found() -> None:
    """The base of a view is changed in place: its hook hangs on a node that no backward comes to."""

    def script() -> None:
        x = torch.ones(3, requires_grad=True)
        y = x * 3
        v = y[0:1]
        v.register_hook(_kept)
        y.mul_(2)
        (v * 5).sum().backward()

    (found,) = warnings_of(script)
    assert found.code == "G015"
    assert "has never run and never can: MulBackward0 in line" in found.message


def test_a_hook_registered_after_the_change_is_not() -> None:
    """The same in the right order."""

    def script() -> None:
        x = torch.ones(3, requires_grad=True)
        y = x * 3
        v = y[0:1]
        y.mul_(2)
        v.register_hook(_kept)
        (v * 5).sum().backward()

    assert codes(script) == []


def test_a_hook_on_what_no_loss_is_computed_of_is_found() -> None:
    """It hangs on a copy that nothing uses, in each iteration; one that is taken off again is not found."""

    def script(*, removes: bool = False) -> None:
        x = torch.ones(3, requires_grad=True)
        for _ in range(3):
            y = x * 3
            watched = y.clone()
            handle = watched.register_hook(_kept)
            if removes:
                handle.remove()
            y.sum().backward()

    (found,) = warnings_of(script)
    assert found.code == "G015"
    assert "3 times so far" in found.message
    assert codes(lambda: script(removes=True)) == []
