"""Advantages are normalised by their std, and an episode has only one step: std of one element is nan.

Findings: G016
Line: 19
"""

import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")
torch.manual_seed(8)
policy = nn.Linear(4, 2)
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for length in (5, 7, 1, 4):
    states = torch.randn(length, 4)
    returns = states.sum(1).cumsum(0)
    advantages = (returns - returns.mean()) / (returns.std() + 1e-8)
    distribution = torch.distributions.Categorical(logits=policy(states), validate_args=False)
    loss = -(distribution.log_prob(torch.zeros(length)) * advantages).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
