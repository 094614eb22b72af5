"""Linear regression by hand: update under no_grad, grad.zero_().

Findings: none
"""

import torch

torch.manual_seed(10)
x = torch.randn(30, 2)
y = x @ torch.tensor([2.0, -3.4]) + 4.2 + 0.01 * torch.randn(30)
w = (0.01 * torch.randn(2)).requires_grad_()
b = torch.zeros(1, requires_grad=True)
for epoch in range(12):
    loss = ((x @ w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in (w, b):
            p -= 0.1 * p.grad
            p.grad.zero_()
