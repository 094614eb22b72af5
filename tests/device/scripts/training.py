"""A small convolutional net in mixed precision with a GradScaler, on a device; prints hashes of its results."""

import hashlib
import sys

import torch
from torch import nn

device = sys.argv[1]
torch.manual_seed(0)
torch.use_deterministic_algorithms(True, warn_only=True)
model = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1), nn.Flatten(), nn.Linear(8 * 64, 10)
).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler(device, init_scale=2.0**30 if device == "cuda" else 1024.0)
low = torch.float16 if device == "cuda" else torch.bfloat16
for step in range(8):
    images = torch.randn(16, 3, 8, 8).to(device)
    labels = torch.randint(0, 10, (16,)).to(device)
    optimizer.zero_grad()
    with torch.autocast(device, dtype=low):
        loss = nn.functional.cross_entropy(model(images), labels)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    print(step, loss.item().hex(), norm.item().hex(), scaler.get_scale())
for name, value in model.state_dict().items():
    plain = value.detach().cpu().contiguous().flatten().view(torch.uint8)
    print(name, hashlib.sha256(plain.numpy().tobytes()).hexdigest()[:16])
