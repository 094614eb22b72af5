"""A variational autoencoder with the reparameterisation trick.

Findings: none
"""

import torch
from torch import nn


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.mu, self.log_var = nn.Linear(8, 12), nn.Linear(12, 2), nn.Linear(12, 2)
        self.dec = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 8), nn.Sigmoid())

    def forward(self, x):
        h = torch.relu(self.enc(x))
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + torch.randn_like(mu) * (0.5 * log_var).exp()
        return self.dec(z), mu, log_var


torch.manual_seed(67)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(6):
    x = torch.rand(10, 8)
    out, mu, log_var = model(x)
    loss = nn.functional.binary_cross_entropy(out, x, reduction="sum")
    loss = loss - 0.5 * (1 + log_var - mu.pow(2) - log_var.exp()).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
