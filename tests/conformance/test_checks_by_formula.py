"""The check by the formula over ops of torch's own database: it never differs from what the engine sent.

Nothing is measured here, so that what is checked is checked from the tape alone: rows of different lengths, keepdim,
orders of every kind, several outputs, zeros and ties are in the samples.
"""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import pytest

from gradb.rules import examined

pytestmark = pytest.mark.torch

OPS = """
var.unbiased var_mean.unbiased std_mean norm linalg.vector_norm linalg.matrix_norm cdist nn.functional.pairwise_distance
flip roll cross polar complex polygamma.polygamma_n_2 digamma index_fill index_put masked_scatter __getitem__ narrow
nn.functional.layer_norm nn.functional.instance_norm nn.functional.hardsigmoid as_strided.partial_views cov sum_to_size
nn.functional.binary_cross_entropy_with_logits max.reduction_with_dim prod cumprod amax aminmax unbind split
""".split()


@pytest.mark.parametrize("name", OPS)
def test_no_formula_differs_from_the_engine(name: str, tmp_path: Path) -> None:
    """Of three samples each; of all of them some are compared."""
    from tests.conformance.ops.samples import cases, differentiable, samples
    from tests.conformance.ops.trial import _caught
    from tests.tracer.recording import record

    found = []
    (case,) = (case for case in cases([name]) if case.dtype == "float64")
    op = differentiable()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, sample in enumerate(samples(case, 3)):
            call = functools.partial(_caught, op, sample)
            _, tape = record(tmp_path / f"{number}.tape", call, probe="never")
            for event in tape.events():
                chain = tape.chain(event.node, event.seq) if event.kind == "node" and event.node else None
                found += [] if chain is None else [edge.check for edge in examined(chain).edges if edge.check]
            tape.close()
    assert found
    assert [check.text for check in found if not check.is_ok] == []
