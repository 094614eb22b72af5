"""SAC style: a learnable temperature log_alpha with its own optimizer, and a loss in which the policy is detached.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(20)
policy = nn.Linear(3, 2)
log_alpha = torch.zeros(1, requires_grad=True)
policy_optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
alpha_optimizer = torch.optim.Adam([log_alpha], lr=1e-3)
for step in range(8):
    mean, log_std = policy(torch.randn(10, 3)).chunk(2, -1)
    dist = torch.distributions.Normal(mean, log_std.clamp(-5, 2).exp())
    action = dist.rsample()
    log_p = dist.log_prob(action).sum(-1)
    policy_loss = (log_alpha.exp().detach() * log_p + action.pow(2).sum(-1)).mean()
    policy_optimizer.zero_grad()
    policy_loss.backward()
    policy_optimizer.step()
    alpha_loss = -(log_alpha * (log_p.detach() - 1.0)).mean()
    alpha_optimizer.zero_grad()
    alpha_loss.backward()
    alpha_optimizer.step()
