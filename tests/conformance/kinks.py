"""What torch sends at kinks and singular points, by version: ``python -m tests.conformance.kinks`` measures and writes.

Each row is an op and a point where its derivative is not defined, or where 0 is multiplied by infinity: elements that
are equal, bounds that are met, roots of 0. The gradient of the sum of the op's results is measured with the torch that
is installed and kept in kinks.json beside what other versions sent; docs/kinks.md is printed from that file. A test
holds the formulas of gradb's rules against it, version by version.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from textwrap import shorten
from typing import Any

from gradb.rules.versions import order

DATA = Path(__file__).with_name("kinks.json")
PAGE = Path(__file__).parents[2] / "docs" / "kinks.md"
Measured = Mapping[str, Mapping[str, Mapping[str, str]]]
"""{op: {point: {version: what torch sent}}}"""

_INF, _NAN = float("inf"), float("nan")


@dataclass(frozen=True, slots=True)
class Kink:
    """One op at one point."""

    op: str
    """A call with ``x``, as one writes it; ``T`` makes a tensor of float64, ``F`` is torch.nn.functional."""
    point: Any
    """The value of x."""

    @property
    def where(self) -> str:
        """The point as text."""
        return str(self.point)

    def call(self) -> Callable[[Any], Any]:
        """Return the op as a function of x."""
        import torch

        def tensor(data: Any) -> torch.Tensor:
            return torch.tensor(data, dtype=torch.float64)

        names = {"torch": torch, "F": torch.nn.functional, "T": tensor}
        function: Callable[[Any], Any] = eval(f"lambda x: {self.op}", names)
        return function


KINKS = tuple(
    Kink(op, point)
    for op, *points in (
        # gates and bounds
        ("x.abs()", [0.0]),
        ("x.relu()", [0.0]),
        ("F.relu6(x)", [0.0, 6.0]),
        ("F.hardtanh(x)", [-1.0, 1.0]),
        ("x.clamp(0, 1)", [0.0, 1.0]),
        ("x.clamp(T([0., 0.]), T([1., 1.]))", [0.0, 1.0]),
        ("x.clamp_min(0)", [0.0]),
        ("x.clamp_max(0)", [0.0]),
        ("x.clamp(min=T([0.]))", [0.0]),
        ("x.clamp(max=T([0.]))", [0.0]),
        ("T([0., 1.]).clamp(x, T([1., 1.]))", [0.0, 0.0]),
        ("T([0., 1.]).clamp(T([0., 0.]), x)", [1.0, 1.0]),
        ("T([0.]).clamp(min=x)", [0.0]),
        ("T([0.]).clamp(max=x)", [0.0]),
        ("F.softshrink(x)", [-0.5, 0.5]),
        ("F.hardshrink(x)", [-0.5, 0.5]),
        ("F.threshold(x, 1, 0)", [1.0]),
        ("F.hardswish(x)", [-3.0, 3.0]),
        ("F.hardsigmoid(x)", [-3.0, 3.0]),
        ("F.leaky_relu(x)", [0.0]),
        ("F.prelu(x, T([.25]))", [0.0]),
        ("F.elu(x, 2.)", [0.0]),
        ("F.celu(x)", [0.0]),
        ("F.selu(x)", [0.0]),
        ("F.softplus(x, 1, 0.)", [0.0]),
        ("F.softplus(x)", [20.0]),
        ("F.rrelu(x)", [0.0]),
        ("x.nan_to_num()", [_NAN, _INF, 1.0]),
        # ties
        ("torch.maximum(x, T([1.]))", [1.0]),
        ("torch.minimum(x, T([1.]))", [1.0]),
        ("torch.fmax(x, T([1.]))", [1.0]),
        ("torch.fmin(x, T([1.]))", [1.0]),
        ("torch.fmax(T([1.]), x)", [1.0]),
        ("torch.fmin(T([1.]), x)", [1.0]),
        ("torch.fmax(x, T([1.]))", [_NAN]),
        ("torch.fmax(T([1.]), x)", [_NAN]),
        ("torch.fmin(x, T([1.]))", [_NAN]),
        ("torch.fmin(T([1.]), x)", [_NAN]),
        ("torch.maximum(x, T([1.]))", [_NAN]),
        ("x.clamp(min=T([1.]))", [_NAN]),
        ("x.clamp(T([0.]), T([1.]))", [_NAN]),
        ("T([0.]).clamp(x, T([0.]))", [0.0]),
        ("x.max()", [1.0, 1.0, 0.0]),
        ("x.max(0).values", [1.0, 1.0, 0.0]),
        ("x.amax(0)", [1.0, 1.0, 0.0]),
        ("x.min()", [0.0, 0.0, 1.0]),
        ("x.aminmax(dim=0)[0]", [0.0, 0.0, 1.0]),
        ("x.median()", [1.0, 1.0, 1.0, 0.0]),
        ("x.median(0).values", [1.0, 1.0, 1.0, 0.0]),
        ("x.quantile(.5)", [1.0, 1.0, 1.0, 0.0]),
        ("x.nanmedian()", [1.0, 1.0, _NAN]),
        ("x.mode().values", [1.0, 1.0, 0.0]),
        ("x.kthvalue(2).values", [1.0, 1.0, 0.0]),
        ("x.sort().values * T([1., 2., 3.])", [1.0, 1.0, 2.0]),
        ("x.topk(1).values", [1.0, 1.0, 0.0]),
        ("x.cummax(0).values", [1.0, 1.0, 1.0]),
        ("F.max_pool1d(x[None], 2)", [1.0, 1.0, 2.0, 2.0]),
        ("F.adaptive_max_pool1d(x[None], 1)", [1.0, 1.0, 1.0, 1.0]),
        # norms and distances
        ("x.norm()", [0.0, 0.0]),
        ("x.norm(1)", [0.0, 1.0]),
        ("x.norm(float('inf'))", [1.0, 1.0, 0.0]),
        ("x.norm(3)", [0.0, 0.0]),
        ("x.norm(.5)", [0.0, 1.0]),
        ("torch.linalg.vector_norm(x, 0)", [3.0, 0.0]),
        ("F.normalize(x, dim=0)", [0.0, 0.0]),
        ("F.cosine_similarity(x, T([1., 1.]), 0)", [0.0, 0.0]),
        ("torch.cdist(x[None], T([[1., 1.]]))", [1.0, 1.0]),
        ("F.pairwise_distance(x[None], T([[1., 1.]]))", [1.0, 1.0]),
        ("torch.hypot(x, T([0.]))", [0.0]),
        ("torch.atan2(x, T([0.]))", [0.0]),
        ("F.lp_pool1d(x[None], 2, 2)", [0.0, 0.0]),
        ("x.renorm(2, 0, 1.)", [[1.0], [1.0]]),
        ("torch.linalg.matrix_norm(x, 'nuc')", [[0.0, 0.0], [0.0, 0.0]]),
        ("torch.linalg.matrix_norm(x, 2)", [[1.0, 0.0], [0.0, 1.0]]),
        # roots, powers, logarithms
        ("x.sqrt()", [0.0]),
        ("x ** .5", [0.0]),
        ("x ** 0", [0.0]),
        ("T([0., 0.]) ** x", [0.0, 1.0]),
        ("x ** x", [0.0]),
        ("torch.xlogy(x, x)", [0.0]),
        ("torch.special.entr(x)", [0.0]),
        ("x.sinc()", [0.0]),
        ("x.sgn()", [0.0]),
        ("x.lgamma()", [0.0]),
        ("x.digamma()", [1.0]),
        ("x.erfinv()", [1.0]),
        ("x.acos()", [1.0]),
        ("x.atanh()", [1.0]),
        ("x.logit()", [0.0, 1.0]),
        ("x.logit(.1)", [0.1, 0.9]),
        ("x.i0()", [0.0]),
        # products, sums, spreads
        ("x.prod()", [0.0, 2.0, 3.0]),
        ("x.prod()", [0.0, 0.0, 3.0]),
        ("x.cumprod(0)", [2.0, 0.0, 3.0]),
        ("x.std()", [1.0]),
        ("x.std()", [1.0, 1.0]),
        ("x.var()", [1.0]),
        ("x.logsumexp(0)", [-_INF, -_INF]),
        ("x.softmax(0)", [-_INF, -_INF]),
        ("x.logcumsumexp(0)", [-_INF, 0.0]),
        ("torch.trapezoid(x)", [0.0, 0.0]),
        # losses
        ("F.huber_loss(x, T([0., 0.]), reduction='sum')", [1.0, -1.0]),
        ("F.smooth_l1_loss(x, T([0., 0.]), reduction='sum')", [1.0, -1.0]),
        ("F.l1_loss(x, T([0.]))", [0.0]),
        ("F.hinge_embedding_loss(x, T([-1.]))", [1.0]),
        ("F.margin_ranking_loss(x, T([0.]), T([1.]))", [0.0]),
        ("F.triplet_margin_loss(x, T([[0.]]), T([[3.]]), eps=0.)", [[1.0]]),
        ("F.multi_margin_loss(x[None], torch.tensor([0]))", [1.0, 0.0]),
        ("F.cosine_embedding_loss(x[None], T([[1., 0.]]), T([-1.]))", [0.0, 1.0]),
        ("F.binary_cross_entropy(x, T([.5, .5]), reduction='sum')", [0.0, 1.0]),
        ("F.kl_div(x, T([0., 1.]), reduction='sum')", [0.0, 0.0]),
        ("F.gaussian_nll_loss(x, T([0.]), T([0.]))", [0.0]),
        ("F.poisson_nll_loss(x, T([0.]), log_input=False, full=True)", [0.0]),
        # jumps
        ("x.floor()", [1.0]),
        ("x.frac()", [1.0]),
        ("torch.remainder(x, 1)", [1.0]),
        ("torch.fmod(x, 1)", [1.0]),
        ("x.round()", [0.5]),
        ("x.trunc()", [1.0]),
        ("torch.heaviside(x, T([0.]))", [0.0]),
        ("torch.copysign(x, T([1.]))", [0.0]),
        # matrices
        ("torch.linalg.det(x)", [[1.0, 1.0], [1.0, 1.0]]),
        ("torch.linalg.slogdet(x)[1]", [[1.0, 1.0], [1.0, 1.0]]),
        ("torch.linalg.svdvals(x)", [[1.0, 0.0], [0.0, 1.0]]),
        ("torch.linalg.eigvalsh(x)[1]", [[1.0, 0.0], [0.0, 1.0]]),
        ("torch.linalg.pinv(x)", [[0.0]]),
    )
    for point in points
)
"""All rows, in the order in which the page prints them."""


def measure(kink: Kink) -> str:
    """Return the gradient of the sum of the op's results as the torch that is installed gives it, or its refusal."""
    import torch

    x = torch.tensor(kink.point, dtype=torch.float64, requires_grad=True)
    try:
        with warnings.catch_warnings(action="ignore"):  # of one element torch says itself that it has no deviation
            (grad,) = torch.autograd.grad(kink.call()(x).sum(), x)
    except RuntimeError as error:
        return f"{type(error).__name__}: {shorten(str(error), 70, placeholder=' ...')}"
    numbers = (
        (torch.zeros(x.shape, dtype=x.dtype) + grad).flatten().tolist()
    )  # torch's ZeroTensor has no numbers to list
    return f"[{', '.join(f'{number:.7g}' for number in numbers)}]"


def load() -> dict[str, dict[str, dict[str, str]]]:
    """Return what was measured so far."""
    found: dict[str, dict[str, dict[str, str]]] = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    return found


def versions(measured: Measured) -> list[str]:
    """Return the versions that were measured, oldest first."""
    return sorted({v for points in measured.values() for values in points.values() for v in values}, key=order)


def page(measured: Measured) -> str:
    """Return docs/kinks.md: a row a kink, what did not change since the version before as ``=``."""
    known = versions(measured)
    lines = [
        "# What PyTorch sends at kinks and singular points",
        "",
        "Many gradients sit on a kink: a ReLU at 0, a clamp at its bound, two equal elements under a max. There a",
        "derivative is not defined, and PyTorch takes one of the possible values, or 0, or lets infinity through.",
        "What it takes can change from one version to the next, without a word in the code that uses it.",
        "",
        "Each value was measured: the gradient of the sum of the op's results at the point named, in float64 on the",
        "CPU, one value for each element of `x`. `T` makes a tensor, `F` is `torch.nn.functional`, `=` means: as in",
        "the column to the left. `python -m tests.conformance.kinks` measures the torch that is installed and prints",
        "this page. What gradb says at such a point goes by the version that recorded the tape.",
        "",
        f"| op | x | {' | '.join(known)} |",
        f"|---|---|{'---|' * len(known)}",
    ]
    for op, points in measured.items():
        for point, values in points.items():
            shown = [values.get(v, "") for v in known]
            cells = ["=" if i and text == shown[i - 1] else text for i, text in enumerate(shown)]
            lines.append(f"| `{op}` | {point} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure every row with the torch that is installed, keep it, and print the page anew."""
    release = version("torch").partition("+")[0]
    before = load()
    measured: dict[str, dict[str, dict[str, str]]] = {}
    for kink in KINKS:
        values = before.get(kink.op, {}).get(kink.where, {}) | {release: measure(kink)}
        measured.setdefault(kink.op, {})[kink.where] = dict(sorted(values.items(), key=lambda item: order(item[0])))
    lines = [f" {json.dumps(op)}: {json.dumps(points)}" for op, points in measured.items()]
    DATA.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    PAGE.write_text(page(measured), encoding="utf-8")
    print(f"{len(KINKS)} rows measured with torch {release}: wrote {DATA.name} and docs/{PAGE.name}")


if __name__ == "__main__":
    main()
