"""Actor and critic share a trunk; the set of their parameters has each of them once.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(10)
trunk = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
actor, critic = nn.Sequential(trunk, nn.Linear(8, 2)), nn.Sequential(trunk, nn.Linear(8, 1))
parameters = list(dict.fromkeys([*actor.parameters(), *critic.parameters()]))
optimizer = torch.optim.RMSprop(parameters, lr=1e-3)
for step in range(8):
    state, ret = torch.randn(12, 4), torch.randn(12)
    dist = torch.distributions.Categorical(logits=actor(state))
    value = critic(state).squeeze(1)
    action = dist.sample()
    loss = -(dist.log_prob(action) * (ret - value).detach()).mean() + 0.5 * (ret - value).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
