"""The inner update made new fast weights; the gradient is then asked for the old ones through detached copies.

Findings: G108
Line: 14 or 22
Raises: RuntimeError
"""

import torch


def inner_step(weights, x, y, lr=0.1):
    loss = (x @ weights - y).pow(2).mean()
    (gradient,) = torch.autograd.grad(loss, weights)
    return (weights - lr * gradient).detach().requires_grad_()


torch.manual_seed(2)
meta = torch.randn(4, 1, requires_grad=True)
x, y = torch.randn(9, 4), torch.randn(9, 1)
fast = inner_step(meta, x, y)
outer = (x @ fast - y).pow(2).mean()
(meta_gradient,) = torch.autograd.grad(outer, meta)
