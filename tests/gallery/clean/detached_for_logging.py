"""Values are detached for a log, the rest of the graph is used.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(72)
encoder, decoder = nn.Linear(6, 2), nn.Linear(2, 6)
optimizer = torch.optim.RMSprop([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
log = []
for step in range(8):
    x = torch.randn(10, 6)
    code = encoder(x)
    log.append({"mean": code.detach().mean(0).tolist(), "norm": code.data.norm().item()})
    loss = nn.functional.mse_loss(decoder(code), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(log[-1])
