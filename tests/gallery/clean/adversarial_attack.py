"""FGSM: the gradient of the loss with respect to the image; the model is not trained and has no optimizer.

Findings: none
"""

import torch
from torch import nn

torch.manual_seed(73)
model = nn.Sequential(nn.Linear(9, 16), nn.ReLU(), nn.Linear(16, 3)).eval()
for image, label in zip(torch.rand(6, 1, 9), torch.randint(0, 3, (6, 1))):
    image.requires_grad_(True)
    loss = nn.functional.cross_entropy(model(image), label)
    model.zero_grad()
    loss.backward()
    attacked = (image + 0.1 * image.grad.sign()).clamp(0, 1).detach()
    print(model(attacked).argmax(1).item(), label.item())
