"""G103: what cut the way from a loss back to the leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.tracer.errors.scripts import Case, check

CASES = (
    Case("detach", """
        w = torch.ones(3, requires_grad=True)
        y = w * 2
        z = y.detach() + 1                              # culprit 1
        loss = z.sum()
        loss.backward()                                 # 2
        """, ("loss", "y"), ("detaches y", "Leave out the detach()"), "G103"),
    Case("data", """
        w = torch.ones(3, requires_grad=True)
        y = w * 2
        z = y.data + 1                                  # culprit 1
        loss = z.sum()
        loss.backward()
        """, ("loss", "y"), ("y.data",), "G103"),
    Case("item", """
        model = nn.Linear(3, 1)
        out = model(torch.ones(2, 3))
        loss = torch.tensor(out.mean().item())          # culprit 1
        loss.backward()
        """, ("loss", "out"), ("numbers of out",), "G103"),
    Case("numpy", """
        w = torch.ones(3, requires_grad=True)
        y = w.exp()
        z = torch.from_numpy(y.detach().numpy())        # culprit
        z.sum().backward()                              # 1
        """, ("y",), ("numbers of y",), "G103"),
    Case("argmax", """
        model = nn.Linear(3, 2)
        scores = model(torch.ones(4, 3))
        chosen = scores.argmax(1)                       # culprit 1
        loss = (chosen == torch.tensor([0, 1, 0, 1])).float().mean()
        loss.backward()
        """, ("loss", "scores"), ("int64", "a choice"), "G103"),
    Case("comparison", """
        w = torch.ones(3, requires_grad=True)
        p = w.sigmoid()
        hard = (p > 0.5).float()                        # culprit 1
        loss = hard.mean()
        loss.backward()
        """, ("loss", "p"), ("bool", "a comparison"), "G103"),
    Case("a-cast", """
        w = torch.ones(3, requires_grad=True)
        y = w * 3
        loss = y.long().float().sum()                   # culprit 1
        loss.backward()
        """, ("loss", "y"), ("int64", "integers"), "G103"),
    Case("no-grad", """
        model = nn.Linear(3, 1)
        with torch.no_grad():
            out = model(torch.ones(2, 3))               # culprit 1
        loss = out.mean()
        loss.backward()
        """, ("loss", "model.weight"), ("`with torch.no_grad()` on line 6",), "G103"),
    Case("no-grad-of-a-function", """
        model = nn.Linear(3, 1)
        @torch.no_grad()
        def predict(x):
            return model(x)                             # culprit 1
        loss = predict(torch.ones(2, 3)).mean()
        loss.backward()
        """, ("loss", "model.weight"), ("`@torch.no_grad()` on line 6",), "G103"),
    Case("no-grad-further-out", """
        model = nn.Linear(3, 1)
        def predict(x):
            return model(x)                             # culprit 1
        with torch.no_grad():
            out = predict(torch.ones(2, 3))
        out.mean().backward()
        """, ("model.weight",), ("line 7 in predict", "what switched them off is not known"), "G103"),
    Case("inference-mode", """
        w = torch.ones(3, requires_grad=True)
        with torch.inference_mode():
            y = w * 2                                   # culprit 1
        y.sum().backward()
        """, ("w",), ("`with torch.inference_mode()` on line 6",), "G103"),
    Case("switched-off", """
        w = torch.ones(3, requires_grad=True)
        torch.set_grad_enabled(False)
        y = w * 2                                       # culprit 1
        torch.set_grad_enabled(True)
        y.sum().backward()
        """, ("w",), (
            "they went off between line 5 and line 7; likely by `torch.set_grad_enabled(False)` on line 6",
        ), "G103"),
    Case("switched-off-in-a-function", """
        def evaluate(m, x):
            torch.set_grad_enabled(False)
            return m(x).sum().item()
        m, x = nn.Linear(3, 1), torch.ones(2, 3)
        optimizer = torch.optim.SGD(m.parameters(), lr=0.1)
        for _ in range(3):
            loss = m(x).pow(2).mean()                   # culprit 1
            loss.backward()                             # 2
            optimizer.step()
            evaluate(m, x)
        """, ("loss", "m.weight"), (
            "between line 12 in iteration 1 and line 7 in evaluate",
            "likely by `torch.set_grad_enabled(False)` on line 6",
        ), "G103"),
    Case("switched-off-in-one-of-two-places", """
        def evaluate(m, x):
            torch.set_grad_enabled(False)
            result = m(x).sum().item()
            torch.set_grad_enabled(m.training)
            return result
        m, x = nn.Linear(3, 1).eval(), torch.ones(2, 3)
        for _ in range(3):
            loss = m(x).pow(2).mean()                   # culprit 1
            loss.backward()
            evaluate(m, x)
        """, ("loss", "m.weight"), ("line 7 in evaluate", "what switched them off is not known"), "G103"),
    Case("frozen", """
        model = nn.Linear(3, 1)
        for p in model.parameters():
            p.requires_grad = False                     # 1 2
        loss = model(torch.ones(2, 3)).mean()
        loss.backward()                                 # culprit 3
        """, ("loss", "model.weight", "model.bias"), ("model.weight, model.bias do not require grad",), "G103"),
    Case("frozen-by-a-call", """
        model = nn.Linear(3, 1).requires_grad_(False)
        loss = model(torch.ones(2, 3)).mean()
        loss.backward()                                 # culprit
        """, ("loss", "model.weight", "model.bias"), ("do not require grad",), "G103"),
    Case("data-of-an-argument", """
        def criterion(output):
            return (output.data ** 2).mean()            # culprit 1
        model = nn.Linear(3, 1)
        criterion(model(torch.ones(2, 3))).backward()   # 2
        """, ("output",), ("output.data",), "G103"),
    Case("an-array-of-unknown-origin", """
        import numpy as np
        loss = torch.from_numpy(np.ones(3)).mean()      # culprit 1
        loss.backward()                                 # 2
        """, ("loss",), ("begins at",), "G103"),
    Case("nothing-ever-required-it", """
        x = torch.ones(3)                               # culprit 1
        y = x * 2
        y.sum().backward()
        """, (), ("`torch.ones(3)` on line 5",), "G103"),
    Case("nothing-is-known-of-its-making", """
        loss = (torch.ones(3).requires_grad_(False) * 2).sum()  # culprit 1
        loss.backward()                                 # 2
        """, ("loss",), ("it was made by", "of what is not known"), "G103"),
    Case("a-list-of-numbers", """
        w = torch.ones(3, requires_grad=True)
        y = w * 2
        z = torch.tensor([v.item() for v in y])         # culprit 1
        z.sum().backward()
        """, ("y",), ("numbers of y",), "G103"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_cut_the_way(case: Case, tmp_path: Path) -> None:
    """The call after which nothing required grad, and the context that made it so."""
    with torch.enable_grad():  # a script may leave gradients off
        check(tmp_path, case)
