"""Gradients are clipped by value to 0.1 while they are scaled by 65536: nearly all of them become ±0.1.

Findings: G008
Line: 16
"""

import torch
from torch import nn


def train_one_epoch(model, optimizer, scaler, batches):
    for x, y in batches:
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)


torch.manual_seed(1)
net = nn.Sequential(nn.Linear(5, 10), nn.SiLU(), nn.Linear(10, 3))
batches = [(torch.randn(12, 5), torch.randint(0, 3, (12,))) for _ in range(6)]
train_one_epoch(net, torch.optim.AdamW(net.parameters(), 1e-3), torch.amp.GradScaler("cpu"), batches)
