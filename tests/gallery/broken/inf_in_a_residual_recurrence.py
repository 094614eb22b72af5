"""A recurrence without a nonlinearity multiplies the state by a matrix with large eigenvalues until it overflows.

Findings: G016
Line: 16
"""

import torch

torch.manual_seed(27)
w = (torch.randn(6, 6) * 40).requires_grad_()
optimizer = torch.optim.SGD([w], lr=1e-3)
x = torch.randn(4, 6)
for step in range(2):
    state = x
    for _ in range(40):
        state = state @ w
    loss = state.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
