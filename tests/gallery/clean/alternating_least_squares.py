"""Two parameter sets, optimised in turn for several steps each.

Findings: none
"""

import torch

torch.manual_seed(83)
ratings = torch.rand(8, 6)
users, items = (0.3 * torch.randn(8, 2)).requires_grad_(), (0.3 * torch.randn(6, 2)).requires_grad_()
optimizers = [torch.optim.SGD([users], lr=0.2), torch.optim.SGD([items], lr=0.2)]
for round_ in range(3):
    for optimizer in optimizers:
        for _ in range(3):
            for each in optimizers:
                each.zero_grad()
            ((users @ items.T - ratings) ** 2).mean().backward()
            optimizer.step()
