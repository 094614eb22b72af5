"""PPO: old log-probabilities are computed without gradient and used for several epochs.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(21)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-4, eps=1e-5)
for rollout in range(3):
    states = torch.randn(20, 4)
    with torch.no_grad():
        dist = torch.distributions.Categorical(logits=net(states))
        actions = dist.sample()
        old = dist.log_prob(actions)
    advantage = torch.randn(20)
    for epoch in range(3):
        dist = torch.distributions.Categorical(logits=net(states))
        ratio = (dist.log_prob(actions) - old).exp()
        clipped = ratio.clamp(0.8, 1.2) * advantage
        loss = -torch.min(ratio * advantage, clipped).mean() - 0.01 * dist.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
