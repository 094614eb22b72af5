"""Style transfer: the image is optimised, the network is frozen.

Findings: none
"""

import torch
from torch import nn


def gram(features):
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[-1]


torch.manual_seed(76)
vgg = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()).eval().requires_grad_(False)
style = gram(vgg(torch.rand(1, 1, 8, 8)))
image = torch.rand(1, 1, 8, 8).requires_grad_()
optimizer = torch.optim.LBFGS([image], max_iter=3)
for step in range(3):

    def closure():
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(gram(vgg(image)), style)
        loss.backward()
        return loss

    optimizer.step(closure)
