"""Hard Gumbel-softmax samples in the middle of the network.

Findings: none
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
chooser, experts = nn.Linear(4, 3), nn.ModuleList(nn.Linear(4, 2) for _ in range(3))
optimizer = torch.optim.SGD([*chooser.parameters(), *experts.parameters()], lr=0.05)
for step in range(6):
    x, y = torch.randn(14, 4), torch.randint(0, 2, (14,))
    weights = F.gumbel_softmax(chooser(x), tau=1.0, hard=True)
    out = sum(w.unsqueeze(1) * e(x) for w, e in zip(weights.unbind(1), experts))
    loss = F.cross_entropy(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
