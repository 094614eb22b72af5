"""A part of the conformance run that is quick enough for every change: one op a family, two samples of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.ops import exceptions
from tests.conformance.ops.exceptions import complaints

pytestmark = pytest.mark.torch

LONGEST_LIST = 4
"""As many entries as the list of exceptions ever may have again: lower it with the list."""

FAMILIES = """
add mul div.no_rounding_mode pow exp sin tanh erf abs clamp where maximum fmod
sum mean prod var_mean norm logsumexp cumsum max.reduction_with_dim median quantile
matmul addmm einsum linalg.inv linalg.solve linalg.eigh linalg.qr cholesky
reshape transpose expand diagonal __getitem__ index_add gather scatter_reduce.sum cat split unfold
complex view_as_real to_sparse fft.rfft sort topk repeat_interleave as_strided masked_fill nan_to_num
softmax nn.functional.cross_entropy nn.functional.layer_norm nn.functional.batch_norm nn.functional.conv2d
nn.functional.adaptive_max_pool2d nn.functional.avg_pool2d nn.functional.embedding nn.functional.dropout
nn.functional.gelu
nn.functional.scaled_dot_product_attention nn.functional.interpolate.bilinear nn.functional.pad.reflect
nn.functional.mse_loss nn.functional.bilinear cdist
""".split()


@pytest.mark.parametrize("name", FAMILIES)
def test_an_op_of_each_family_conforms(name: str) -> None:
    """Traced as plain bit for bit, each product as the engine has it, nothing raised and nothing left installed."""
    from tests.conformance.ops.samples import cases
    from tests.conformance.ops.trial import attempt

    results = [attempt(case, 2 if case.dtype == "float64" else 1, draws_all=False) for case in cases([name])]
    assert results
    assert all(result.nodes for result in results)
    assert complaints(results, {}) == []


def test_the_list_of_exceptions_names_cases_of_the_database() -> None:
    """An entry whose op or dtype is no longer in the database is stale, and the list grows no longer."""
    from tests.conformance.ops.samples import cases

    listed = exceptions.load()
    assert set(listed) <= {(case.op, case.dtype) for case in cases()}
    assert len(listed) <= LONGEST_LIST
    assert exceptions.PATH.parent == Path(exceptions.__file__).parent
