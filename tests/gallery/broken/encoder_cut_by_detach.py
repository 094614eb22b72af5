"""A detach() that was left from debugging keeps every gradient from the encoder; only the decoder learns.

Findings: G002
Line: 18 or 24 or 30
"""

import torch
from torch import nn


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 12))

    def forward(self, x):
        code = self.encoder(x).detach()
        return self.decoder(code)


torch.manual_seed(5)
model = AutoEncoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
x = torch.randn(20, 12)
for epoch in range(6):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), x)
    loss.backward()
    optimizer.step()
