"""The hook is registered on the activation after backward() has run; the activation is not used again.

Findings: G015
Line: 19
"""

import torch
from torch import nn

torch.manual_seed(1)
body, head = nn.Linear(4, 8), nn.Linear(8, 1)
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()])
seen = {}
for step in range(5):
    hidden = body(torch.randn(10, 4)).relu()
    loss = head(hidden).square().mean()
    optimizer.zero_grad()
    loss.backward()
    hidden.register_hook(lambda grad, step=step: seen.update({step: grad}))
    optimizer.step()
print(seen)
