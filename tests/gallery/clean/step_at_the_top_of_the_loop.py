"""A rotated loop: the step for the last gradients comes first; the very first one finds none and does nothing.

Findings: none
May: G006
"""

import torch
from torch import nn

torch.manual_seed(2)
policy = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.RMSprop(policy.parameters(), lr=1e-3)
for episode in range(8):
    optimizer.step()
    observation = torch.randn(10, 3)
    distribution = torch.distributions.Categorical(logits=policy(observation))
    action = distribution.sample()
    loss = -(distribution.log_prob(action) * (action.float() - 0.5)).mean()
    optimizer.zero_grad()
    loss.backward()
