"""CTC loss with blank and variable lengths.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(81)
rnn, out = nn.GRU(4, 8), nn.Linear(8, 5)
optimizer = torch.optim.Adam([*rnn.parameters(), *out.parameters()], lr=1e-2)
for step in range(4):
    log_p = out(rnn(torch.randn(10, 3, 4))[0]).log_softmax(2)
    targets, lengths = torch.randint(1, 5, (3, 3)), torch.tensor([3, 2, 1])
    loss = nn.functional.ctc_loss(log_p, targets, torch.full((3,), 10), lengths)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
