"""predict() is decorated with inference_mode and is used for training too.

Findings: G103
Line: 15 or 17 or 22
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(8)
model = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 1))


@torch.inference_mode()
def predict(x):
    return model(x)


optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(8, 2)
loss = (predict(x) - 1).abs().mean()
optimizer.zero_grad()
loss.backward()
optimizer.step()
