"""Only the encoder of the autoencoder is called in training; its decoder is in the optimizer and never used.

Findings: none
Hints: G054
May: G002
"""

import torch
from torch import nn


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(6, 2), nn.Linear(2, 6)

    def forward(self, x):
        return self.decoder(self.encoder(x))


torch.manual_seed(2)
model = AutoEncoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(8):
    x = torch.randn(12, 6)
    loss = nn.functional.mse_loss(model.encoder(x), x[:, :2])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
