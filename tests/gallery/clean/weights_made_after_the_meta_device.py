"""A model made on the meta device gets memory by to_empty(), and its weights by a state that is loaded.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(6)
state = nn.Linear(4, 2).state_dict()
with torch.device("meta"):
    model = nn.Linear(4, 2)
model.to_empty(device="cpu")
model.load_state_dict(state)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(5):
    x = torch.randn(6, 4)
    loss = nn.functional.mse_loss(model(x), x[:, :2])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
