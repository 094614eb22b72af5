"""What must not be explained: errors in the words of torch that are not torch's, and culprits that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.diagnosis.explaining import explanation, explanation_of_end
from gradb.diagnosis.judgement import judge
from gradb.diagnosis.registry import RULES
from tests.tracer.errors.scripts import Case, check, record_script

FREED = "Trying to backward through the graph a second time (or directly access saved tensors"
CHANGED = "one of the variables needed for gradient computation has been modified by an inplace operation"
CUT = "element 0 of tensors does not require grad and does not have a grad_fn"

CASES = (
    *(
        Case(f"raised-by-the-script-{number}", f"""
        w = torch.ones(3, requires_grad=True)
        y = w.exp()
        y.add_(1)
        raise RuntimeError({words!r})
        """)
        for number, words in enumerate((FREED, CHANGED, CUT), 1)
    ),
    *(
        Case(f"raised-in-a-custom-backward-{number}", f"""
        class Raises(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, g):
                raise RuntimeError({words!r})
        w = torch.ones(3, requires_grad=True)
        Raises.apply(w.exp()).sum().backward()
        """)
        for number, words in enumerate((FREED, CHANGED, CUT), 1)
    ),
    Case("raised-in-a-hook", f"""
        def hook(grad):
            raise RuntimeError({FREED!r})
        w = torch.ones(3, requires_grad=True)
        y = w.exp()
        y.register_hook(hook)
        y.sum().backward()
        """),
    Case("raised-again-in-words-of-its-own", """
        w = torch.ones(3)
        try:
            w.sum().backward()
        except RuntimeError as error:
            raise RuntimeError(str(error)) from error
        """),
    Case("another-type", f"""
        raise ValueError({CUT!r})
        """),
    Case("another-error-of-torch", """
        torch.ones(3)[5]
        """),
    Case("no-error-of-torch", """
        {}["loss"]
        """),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_not_torchs_is_not_explained(case: Case, tmp_path: Path) -> None:
    """Nobody is blamed for an error that somebody else put into torch's words."""
    check(tmp_path, case)


def test_what_the_script_caught_is_explained_and_no_finding(tmp_path: Path) -> None:
    """The explanation is there for who stands at the error; a judge of the run finds nothing."""
    script = """
        w = torch.ones(3)
        try:
            w.sum().backward()
        except RuntimeError:
            pass
        """
    error, tape = record_script(tmp_path, script)
    assert error is None
    with tape:
        (caught,) = [event for event in tape.events() if event.kind == "error"]
        found = explanation(tape, caught)
        assert found is not None
        assert found.code == "G103"
        assert explanation_of_end(tape) is None
        assert not [found.code for found in judge(tape, RULES.values()).findings]


def test_the_error_that_ends_a_script_is_a_finding(tmp_path: Path) -> None:
    """A judge of the run finds what the explanation says, once."""
    _, tape = record_script(tmp_path, "torch.ones(3).sum().backward()")
    with tape:
        verdict = judge(tape, RULES.values())
        assert [found.code for found in verdict.findings] == ["G103"]
        assert verdict.findings[0] == explanation_of_end(tape)
        assert not [code for code, _ in verdict.unjudged if code.startswith("G1")]


def test_a_value_changed_past_autograd_is_not_blamed(tmp_path: Path) -> None:
    """What ``.data`` changed did not raise the version: the op that did is named alone."""
    case = Case("data", """
        x = torch.ones(3, requires_grad=True)
        y = x.exp()                                     # 1
        y.data.mul_(3)
        y.add_(1)                                       # culprit 2
        y.sum().backward()
        """, ("y",), ("found at version 1",), "G101")  # fmt: skip
    found = check(tmp_path, case)
    assert found is not None
    assert "more" not in found.message
    assert ".data" not in found.message


def test_a_change_before_the_value_was_saved_is_not_blamed(tmp_path: Path) -> None:
    """Only what came after the save."""
    case = Case("before", """
        x = torch.ones(3, requires_grad=True)
        y = x * 2
        y.add_(1)
        z = y.exp()                                     # 1
        z.mul_(2)                                       # culprit 2
        z.sum().backward()
        """, ("z",), (), "G101")  # fmt: skip
    check(tmp_path, case)


def test_another_tensor_of_the_same_shape_is_not_blamed(tmp_path: Path) -> None:
    """A change of a tensor that shares no memory has nothing to do with it."""
    case = Case("other", """
        x = torch.ones(3, requires_grad=True)
        y = x.exp()                                     # 1
        other = torch.ones(3)
        other.add_(1)
        copy = y.detach().clone()
        copy.add_(1)
        y.mul_(2)                                       # culprit 2
        y.sum().backward()
        """, ("y",), ("found at version 1",), "G101")  # fmt: skip
    check(tmp_path, case)


@pytest.mark.parametrize(
    ("code", "script"),
    [
        ("G101", "y = x.exp()\ny.add_(1)\ny.sum().backward()"),
        ("G102", "y = x.exp().sum()\ny.backward()\ny.backward()"),
        ("G103", "x.detach().sum().backward()"),
    ],
)
def test_what_was_only_watched_has_no_culprit(code: str, script: str, tmp_path: Path) -> None:
    """The meaning is told, and that the culprit is not known, and why."""
    _, tape = record_script(tmp_path, f"x = torch.ones(3, requires_grad=True)\n{script}", watches=True)
    with tape:
        found = explanation_of_end(tape)
    assert found is not None
    assert found.code == code
    assert "not known" in found.message
    assert "watched" in found.message
    assert found.tensors == ()
