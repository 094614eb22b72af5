"""The update by hand in the old style: p.data -= lr * p.grad.data, then p.grad.data.zero_().

Findings: none
"""

import torch

torch.manual_seed(11)
w1 = (torch.randn(4, 8) * 0.3).requires_grad_()
w2 = (torch.randn(8, 1) * 0.3).requires_grad_()
x, y = torch.randn(20, 4), torch.randn(20, 1)
for t in range(10):
    loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).mean()
    loss.backward()
    for w in (w1, w2):
        w.data -= 0.05 * w.grad.data
        w.grad.data.zero_()
