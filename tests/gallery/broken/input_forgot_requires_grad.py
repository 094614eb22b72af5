"""Adversarial example: requires_grad was set on the copy of the image that is not used.

Findings: G103
Line: 16 or 17
Raises: RuntimeError
"""

import torch
from torch import nn

torch.manual_seed(11)
classifier = nn.Linear(9, 3).requires_grad_(False)
image = torch.rand(1, 9)
attacked = image.clone()
attacked.requires_grad_(True)
loss = nn.functional.cross_entropy(classifier(image), torch.tensor([1]))
loss.backward()
