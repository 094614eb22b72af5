"""Log-probabilities are collected in a list that is never emptied, and each loss is the sum over all of it.

Findings: G102
Line: 19 or 21 or 23
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(5)
policy = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
log_probs, rewards = [], []
for episode in range(4):
    for t in range(4):
        dist = torch.distributions.Categorical(logits=policy(torch.randn(3)))
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        rewards.append(float(action))
    loss = -(torch.stack(log_probs) * torch.tensor(rewards)).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
