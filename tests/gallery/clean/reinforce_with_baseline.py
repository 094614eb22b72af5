"""REINFORCE with a value baseline: the advantage is detached, the value has a loss and an optimizer of its own.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(17)
policy, value = nn.Linear(3, 2), nn.Linear(3, 1)
opt_p, opt_v = torch.optim.SGD(policy.parameters(), 0.01), torch.optim.SGD(value.parameters(), 0.05)
for episode in range(8):
    states = torch.randn(9, 3)
    dist = torch.distributions.Categorical(logits=policy(states))
    actions = dist.sample()
    returns = (states[:, 0] * (actions - 0.5)).flip(0).cumsum(0).flip(0)
    baseline = value(states).squeeze(-1)
    policy_loss = -(dist.log_prob(actions) * (returns - baseline.detach())).mean()
    value_loss = nn.functional.mse_loss(baseline, returns)
    for optimizer, loss in ((opt_p, policy_loss), (opt_v, value_loss)):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
