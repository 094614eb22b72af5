"""G101: who saved a value, and what changed it in place before backward needed it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradb.diagnosis.explaining import explanation_of_end
from tests.tracer.errors.scripts import Case, check, record_script

CASES = (
    Case("an-op", """
        x = torch.ones(3, requires_grad=True)
        y = x.exp()                                     # 1 3
        y += 1                                          # culprit 2
        y.sum().backward()
        """, ("y",), ("saved y for its backward", "at version 0, found at version 1"), "G101"),
    Case("a-view", """
        x = torch.ones(3, requires_grad=True)
        y = x.sigmoid()                                 # 1
        row = y[:2]
        row.mul_(2)                                     # culprit 2
        y.sum().backward()
        """, ("y", "row"), ("changed it in place",), "G101"),
    Case("a-detached-alias", """
        x = torch.ones(3, requires_grad=True)
        y = x.tanh()                                    # 1
        free = y.detach()
        free[0] = 5.0                                   # culprit 2
        y.sum().backward()
        """, ("y", "free"), ("`free[0]",), "G101"),
    Case("under-no-grad", """
        w = torch.ones(3, requires_grad=True)
        loss = (w * w).sum()                            # 1
        with torch.no_grad():
            w.sub_(0.1)                                 # culprit 2
        loss.backward()
        """, ("w",), ("changed it in place",), "G101"),
    Case("an-optimizer", """
        first, second = nn.Linear(3, 3), nn.Linear(3, 1)
        optimizer = torch.optim.Adam(second.parameters())
        hidden = first(torch.ones(2, 3))
        loss = second(hidden).sum()                     # 1
        loss.backward(retain_graph=True)
        optimizer.step()                                # culprit 2
        loss.backward()
        """, ("second.weight",), ("Adam.step()", "before the step"), "G101"),
    Case("an-output-argument", """
        v, w = torch.ones(3, requires_grad=True), torch.ones(3)
        loss = (v * w).sum()                            # 1
        torch.add(w, 1, out=w)                          # culprit 2
        loss.backward()
        """, ("w",), ("out=w",), "G101"),
    Case("foreach", """
        v, w = torch.ones(3, requires_grad=True), torch.ones(3)
        loss = (v * w).sum()                            # 1
        torch._foreach_add_([w], 1)                     # culprit 2
        loss.backward()
        """, ("w",), ("_foreach_add_",), "G101"),
    Case("an-activation-in-place", """
        x = torch.ones(3, requires_grad=True)
        y = x.sigmoid()                                 # 1
        act = nn.ReLU(inplace=True)
        act(y)                                          # culprit 2
        y.sum().backward()
        """, ("y",), (), "G101"),
    Case("dropout-in-place", """
        x = torch.ones(3, requires_grad=True)
        y = x.sigmoid()                                 # 1
        drop = nn.Dropout(inplace=True)
        drop(y)                                         # culprit 2
        y.sum().backward()
        """, ("y",), (), "G101"),
    Case("inside-a-custom-backward", """
        class Exp(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y
            @staticmethod
            def backward(ctx, g):
                y, = ctx.saved_tensors
                return g * y
        x = torch.ones(3, requires_grad=True)
        y = Exp.apply(x)                                # 1
        y.mul_(2)                                       # culprit 2
        y.sum().backward()
        """, ("y",), (), "G101"),
    Case("by-a-custom-backward", """
        class Doubles(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                ctx.save_for_backward(y)
                return x * 2
            @staticmethod
            def backward(ctx, g):
                y, = ctx.saved_tensors
                y.mul_(2)                               # culprit 2
                return g * 2, None
        x = torch.ones(3, requires_grad=True)
        y = x.exp()                                     # 1
        z = Doubles.apply(y, y)
        z.sum().backward()
        """, ("y",), (), "G101"),
    Case("the-second-of-two-inputs", """
        a, b = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
        p, q = a * 2, b * 3
        r = p * q                                       # 1
        q.add_(1)                                       # culprit 2
        r.sum().backward()
        """, ("q",), ("`p * q`",), "G101"),
    Case("in-a-loop", """
        x = torch.ones(3, requires_grad=True)
        state = torch.zeros(4)
        total = 0
        for i in range(4):
            total = total + (x * state[:3]).sum()
            state[i] = 1.0                              # culprit
        total.backward()
        """, ("state",), ("`state[i]",), "G101"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_who_changed_what_was_saved(case: Case, tmp_path: Path) -> None:
    """The line that saved, the line that changed, and the name of what was changed."""
    check(tmp_path, case)


@pytest.mark.parametrize("case", [case for case in CASES if case.id != "an-optimizer"], ids=str)
def test_changes_found_are_as_many_as_torch_counts(case: Case, tmp_path: Path) -> None:
    """Where no step is among them, each change raised the version by one, and none is missing."""
    error, tape = record_script(tmp_path, case.script)
    told = re.search(r"is at version (\d+); expected version (\d+)", str(error))
    with tape:
        found = explanation_of_end(tape)
    assert told is not None
    assert found is not None
    more = re.search(r"and (\d+) more changed it", found.message)
    assert 1 + int(more[1] if more else 0) == int(told[1]) - int(told[2])


def test_a_saved_value_that_was_not_read_is_told_as_likely(tmp_path: Path) -> None:
    """What a node saves is read at its first visits alone; after them its op tells what it may have saved."""
    error, tape = record_script(
        tmp_path,
        """
        x = torch.ones(3, requires_grad=True)
        for step in range(30):
            y = x.exp()
            if step == 29:
                y += 1
            y.sum().backward()
        """,
    )
    with tape:
        found = explanation_of_end(tape)
        saved = [tape.saved_record(node.id) for node in tape.nodes(1, tape.head) if node.name == "ExpBackward0"]
    assert error is not None
    assert found is not None
    assert saved[0].tensors
    assert not saved[-1].tensors
    assert "most likely saved" in found.message
