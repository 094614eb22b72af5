"""torch.compile under the tracer: it compiles what it would compile, and nothing of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.tracer.recording import record

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def test_a_compiled_function_is_one_graph_and_one_node(tmp_path: Path) -> None:
    """The backend gets the whole function in one piece, as without the tracer, and the graph shows one node for it."""
    graphs: list[list[Any]] = []

    def backend(module: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Any:
        targets = [node.target for node in module.graph.nodes if node.op.startswith("call")]
        graphs.append([getattr(target, "__name__", target) for target in targets])
        return module.forward

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.layer(x) * 2
            return result.exp()

    def script() -> None:
        torch._dynamo.reset()
        net = torch.compile(Net(), backend=backend)
        net(torch.ones(1, 2)).sum().backward()

    script()
    record(tmp_path / "run.tape", script)
    assert graphs == [["linear", "mul", "exp"]] * 2


def test_a_compiled_region_runs_compiled(tmp_path: Path) -> None:
    """What the script computes with is the compiled function, not its ops one by one."""

    def script() -> str:
        torch._dynamo.reset()
        double = torch.compile(lambda x: (x * 2).exp(), backend="aot_eager")
        result = double(torch.ones(3, requires_grad=True))
        result.sum().backward()
        return str(result.grad_fn.name())

    assert script() == "CompiledFunctionBackward"
    name, tape = record(tmp_path / "run.tape", script)
    assert name == "CompiledFunctionBackward"
    assert "CompiledFunctionBackward" in {event.name for event in tape.events() if event.kind == "node"}
