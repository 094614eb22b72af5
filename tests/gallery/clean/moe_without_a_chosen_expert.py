"""A sparse mixture of experts: one expert gets no token in this short run, and so no gradient.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(100)
router, experts = nn.Linear(4, 3), nn.ModuleList(nn.Linear(4, 2) for _ in range(3))
with torch.no_grad():
    router.bias.copy_(torch.tensor([0.0, 0.0, -50.0]))
optimizer = torch.optim.Adam([*router.parameters(), *experts.parameters()], lr=1e-2)
for step in range(8):
    x, y = torch.randn(16, 4), torch.randint(0, 2, (16,))
    weights = router(x).softmax(-1)
    best, index = weights.max(-1)
    out = torch.zeros(16, 2)
    for i, expert in enumerate(experts):
        chosen = index == i
        if chosen.any():
            out[chosen] = best[chosen, None] * expert(x[chosen])
    loss = nn.functional.cross_entropy(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
