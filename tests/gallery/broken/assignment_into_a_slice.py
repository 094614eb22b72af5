"""One column of the prediction is overwritten after the tanh that made it.

Findings: G101
Line: 19
Raises: RuntimeError
"""

import torch
from torch import nn


class Controller(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4))

    def forward(self, state):
        action = torch.tanh(self.net(state))
        action[:, 0] = 0.5 * action[:, 0]
        return action


torch.manual_seed(2)
model = Controller()
optimizer = torch.optim.Adam(model.parameters())
state = torch.randn(5, 3)
loss = (model(state) - 0.1).abs().sum()
optimizer.zero_grad()
loss.backward()
optimizer.step()
