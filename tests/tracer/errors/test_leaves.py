"""G105, G106, G109, G110, G111: integers, leaves, views, tensors of inference mode, and a .grad that is None."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracer.errors.scripts import Case, check

CASES = (
    Case("made-of-integers", """
        w = torch.tensor([1, 2], requires_grad=True)    # culprit
        """, (), ("whole numbers",), "G105"),
    Case("set-on-integers", """
        x = torch.arange(3)                             # 1
        x.requires_grad_()                              # culprit 2
        """, ("x",), ("int64",), "G105"),
    Case("set-by-attribute", """
        x = torch.ones(3).bool()                        # 1
        x.requires_grad = True                          # culprit 2
        """, ("x",), ("bool",), "G105"),
    Case("a-parameter-of-integers", """
        p = nn.Parameter(torch.arange(3))               # culprit
        """, (), (), "G105"),
    Case("a-leaf", """
        w = torch.ones(3, requires_grad=True)           # 1
        w += 1                                          # culprit 2
        """, ("w",), ("changes w in place",), "G106"),
    Case("an-element-of-a-leaf", """
        w = torch.ones(3, requires_grad=True)
        w[0] = 5.0                                      # culprit
        """, ("w",), (), "G106"),
    Case("a-view-of-a-leaf", """
        w = torch.ones(3, requires_grad=True)           # 1
        head = w[:2]
        head.mul_(2)                                    # culprit 2
        """, ("w", "head"), ("by way of its view head",), "G106"),
    Case("a-parameter-of-a-module", """
        model = nn.Linear(2, 2)
        model.weight.clamp_(-1, 1)                      # culprit
        """, ("model.weight",), (), "G106"),
    Case("one-of-several-views", """
        w = torch.ones(3, 2, requires_grad=True)
        y = w * 2
        a, b = y.unbind(1)                              # 1
        a += 1                                          # culprit 2
        """, ("a",), ("a view of y", "a.clone()"), "G111"),
    Case("a-chunk", """
        w = torch.ones(4, requires_grad=True)
        first, second = (w * 2).chunk(2)                # 1
        second.zero_()                                  # culprit 2
        """, ("second",), (), "G111"),
    Case("a-view-of-no-grad", """
        w = torch.ones(3, requires_grad=True)
        y = w * 1
        with torch.no_grad():
            view = y[:2]                                # 1
        view.add_(1)                                    # culprit 2
        """, ("view",), ("while gradients were off",), "G111"),
    Case("saved-of-inference-mode", """
        model = nn.Linear(3, 3)
        with torch.inference_mode():
            x = torch.ones(2, 3) * 2                    # culprit 1
        model(x)                                        # 2
        """, ("x",), ("`with torch.inference_mode()` on line 6",), "G110"),
    Case("changed-of-inference-mode", """
        with torch.inference_mode():
            x = torch.ones(3)                           # culprit 1
        x.add_(1)                                       # 2
        """, ("x",), (), "G110"),
    Case("trained-of-inference-mode", """
        @torch.inference_mode()
        def features():
            return torch.ones(3)                        # culprit 1
        x = features()
        x.requires_grad_()                              # 2
        """, ("x",), ("`@torch.inference_mode()`",), "G110"),
    Case("no-backward-yet", """
        w = torch.ones(3, requires_grad=True)
        w.grad.zero_()                                  # culprit
        """, ("w",), ("no backward was called",), "G109"),
    Case("no-leaf", """
        w = torch.ones(3, requires_grad=True)
        v = w * 2                                       # culprit 1
        v.sum().backward()
        step = 0.1 * v.grad
        """, ("v",), ("no leaf",), "G109"),
    Case("cleared", """
        w = torch.ones(3, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        w.sum().backward()
        optimizer.zero_grad()                           # culprit 1
        print(w.grad.norm())
        """, ("w",), ("has cleared it",), "G109"),
    Case("not-in-the-loss", """
        w, v = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
        w.sum().backward()                              # culprit 1
        v.data -= 0.1 * v.grad
        """, ("v",), ("did not come to it",), "G109"),
    Case("assigned-anew-under-no-grad", """
        w = torch.ones(3, requires_grad=True)
        w.sum().backward()
        with torch.no_grad():
            w = w - 0.1 * w.grad                        # culprit 1
        w.grad.zero_()
        """, ("w",), ("made a new tensor while gradients were off", "w -="), "G109"),
    Case("none-of-the-scripts", """
        w = torch.ones(3, requires_grad=True)
        scale = None
        w.sum().backward()
        step = scale * 2
        """),
    Case("another-none-beside-a-gradient", """
        w = torch.ones(3, requires_grad=True)
        scale = None
        w.sum().backward()
        step = scale * w.grad
        """),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_cannot_be_done_to_a_tensor(case: Case, tmp_path: Path) -> None:
    """The tensor, the line that made it what it is, and the line that asks too much of it."""
    check(tmp_path, case)
