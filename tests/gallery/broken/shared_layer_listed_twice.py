"""Two parameter lists overlap: the shared trunk is in the optimizer twice and is stepped twice.

Findings: G012
Line: 17 or 24
"""

import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore", category=UserWarning)
torch.manual_seed(0)
trunk = nn.Linear(6, 8)
actor = nn.Sequential(trunk, nn.ReLU(), nn.Linear(8, 2))
critic = nn.Sequential(trunk, nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(list(actor.parameters()) + list(critic.parameters()), lr=0.01)
for step in range(8):
    states = torch.randn(16, 6)
    logits, values = actor(states), critic(states)
    loss = nn.functional.cross_entropy(logits, (states[:, 0] > 0).long()) + values.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
