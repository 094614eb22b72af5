"""Keeps its best weights in a file, takes them back when it gets worse, and writes lines to another, all by path."""

import json
import os
import sys

import torch

torch.manual_seed(15)
w = torch.zeros(5, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.4, momentum=0.5)
best = float("inf")
os.makedirs("kept", exist_ok=True)
for step in range(int(sys.argv[1])):
    loss = (w - torch.randn(5)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 5:
        with open("kept/lines.jsonl", "a") as file:
            file.write(json.dumps([step, loss.item()]) + "\n")
        if loss.item() < best:
            best = loss.item()
            torch.save({"w": w.detach(), "optimizer": optimizer.state_dict()}, "kept/new.pt")
            os.replace("kept/new.pt", "kept/best.pt")
        else:
            found = torch.load("kept/best.pt")
            optimizer.load_state_dict(found["optimizer"])
            with torch.no_grad():
                w.copy_(found["w"])
print(best, sorted(os.listdir("kept")))
