"""A running mean of the features, used in the loss, is updated with its history; retain_graph=True hides the error.

Findings: G007
May: G055
Line: 17 or 20
"""

import torch
from torch import nn

torch.manual_seed(5)
probe = nn.Parameter(torch.zeros(4))
features = nn.Linear(6, 4).requires_grad_(False)
center = torch.zeros(4)
for step in range(10):
    z = features(torch.randn(12, 6)) + probe
    center = 0.9 * center + 0.1 * z.mean(0)
    loss = (z - center).pow(2).mean() + center.pow(2).sum()
    probe.grad = None
    loss.backward(retain_graph=True)
    with torch.no_grad():
        probe.copy_(probe - 0.1 * probe.grad)
