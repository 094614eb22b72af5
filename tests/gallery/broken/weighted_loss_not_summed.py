"""Per-class weights were multiplied to the loss by hand, and the mean was forgotten.

Findings: G104
Line: 12 or 19
Raises: RuntimeError
"""

import torch


def weighted_mse(prediction, target, weights):
    return weights * (prediction - target) ** 2


torch.manual_seed(1)
w = torch.randn(3, requires_grad=True)
x = torch.randn(5, 3)
loss = weighted_mse(x @ w, torch.ones(5), torch.tensor([1.0, 1.0, 2.0, 2.0, 1.0]))
loss.backward()
