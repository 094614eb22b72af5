"""Feature inversion: the optimizer has the image, the network's gradients are computed and left alone.

Findings: none
May: G001
"""

import torch
from torch import nn

torch.manual_seed(75)
vgg = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)).eval()
content = vgg(torch.rand(1, 1, 8, 8)).detach()
image = torch.rand(1, 1, 8, 8, requires_grad=True)
optimizer = torch.optim.Adam([image], lr=0.05)
for step in range(8):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(vgg(image), content)
    loss.backward()
    optimizer.step()
