"""Score matching: the divergence of a network by autograd.grad with create_graph.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(64)
net = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(4):
    x = torch.randn(10, 2, requires_grad=True)
    score = net(x)
    divergence = sum(torch.autograd.grad(score[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(2))
    loss = (0.5 * score.pow(2).sum(1) + divergence).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
