"""The DQN's optimizer was given the target network, so the policy network is never updated.

Findings: G002
May: G001
Line: 27 or 38
"""

import copy

import torch
from torch import nn


class QNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 16)
        self.head = nn.Linear(16, 2)

    def forward(self, state):
        return self.head(torch.relu(self.body(state)))


torch.manual_seed(4)
policy = QNetwork()
target = copy.deepcopy(policy)
optimizer = torch.optim.RMSprop(target.parameters(), lr=1e-3)
for step in range(8):
    state, next_state = torch.randn(16, 4), torch.randn(16, 4)
    action, reward = torch.randint(0, 2, (16, 1)), torch.randn(16)
    q = policy(state).gather(1, action).squeeze(1)
    with torch.no_grad():
        goal = reward + 0.9 * target(next_state).max(1).values
    loss = nn.functional.smooth_l1_loss(q, goal)
    optimizer.zero_grad()
    loss.backward()
    policy.zero_grad()
    optimizer.step()
