"""Keeps its losses in a database that stays open."""

import sqlite3
import sys

import torch

torch.manual_seed(17)
database = sqlite3.connect("runs.db")
database.execute("create table if not exists loss (step integer, value real)")
w = torch.zeros(5, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(int(sys.argv[1])):
    loss = (w - torch.randn(5)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
    database.execute("insert into loss values (?, ?)", (step, loss.item()))
    if step % 5 == 0:
        database.commit()
database.commit()
print(database.execute("select count(*), sum(value) from loss").fetchall())
