"""Evaluation of a metric in inference_mode, decorated.

Findings: none
"""

import torch
from torch import nn


@torch.inference_mode()
def evaluate(model, batches):
    model.eval()
    right = sum((model(x).argmax(1) == y).sum().item() for x, y in batches)
    return right / sum(len(y) for _, y in batches)


torch.manual_seed(49)
print(evaluate(nn.Linear(6, 2), [(torch.randn(9, 6), torch.randint(0, 2, (9,))) for _ in range(5)]))
