"""A mixture density network: logsumexp over components.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(80)
net = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 9))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(8):
    x = torch.randn(20, 1)
    y = torch.sin(3 * x) + 0.1 * torch.randn(20, 1)
    weight, mean, log_sigma = net(x).chunk(3, dim=1)
    log_p = torch.distributions.Normal(mean, log_sigma.exp()).log_prob(y)
    loss = -torch.logsumexp(weight.log_softmax(1) + log_p, dim=1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
