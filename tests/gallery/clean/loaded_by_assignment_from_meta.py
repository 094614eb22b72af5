"""The weights of a model of the meta device are assigned from a state, and the optimizer is made after that.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(7)
with torch.device("meta"):
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
whole = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
model.load_state_dict(whole.state_dict(), assign=True)
for parameter in model.parameters():
    parameter.requires_grad_(True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(5):
    x = torch.randn(8, 3)
    loss = nn.functional.mse_loss(model(x), x[:, :1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
