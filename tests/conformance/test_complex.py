"""Complex numbers against torch: each node's measured derivative times upstream is what the engine sends on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.tracer.recording import record

pytestmark = pytest.mark.torch

Z = [1 + 2j, -3 + 0.5j]
CASES: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], str]] = {
    "mul": (lambda z: z * (2 - 1j), "complex"),
    "exp": (torch.exp, "complex"),
    "reciprocal": (torch.reciprocal, "complex"),
    "abs": (torch.abs, "from_real"),
    "angle": (torch.angle, "from_real"),
    "conj": (torch.conj_physical, "conjugate"),
    "real": (torch.real, "from_real"),
    "view_as_real": (torch.view_as_real, "from_real"),
    "sgn": (torch.sgn, "parts"),
    "fft": (torch.fft.fft, "complex"),
}


@pytest.mark.parametrize("name", CASES)
def test_products_of_complex_ops(name: str, tmp_path: Path) -> None:
    """One complex factor an entry where that says all (holomorphic in z or z*, real outputs), else the parts."""
    function, form = CASES[name]
    z = torch.tensor(Z, dtype=torch.complex128, requires_grad=True)
    weights = torch.tensor([0.5, -2.0], dtype=torch.float64)

    def run() -> None:
        w = function(z)
        w = torch.view_as_real(w) if w.is_complex() else w
        (w.reshape(2, -1) * weights[:, None]).sum().backward()

    _, tape = record(tmp_path / "run.tape", run)
    forms = set()
    for event in tape.events():
        if event.kind != "node":
            continue
        chain = tape.frame(event.seq).chain
        assert chain is not None
        for edge in chain.edges:
            if edge.to is not None:
                assert edge.check is not None, event.name
                assert edge.check.is_ok, (event.name, edge)
                forms.add(edge.local.form)
    assert form in forms
