"""The hook is on a tensor that requires grad and feeds a branch that was multiplied away by an if.

Findings: G015
Line: 18
"""

import torch
from torch import nn

torch.manual_seed(4)
main, extra = nn.Linear(4, 3), nn.Linear(4, 3)
use_extra = False
optimizer = torch.optim.SGD(main.parameters(), lr=0.1)
seen = []
for step in range(5):
    x, y = torch.randn(8, 4), torch.randint(0, 3, (8,))
    scores, more = main(x), extra(x)
    more.register_hook(seen.append)
    if use_extra:
        scores = scores + more
    loss = nn.functional.cross_entropy(scores, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(len(seen))
