"""G102: which call freed the graph, and which variable led back into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracer.errors.scripts import Case, check

CASES = (
    Case("a-hidden-state", """
        w = torch.ones(3, requires_grad=True)
        h = torch.zeros(3)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for i in range(2):
            optimizer.zero_grad()
            h = torch.tanh(h + w)                       # culprit 1 3 4
            loss = h.sum()
            loss.backward()                             # 2
            optimizer.step()
        """, ("h",), ("in iteration 1", "Detach h"), "G102"),
    Case("a-recurrent-module", """
        cell = nn.GRUCell(2, 3)
        state = torch.zeros(1, 3)
        for i in range(2):
            state = cell(torch.ones(1, 2), state)       # culprit 1 3
            loss = state.pow(2).sum()
            loss.backward()                             # 2
        """, ("state",), ("Detach state",), "G102"),
    Case("a-running-loss", """
        w = torch.ones(3, requires_grad=True)
        total = 0
        for i in range(2):
            total = total + w.exp().sum()               # culprit 1 3
            total.backward()                            # 2
        """, ("total",), ("loss.item()",), "G102"),
    Case("a-generated-batch", """
        generator, critic = nn.Linear(2, 2), nn.Linear(2, 1)
        fake = generator(torch.ones(1, 2)).tanh()       # 1
        loss_d = critic(fake).mean()
        loss_d.backward()                               # 2
        loss_g = critic(fake).exp().mean()              # culprit 3
        loss_g.backward()
        """, ("fake",), ("fake.detach()", "retain_graph=True"), "G102"),
    Case("computed-once-before-the-loop", """
        w = torch.ones(3, requires_grad=True)
        scale = w.exp()                                 # 1
        for i in range(2):
            loss = (scale * 2).pow(2).sum()             # culprit 3
            loss.backward()                             # 2
        """, ("scale",), ("Compute scale anew",), "G102"),
    Case("the-same-loss-twice", """
        w = torch.ones(3, requires_grad=True)
        loss = w.exp().sum()
        loss.backward()                                 # culprit 1
        loss.backward()                                 # 2
        """, ("loss",), ("goes through it again",), "G102"),
    Case("grad-and-then-backward", """
        w = torch.ones(3, requires_grad=True)
        loss = w.exp().sum()
        torch.autograd.grad(loss, w)                    # culprit 1
        loss.backward()                                 # 2
        """, ("loss",), ("autograd.grad()",), "G102"),
    Case("grad-by-grad", """
        w = torch.ones(3, requires_grad=True)
        loss = w.pow(3).sum()
        loss.backward()                                 # culprit 1
        torch.autograd.grad(loss, w)                    # 2
        """, ("loss",), ("backward()",), "G102"),
    Case("two-carried-on", """
        cell = nn.LSTMCell(2, 2)
        h, c = torch.zeros(1, 2), torch.zeros(1, 2)
        for i in range(2):
            h, c = cell(torch.ones(1, 2), (h, c))       # culprit 1 3
            (h.sum() + c.sum()).backward()              # 2
        """, ("h", "c"), ("h and c lead back",), "G102"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_led_back_into_a_freed_graph(case: Case, tmp_path: Path) -> None:
    """The call that freed it, and the variable at the border between the two graphs."""
    check(tmp_path, case)
