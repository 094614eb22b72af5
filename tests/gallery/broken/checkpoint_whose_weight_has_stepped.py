"""Two losses share an encoder in a checkpoint, and the first one's step comes before the second one's backward.

Without the checkpoint torch would refuse: a weight was changed in place that the second backward needs.

Findings: G018
Line: 22
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(5)
encoder = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 6), nn.Tanh())
policy, value = nn.Linear(6, 3), nn.Linear(6, 1)
actor = torch.optim.SGD([*encoder.parameters(), *policy.parameters()], lr=0.2)
critic = torch.optim.SGD(value.parameters(), lr=0.1)
for i in range(8):
    states, returns = torch.randn(10, 6), torch.randn(10, 1)
    action = torch.randint(0, 3, (10,))
    loss = nn.functional.cross_entropy(policy(encoder(states)), action)
    hidden = checkpoint(encoder, states, use_reentrant=False)
    value_loss = nn.functional.mse_loss(value(hidden), returns)
    actor.zero_grad()
    critic.zero_grad()
    loss.backward()
    actor.step()
    value_loss.backward()
    critic.step()
