"""The state is carried over without detach(), with retain_graph=True: every gradient goes back to the first batch.

Findings: G007
May: G055
Line: 15 or 17
"""

import torch

torch.manual_seed(1)
w = (0.3 * torch.randn(6, 6)).requires_grad_()
state = torch.zeros(8, 6)
for step in range(12):
    x = torch.randn(8, 6)
    state = torch.tanh(state @ w + x)
    loss = (state - x).pow(2).mean()
    (gradient,) = torch.autograd.grad(loss, w, retain_graph=True)
    w = (w - 0.1 * gradient).detach().requires_grad_()
