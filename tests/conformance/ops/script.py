"""What is recorded of a sample: the op, and the engine run from all it returns. Short, since the tracer parses it."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._pytree import tree_leaves


def run(op: Any, sample: Any, seed: int) -> list[torch.Tensor]:
    """Run an op and the engine from all its differentiable outputs, with fixed random gradients; return its outputs."""
    torch.manual_seed(seed)
    result = sample.output_process_fn_grad(op(sample.input, *sample.args, **sample.kwargs))
    outputs = [item for item in tree_leaves(result) if isinstance(item, torch.Tensor)]
    roots = [output for output in outputs if output.requires_grad]
    if roots:
        generator = torch.Generator().manual_seed(seed)
        torch.autograd.backward(roots, [_gradient(root, generator) for root in roots])
    return outputs


def _gradient(output: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if output.is_nested or output.layout is not torch.strided:
        return torch.ones_like(output)
    return torch.randn(output.shape, generator=generator, dtype=output.dtype)
