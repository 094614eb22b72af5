"""Nodes too large to be measured: one call with a random vector, held against the formula computed the way forward."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from gradb.algebra.local import Check
from gradb.rules import examined
from gradb.tracer.probe import directions
from gradb.tracer.probe.thin import Thin, projected
from tests.tracer.recording import record

pytestmark = pytest.mark.torch

Op = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
SIZE = 48

OPS: dict[str, Op] = {
    "Mm": lambda x, y: x @ y,
    "Addmm": lambda x, y: torch.addmm(x[0], x, y, beta=2, alpha=3),
    "Bmm": lambda x, y: torch.bmm(x.view(2, 24, 48), y.view(2, 48, 24)),
    "Convolution": lambda x, y: functional.conv1d(x[None], y[:, :24, None], x[0], stride=2, groups=2),
    "Softmax": lambda x, y: (x * y).softmax(-1),
    "LogSoftmax": lambda x, y: (x * y).log_softmax(0),
    "NativeLayerNorm": lambda x, y: functional.layer_norm(x * y, (SIZE,), x[0], y[0]),
    "Embedding": lambda x, y: functional.embedding(torch.arange(100) % 7, x * y, padding_idx=3),
    "T": lambda x, y: (x * y).t(),
    "Transpose": lambda x, y: (x * y).transpose(-1, 0),
    "Permute": lambda x, y: (x * y).permute(1, -2),
    "View": lambda x, y: (x * y).view(-1, 2),
    "UnsafeView": lambda x, y: x.view(2, 24, 48) @ y,
    "Clone": lambda x, y: (x * y).clone(),
    "Expand": lambda x, y: (x * y).expand(2, SIZE, SIZE),
    "Sum": lambda x, y: (x * y).sum(),
    "Mean": lambda x, y: (x * y).mean(),
    "Add": lambda x, y: torch.add(x, y[0], alpha=3),
    "Sub": lambda x, y: torch.sub(x, y[:, :1], alpha=3),
    "Mul": lambda x, y: x * y[0],
}


def _checks(path: Path, op: Op, node: str) -> list[Check]:
    """Return the checks of the edges of a node of which nothing is kept whole."""

    def script() -> None:
        generator = torch.Generator().manual_seed(0)
        x, y = (torch.randn(SIZE, SIZE, generator=generator, requires_grad=True) for _ in range(2))
        made = op(x, y)
        made.backward(torch.randn(made.shape, generator=generator))

    _, tape = record(path / "t.tape", script, probe="auto")
    event = next(event for event in tape.events() if event.kind == "node" and event.name == f"{node}Backward0")
    chain = tape.chain(event.node or 0, event.seq)
    tape.close()
    assert chain is not None
    return [edge.check for edge in examined(chain).edges if edge.check is not None]


@pytest.mark.parametrize("node", OPS)
def test_a_large_node_agrees_with_its_formula_in_a_random_direction(node: str, tmp_path: Path) -> None:
    """Or better: by the formula at values that the tape has."""
    checks = _checks(tmp_path, OPS[node], node)
    assert checks
    for check in checks:
        assert check.is_ok
        assert check.is_compared
        assert check.how in {"direction", "corner", "measured"}


def test_every_formula_here_has_an_op() -> None:
    """None is left untried; a reshape makes the node of another name only where it must copy."""
    tried = {f"{node}Backward0" for node in OPS}
    assert set(directions.FORWARD) - tried == {"ReshapeAliasBackward0"}


def test_a_node_that_does_something_else_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one wrong sign, or one wrong factor, in the formula the check differs: it is no call of the same thing."""
    wrong = (lambda n, s, _: s.times(n._saved_mat2).scaled(1.01), lambda n, s, _: s.behind(n._saved_self).scaled(-1))
    monkeypatch.setitem(directions.FORWARD, "MmBackward0", wrong)
    checks = _checks(tmp_path, OPS["Mm"], "Mm")
    assert [check.is_ok for check in checks] == [False, False]
    assert all("by the formula" in check.text for check in checks)


def test_a_node_without_a_formula_says_so(tmp_path: Path) -> None:
    """The inverse of a large matrix is neither measured nor compared, and the check says that it was not made."""
    (check,) = _checks(tmp_path, lambda x, y: torch.logcumsumexp(x * y, 0), "Logcumsumexp")
    assert check.how == "none"
    assert check.text.startswith("not checked: ")
    assert not check.is_compared


def test_no_generator_of_the_scripts_is_touched(tmp_path: Path) -> None:
    """The random state after a backward is that before it."""

    def script() -> bool:
        x = torch.ones(SIZE, SIZE, requires_grad=True)
        state = torch.get_rng_state()
        (x @ x).sum().backward()
        return torch.equal(state, torch.get_rng_state())

    is_same, tape = record(tmp_path / "t.tape", script, probe="auto")
    tape.close()
    assert is_same


def test_it_is_done_at_the_first_visits_of_a_place(tmp_path: Path) -> None:
    """Eight times, and then no more: the ninth visit says why."""

    def script() -> None:
        x = torch.ones(SIZE, SIZE, requires_grad=True)
        for _ in range(9):
            (x @ x).sum().backward()

    _, tape = record(tmp_path / "t.tape", script, probe="auto")
    events = [event for event in tape.events() if event.kind == "node" and event.name == "MmBackward0"]
    hows = []
    for event in events:
        chain = tape.chain(event.node or 0, event.seq)
        assert chain is not None
        hows.append({edge.check.how for edge in examined(chain).edges if edge.check is not None})
    tape.close()
    assert hows == [{"direction"}] * 8 + [{"none"}]


def test_a_large_node_is_not_called_where_small_ones_alone_are_wanted(tmp_path: Path) -> None:
    """`small` measures what is small, and says of the large that it is not checked."""

    def script() -> None:
        x = torch.ones(SIZE, SIZE, requires_grad=True)
        ((x @ x)[0, :4] * 2).sum().backward()

    _, tape = record(tmp_path / "t.tape", script, probe="small")
    found = {}
    for event in tape.events():
        if event.kind == "node":
            chain = tape.chain(event.node or 0, event.seq)
            assert chain is not None
            found[event.name] = {edge.check.how for edge in examined(chain).edges if edge.check is not None}
    tape.close()
    assert found["MmBackward0"] == {"none"}
    assert found["MulBackward0"] == {"measured"}


def test_the_signs_are_the_same_however_many_are_drawn() -> None:
    """The vector of a node depends neither on the machine nor on which nodes were called before it."""
    few, many = (directions._draw(count, torch.int8, torch.device("cpu")) for count in (100, 300_000))
    assert torch.equal(few, many[: len(few)])
    assert set(many.tolist()) == {-1, 1}
    assert abs(int(many.sum())) < 3_000
    assert many[:20].tolist() == [1, -1, 1, -1, 1, 1, 1, 1, 1, -1, -1, -1, 1, 1, -1, 1, 1, -1, 1, -1]


def test_signs_that_a_node_has_written_to_are_drawn_anew() -> None:
    """What is shared by all nodes is right again for the next."""
    kind = (torch.Size([4]), torch.float32, torch.device("cpu"))
    before = directions._signs(*kind).tolist()
    directions._signs(*kind).zero_()
    assert directions._signs(*kind).tolist() == before


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e25])
def test_projections_neither_overflow_nor_vanish(size: float) -> None:
    """Squares and sums that single precision does not hold are taken in double precision."""
    values = torch.full((4096,), size)
    total, length = directions._project(values, 0)
    signs = directions._signs(values.shape, torch.float64, values.device)
    assert length == pytest.approx(size * 64, rel=1e-5)
    assert total == pytest.approx(float((values.double() * signs).sum()), abs=1e-5 * length)


def test_a_thin_matrix_is_the_whole_one_in_every_product() -> None:
    """What is told of a product of matrices is what full multiplication tells, turned over or not."""
    column, row, left, right = (torch.randn(size, dtype=torch.float64) for size in ((5,), (7,), (4, 5), (7, 3)))
    whole, one = torch.outer(column, row), Thin(column, row)
    for made, wanted in (
        (one.times(right), whole @ right),
        (one.behind(left), left @ whole),
        (one.turned().scaled(3), 3 * whole.t()),
    ):
        along = torch.randn(wanted.shape, dtype=torch.float64)
        total, length = projected(along, made, made)
        assert total == pytest.approx((along * wanted).sum().item())
        assert length == pytest.approx(wanted.norm().item())
        assert projected(along.t().contiguous().t(), made, along)[1] == pytest.approx(along.norm().item())


@pytest.mark.parametrize("bias", [(SIZE,), (1, SIZE), (SIZE, 1), (SIZE, SIZE), ()])
def test_a_bias_of_any_shape_agrees(bias: tuple[int, ...], tmp_path: Path) -> None:
    """It is added to each row, to each column, or to each element."""
    given = torch.randn(bias, generator=torch.Generator().manual_seed(1)).requires_grad_()
    checks = _checks(tmp_path, lambda x, y: torch.addmm(given, x, y, beta=2), "Addmm")
    assert [(check.is_ok, check.how) for check in checks] == [(True, "direction")] * 3
