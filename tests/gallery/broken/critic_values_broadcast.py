"""The critic's values are (T, 1) and the returns (T): the smooth L1 loss pairs each with each.

Findings: G010
Line: 29
"""

import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore", message="Using a target size")


def returns_of(rewards, gamma=0.95):
    out, total = [], 0.0
    for reward in reversed(rewards.tolist()):
        total = reward + gamma * total
        out.insert(0, total)
    return torch.tensor(out)


torch.manual_seed(2)
critic = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(critic.parameters(), 3e-3)
for episode in range(8):
    states = torch.randn(20, 4)
    values = critic(states)
    loss = nn.functional.smooth_l1_loss(values, returns_of(states[:, 0]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
