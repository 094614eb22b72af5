"""model.parameters() is a generator that was printed before: the second group is empty, so half is never trained.

Findings: G001
Line: 11 or 14 or 21
"""

import torch
from torch import nn

torch.manual_seed(5)
encoder, decoder = nn.Linear(6, 3), nn.Linear(3, 6)
decoder_parameters = decoder.parameters()
print(sum(p.numel() for p in decoder_parameters))
optimizer = torch.optim.SGD([*encoder.parameters(), *decoder_parameters], lr=0.1)
for step in range(6):
    x = torch.randn(10, 6)
    loss = (decoder(torch.tanh(encoder(x))) - x).pow(2).mean()
    encoder.zero_grad()
    decoder.zero_grad()
    loss.backward()
    optimizer.step()
