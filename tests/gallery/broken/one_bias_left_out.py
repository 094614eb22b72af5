"""The parameters were picked by name, and the output layer's bias fell through the filter.

Findings: G001
Line: 14 or 17 or 26
"""

import torch
from torch import nn

torch.manual_seed(3)
model = nn.Sequential()
model.add_module("fc1", nn.Linear(6, 10))
model.add_module("act", nn.Tanh())
model.add_module("fc2", nn.Linear(10, 2))
decay = [p for name, p in model.named_parameters() if name.endswith("weight")]
no_decay = [p for name, p in model.named_parameters() if name == "fc1.bias"]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.1}, {"params": no_decay, "weight_decay": 0.0}], lr=3e-3
)


def train_step(x, y):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


for _ in range(6):
    batch = torch.randn(24, 6)
    train_step(batch, (batch[:, 0] > 0).long())
