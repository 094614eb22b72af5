"""G107, G112 to G120: what was given to, or returned by, that which does not take it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracer.errors.scripts import Case, check

_FUNCTION = """
        class Scale(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, factor):
                return x * factor
            @staticmethod
            def backward(ctx, g):
                return {returned}
        w = torch.ones(3, requires_grad=True)
        y = Scale.apply(w, 3)                           # 1
        y.sum().backward()
        """

CASES = (
    Case("too-few-gradients", _FUNCTION.format(returned="g").replace("# 1", "# culprit 1"), (),
         ("Scale", "defined at script.py:9", "1 gradient for 2 arguments", "w, 3"), "G107"),
    Case("a-gradient-of-another-shape", _FUNCTION.format(returned="g[:2], None  # culprit"), ("w",),
         ("shape [2] for input 0 (w, of shape [3])",), "G107"),
    Case("a-number-for-a-gradient", _FUNCTION.format(returned="2.0, None").replace("# 1", "# culprit 1"), (),
         ("returned a float",), "G107"),
    Case("one-array", """
        w = torch.ones(3, requires_grad=True)
        y = w * 2                                       # 1
        y.numpy()                                       # culprit 2
        """, ("y",), ("y.detach().numpy()",), "G112"),
    Case("an-array-of-a-parameter", """
        model = nn.Linear(2, 2)
        weights = model.weight.numpy()                  # culprit
        """, ("model.weight",), (), "G112"),
    Case("which-array-is-not-known", """
        class Keeper:
            def make(self):
                return torch.ones(3, requires_grad=True)
        Keeper().make().numpy()                         # culprit
        """, (), ("not known",), "G112"),
    Case("a-cast-leaf", """
        w = torch.ones(3, requires_grad=True).double()  # culprit 1
        torch.optim.SGD([w], lr=0.1)                    # 2
        """, ("w",), ("no leaf",), "G113"),
    Case("a-scaled-leaf", """
        a = torch.ones(3, requires_grad=True)
        b = torch.randn(3, requires_grad=True) * 0.1    # culprit 1
        torch.optim.Adam([a, b])                        # 2
        """, ("b",), ("is given b",), "G113"),
    Case("non-leaves-in-a-list", """
        parts = [torch.ones(3, requires_grad=True) * 2]
        torch.optim.Adam(parts)                         # culprit
        """, (), ("not known",), "G113"),
    Case("a-generator-used-up", """
        model = nn.Linear(2, 2)
        parameters = model.parameters()
        torch.optim.SGD(parameters, lr=0.1)
        torch.optim.SGD(parameters, lr=0.1)             # culprit
        """, (), ("a generator", "list(model.parameters())"), "G114"),
    Case("layers-in-a-list", """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = [nn.Linear(2, 2)]
        net = Net()
        torch.optim.SGD(net.parameters(), lr=0.1)       # culprit
        """, (), ("`net.parameters()`",), "G114"),
    Case("an-empty-list", """
        torch.optim.SGD([], lr=0.1)                     # culprit
        """, (), ("no parameter",), "G114"),
    Case("layers-that-do-not-fit", """
        model = nn.Sequential(nn.Linear(3, 2), nn.Linear(4, 2))
        x = torch.ones(1, 3)
        model(x)                                        # culprit
        """, ("model.1.weight", "model.1.bias"), ("in module 1", "[1, 2]", "in_features=4", "given 2"), "G116"),
    Case("sums-of-other-sizes", """
        a = torch.ones(3)                               # 1
        b = torch.ones(4)                               # 2
        c = a + b                                       # culprit 3
        """, ("a", "b"), ("a [3], b [4]",), "G116"),
    Case("a-batch-too-many", """
        scores = torch.ones(4, 3)                       # 1
        target = torch.zeros(5, dtype=torch.long)       # 2
        F.cross_entropy(scores, target)                 # culprit 3
        """, ("scores", "target"), ("scores [4, 3], target [5]",), "G116"),
    Case("channels", """
        conv = nn.Conv2d(3, 4, 3)
        image = torch.ones(1, 1, 8, 8)
        conv(image)                                     # culprit
        """, ("image", "conv.weight", "conv.bias"), ("[1, 1, 8, 8]",), "G116"),
    Case("doubles-for-a-layer", """
        model = nn.Linear(3, 1)
        x = torch.ones(2, 3, dtype=torch.float64)       # culprit
        model(x)
        """, ("x", "model.weight", "model.bias"), ("x float64", "model.weight float32"), "G117"),
    Case("targets-of-another-dtype", """
        scores = torch.ones(4, 3)                       # 1
        target = torch.zeros(4, dtype=torch.int32)      # 2
        F.cross_entropy(scores, target)                 # culprit 3
        """, ("scores", "target"), ("target int32",), "G117"),
    Case("a-product-of-dtypes", """
        a, b = torch.ones(2, 2), torch.ones(2, 2).double()
        a @ b                                           # culprit
        """, ("a", "b"), ("a float32, b float64",), "G117"),
    Case("a-dtype-that-was-decided-long-before", """
        import numpy as np
        data = torch.from_numpy(np.ones((2, 3)))
        scaled = data / 2                               # 1
        x = scaled - 1                                  # culprit 2
        nn.Linear(3, 1)(x)
        """, ("x", "Linear.weight", "Linear.bias"), ("x float64",), "G117"),
    Case("one-layer-on-another-device", """
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1, device="meta"))
        x = torch.ones(2, 3)
        model(x)                                        # culprit
        """, ("model.1.weight", "model.1.bias"), ("in module 1", "model.1.weight is on meta"), "G119"),
    Case("a-tensor-made-on-the-default-device", """
        images = torch.ones(2, 3, device="meta")        # 1
        batch = images * 2
        noise = torch.randn(2, 3)                       # 2
        noise = noise.clamp(0, 1)
        mixed = batch + noise                           # culprit 3
        """, ("batch", "noise"), ("batch is on meta by `torch.ones", "`torch.randn(2, 3)` on line 7, which names no"),
        "G119"),
    Case("a-parameter-moved-away", """
        w = torch.ones(3, requires_grad=True)
        moved = w.to("meta")                            # 1
        x = torch.ones(3)                               # 2
        y = x * moved                                   # culprit 3
        """, ("x", "moved"), ("moved is on meta by `w.to(", "on line 6"), "G119"),
    Case("a-model-without-values-moved", """
        model = nn.Linear(3, 1, device="meta")
        model.to("cpu")                                 # culprit 1
        """, ("Linear.weight",), ("no values", "was not recorded"), "G120"),
    Case("a-loss-without-values", """
        x = torch.ones(3, device="meta")                # culprit 1
        loss = x.pow(2).sum()
        print(loss.item())                              # 2
        """, ("loss",), ("loss is on the meta device",), "G120"),
    Case("a-copy-of-a-result", """
        import copy
        w = torch.ones(3, requires_grad=True)
        y = w * 2                                       # culprit 1
        copy.deepcopy(y)                                # 2
        """, ("y",), ("y.detach().clone()",), "G118"),
    Case("a-copy-of-what-holds-one", """
        import copy
        kept = {"loss": torch.ones(3, requires_grad=True) * 2}
        copy.deepcopy(kept)                             # culprit
        """, (), ("not known",), "G118"),
    Case("a-copy-of-a-module-with-a-result", """
        import copy
        model = nn.Linear(2, 2)
        model.scaled = model.weight * 2
        copy.deepcopy(model)                            # culprit
        """, (), ("not known",), "G118"),
    *(
        Case(f"in-words-of-the-scripts-{number}", f"raise {kind}({words!r})")
        for number, (kind, words) in enumerate([
            ("RuntimeError", "grad can be implicitly created only for scalar outputs"),
            ("RuntimeError", "a leaf Variable that requires grad is being used in an in-place operation."),
            ("RuntimeError", "function FBackward returned an incorrect number of gradients (expected 2, got 1)"),
            ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied (4x3 and 5x2)"),
            ("ValueError", "optimizer got an empty parameter list"),
            ("RuntimeError", "Inference tensors cannot be saved for backward."),
        ], 1)
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_does_not_take_what_it_is_given(case: Case, tmp_path: Path) -> None:
    """The tensors by name, the lines that made them, and who was given them."""
    check(tmp_path, case)
