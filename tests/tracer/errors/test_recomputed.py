"""G115: which call of a checkpoint is another when it computes its forward again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.diagnosis.explaining import explanation_of_end
from tests.tracer.errors.scripts import Case, check, record_script

_BLOCK = """
        from torch.utils.checkpoint import checkpoint
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
                self.calls = 0
            def forward(self, x):
                self.calls += 1
                h = torch.tanh(self.a(x))
{body}
        blocks = nn.ModuleList(Block() for _ in range(3))
        x = torch.ones(2, 3)
        for block in blocks:
            x = checkpoint(block, x, use_reentrant=False)
        x.sum().backward()
        """

CASES = (
    Case("a-call-left-out", _BLOCK.format(body="""
                if self.calls == 1:
                    h = torch.relu(h)                   # culprit 1
                return self.b(h) * h                    # 2
        """.rstrip()), (), ("leaves out `torch.relu(h)`", "go on with `self.b(h)`"), "G115"),
    Case("a-call-more", _BLOCK.format(body="""
                if self.calls == 2:
                    h = torch.relu(h)                   # culprit 2
                return self.b(h) * h
        """.rstrip()), (), ("computes `torch.relu(h)`", "the first did not"), "G115"),
    Case("another-call", _BLOCK.format(body="""
                if self.calls == 1:
                    h = torch.exp(h)                    # 1
                else:
                    h = h[:1]                           # culprit 3
                return self.b(h) * h
        """.rstrip()), (), ("computed `torch.exp(h)`", "computes `h[:1]`"), "G115"),
    Case("another-shape", _BLOCK.format(body="""
                h = h[: 3 - self.calls]                 # culprit 1 3
                return self.b(h) * h
        """.rstrip()), (), ("with slice(None, 2, None), and then with slice(None, 1, None)",), "G115"),
    Case("switched-to-eval", """
        from torch.utils.checkpoint import checkpoint
        model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(), nn.Linear(3, 1))
        y = checkpoint(model, torch.ones(2, 3), use_reentrant=False)  # culprit 1
        model.eval()
        y.sum().backward()
        """, (), ("training=True, and then with False", "eval() after the backward"), "G115"),
    Case("an-input-changed-past-autograd", """
        from torch.utils.checkpoint import checkpoint
        w = torch.ones(3, requires_grad=True)
        x = torch.ones(2, 3)
        y = checkpoint(lambda x: (x * w).exp().sum(), x, use_reentrant=False)  # culprit
        x.data = torch.ones(4, 3)
        y.backward()
        """, (), ("shape [2, 3] for x, and then [4, 3]",), "G115"),
    Case("with-a-call-before-it-that-is-alike", """
        from torch.utils.checkpoint import checkpoint
        w = torch.ones(3, requires_grad=True)
        calls = []
        def step(x):
            calls.append(x)
            x = x * w
            if len(calls) == 4:
                x = x[:2]                               # culprit 3
            return x.exp()
        plain = step(torch.ones(3))
        a = checkpoint(step, torch.ones(3), use_reentrant=False)
        b = checkpoint(step, a, use_reentrant=False)
        (plain + b).sum().backward()
        """, (), ("computes `x[:2]`",), "G115"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_second_pass_that_is_another(case: Case, tmp_path: Path) -> None:
    """The first call that is not the same in both passes, by its line in each."""
    check(tmp_path, case)


def test_says_that_it_does_not_know_where_nothing_was_recorded(tmp_path: Path) -> None:
    """A run that was only watched has neither pass, and the finding says so."""
    error, tape = record_script(tmp_path, CASES[0].script, watches=True)
    assert error is not None
    with tape:
        found = explanation_of_end(tape)
    assert found is None or "not known" in found.message
