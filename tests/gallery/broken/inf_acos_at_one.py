"""acos of a cosine that is exactly 1 has an infinite derivative.

Findings: G016
Line: 15
"""

import torch

torch.manual_seed(9)
angles = torch.tensor([0.0, 0.4, 1.1], requires_grad=True)
optimizer = torch.optim.SGD([angles], lr=0.1)
goal = torch.tensor([0.2, 0.2, 0.2])
for step in range(3):
    cosine = torch.cos(angles)
    recovered = torch.acos(cosine)
    loss = (recovered - goal).pow(2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
