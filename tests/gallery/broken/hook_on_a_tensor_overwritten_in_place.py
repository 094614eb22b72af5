"""retain-and-print hook on a weight that was rebuilt: the hook is on yesterday's tensor.

Findings: G015
Line: 13
"""

import torch

torch.manual_seed(3)
base = torch.randn(5, 5, requires_grad=True)
printed = []
masked = base * (torch.rand(5, 5) > 0.3)
masked.register_hook(printed.append)
for step in range(6):
    masked = base * (torch.rand(5, 5) > 0.3)
    loss = (masked @ torch.randn(5, 2)).pow(2).mean()
    loss.backward()
    with torch.no_grad():
        base -= 0.05 * base.grad
        base.grad = None
print(len(printed))
