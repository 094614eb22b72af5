"""VQ-VAE: nearest code by argmin, straight-through, codebook and commitment losses with stop-gradients.

Findings: none
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
encoder, decoder, codebook = nn.Linear(6, 3), nn.Linear(3, 6), nn.Embedding(4, 3)
optimizer = torch.optim.Adam([p for m in (encoder, decoder, codebook) for p in m.parameters()], lr=1e-2)
for step in range(6):
    x = torch.randn(20, 6)
    z = encoder(x)
    index = torch.cdist(z.detach(), codebook.weight.detach()).argmin(1)
    q = codebook(index)
    commitment, embedding = F.mse_loss(z, q.detach()), F.mse_loss(q, z.detach())
    loss = F.mse_loss(decoder(z + (q - z).detach()), x) + embedding + 0.25 * commitment
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
