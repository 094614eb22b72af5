"""Code of the script's own inside the engine: custom Functions, hooks on gradients, hooks on what is saved."""

from __future__ import annotations

import pytest

from tests.tracer.hard.cases import SCRIPTS
from tests.tracer.hard.seeing import see

pytestmark = pytest.mark.torch


def _line(script: str, text: str) -> int:
    """Return the number of the first line of a script that has a text."""
    lines = (SCRIPTS / f"{script}.py").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_custom_function_tells_where_its_backward_is() -> None:
    """With what it was called with, which needs no tensors, and that it cannot be differentiated twice."""
    seen = see("custom_functions")
    text = seen.chain(seen.at("PairBackward"))
    assert "p, q = Pair.apply(x, 2.0)" in text
    place = f"custom_functions.py:{_line('custom_functions', '@once_differentiable') - 1}"
    assert f"custom Function Pair: its backward is defined at {place}" in text
    assert "once_differentiable: its gradient cannot be differentiated again" in text
    assert "agrees" not in text  # it is not probed, so nothing is claimed of its product


def test_an_output_without_a_gradient() -> None:
    """Upstream is None for it; its backward gets None where that was asked for, else zeros."""
    seen = see("custom_functions")
    unmaterialised = seen.chain(seen.at("PairBackward"))
    assert "∂L/∂q None" in unmaterialised
    assert "set_materialize_grads(False): its backward gets None for an output without a gradient" in unmaterialised
    materialised = seen.chain(seen.at("SortedBackward"))
    assert "∂L/∂output 1 None" in materialised
    assert "for the output without a gradient its backward gets zeros" in materialised
    assert "no gradient flows through output 1: it is not differentiable" in materialised


def test_a_custom_function_that_changes_its_input() -> None:
    """mark_dirty: the op is that Function's, and the input as it was before is what the call shows."""
    seen = see("custom_functions")
    text = seen.chain(seen.at("DirtyBackward"))
    assert "Dirty.apply(" in text
    assert "it returned an input that it changed in place (mark_dirty)" in text
    assert "upstream ∂L/∂d [0 1]" in text
    assert "[0 5]" in text


def test_hooks_are_listed_until_they_are_removed() -> None:
    """A hook that was taken off again is not said to be called."""
    seen = see("user_hooks")
    registered, removed = (seen.at("<lambda>", "hook", nth) for nth in (0, 1))
    assert "tensor hook <lambda> (user_hooks.py:" in seen.chain(registered)
    assert seen.headline(removed) == "hook <lambda> removed"
    text = seen.chain(removed)
    assert "<lambda>" not in text
    assert f"tensor hook ten_times (user_hooks.py:{_line('user_hooks', 'def ten_times')}) will be called here" in text


def test_what_each_hook_made_of_the_gradient() -> None:
    """The sum of the contributions, what each hook made of it in turn, upstream, and the product of that."""
    seen = see("user_hooks")
    text = seen.chain(seen.at("MulBackward0"))
    steps = [
        "✓ agrees with the engine = arrived ∂L/∂b [8 14]",
        "hook ten_times [80 140] (tensor hook, user_hooks.py:",
        "tensor hook only_looks (user_hooks.py:",
        "hook minus [-80 -140] (node prehook, user_hooks.py:",
        "= upstream ∂L/∂b [-80 -140]",
        "= downstream ∂L/∂a [-240 -420] ✓ agrees with the engine",
        "hook plus_one [-239 -419] (node hook, user_hooks.py:",
    ]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)


def test_a_modules_hook_is_called_at_torchs_own_node() -> None:
    """That node is not taken for a Function of the script's."""
    seen = see("user_hooks")
    text = seen.chain(seen.at("BackwardHookFunctionBackward", nth=1))
    assert "torch's own node at a module's border" in text
    assert "hook of_module [2 2] (module backward hook, user_hooks.py:" in text
    assert "custom Function" not in text


def test_hooks_on_saved_tensors_are_named_at_the_node() -> None:
    """With where both are written; a node that saves nothing says nothing of them."""
    seen = see("saved_hooks")
    text = seen.chain(seen.at("ExpBackward0"))
    pack, unpack = _line("saved_hooks", "def pack"), _line("saved_hooks", "def unpack")
    hooks = f"pack (saved_hooks.py:{pack}), unpack (saved_hooks.py:{unpack})"
    assert f"saved_tensors_hooks: what it saves goes through {hooks}" in text
    assert "save_on_cpu: what it saves is kept in the CPU's memory until it runs" in seen.chain(seen.at("SinBackward0"))
    assert "saved_tensors_hooks" not in seen.chain(seen.at("SumBackward0"))
