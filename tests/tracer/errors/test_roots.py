"""G104 and G108: what is not one number, and what autograd.grad was asked for in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracer.errors.scripts import Case, check

CASES = (
    Case("no-reduction", """
        w = torch.ones(3, requires_grad=True)
        loss = w * 2                                    # culprit 1
        loss.backward()                                 # 2
        """, ("loss",), ("shape [3]", "loss.mean()"), "G104"),
    Case("reduction-none", """
        w = torch.ones(4, requires_grad=True)
        criterion = nn.MSELoss(reduction="none")
        loss = criterion(w, torch.zeros(4))             # culprit 1
        loss.backward()                                 # 2
        """, ("loss",), ("reduction='none'", "reduction='mean'"), "G104"),
    Case("by-autograd-grad", """
        w = torch.ones(3, requires_grad=True)
        y = w.exp()                                     # culprit 1
        torch.autograd.grad(y, w)                       # 2
        """, ("y",), ("shape [3]",), "G104"),
    Case("the-second-root", """
        w = torch.ones(3, requires_grad=True)
        a = w.sum()
        b = w * 2                                       # culprit 1
        torch.autograd.backward([a, b])                 # 2
        """, ("b",), (), "G104"),
    Case("a-complex-loss", """
        w = torch.ones(1, requires_grad=True, dtype=torch.complex64)
        loss = w * 2                                    # culprit 1
        loss.backward()
        """, ("loss",), ("complex64",), "G104"),
    Case("not-used", """
        w, v = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)     # 1
        loss = (w * 2).sum()                            # 2
        torch.autograd.grad(loss, [w, v])               # culprit 3
        """, ("v",), ("v (input 1 of autograd.grad)",), "G108"),
    Case("a-view-made-later", """
        w = torch.ones(3, requires_grad=True)
        loss = (w * 2).sum()                            # 2
        flat = w.view(-1)                               # 1
        torch.autograd.grad(loss, flat)                 # culprit 3
        """, ("flat",), ("made on line 7, after loss on line 6",), "G108"),
    Case("does-not-require-it", """
        w = torch.ones(3, requires_grad=True)
        x = torch.zeros(3)                              # culprit 1
        loss = (w * x).sum()
        torch.autograd.grad(loss, [w, x])
        """, ("x",), ("does not require grad", "x.requires_grad_()"), "G108"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_there_is_no_gradient_of(case: Case, tmp_path: Path) -> None:
    """The variable, its shape, and the line that made it so."""
    check(tmp_path, case)
