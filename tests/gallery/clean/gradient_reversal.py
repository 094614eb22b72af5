"""Domain adaptation: a gradient reversal layer that returns a new tensor, and a domain classifier.

Findings: none
"""

import torch
from torch import nn


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


torch.manual_seed(2)
features = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
label_head, domain_head = nn.Linear(8, 3), nn.Linear(8, 1)
optimizer = torch.optim.SGD([p for m in (features, label_head, domain_head) for p in m.parameters()], lr=0.05)
for step in range(6):
    x, y, d = torch.randn(12, 4), torch.randint(0, 3, (12,)), torch.randint(0, 2, (12, 1)).float()
    z = features(x)
    loss = nn.functional.cross_entropy(label_head(z), y)
    loss = loss + nn.functional.binary_cross_entropy_with_logits(domain_head(Reverse.apply(z, 0.3)), d)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
