"""Records a training on a device in this process, is held at nodes and steps on, and says on which thread that was."""

import sys
import threading
from pathlib import Path

import torch
from torch import nn

from gradb.link.messages import Continue
from gradb.tape.stops import Stop
from gradb.tracer.recording.gate import Gate
from tests.tracer.recording import notes, record

STEPS = 6
device, path = sys.argv[1], Path(sys.argv[2])
held: list[tuple[int, int]] = []


def hold(head, request_seq):
    held.append((head, threading.get_ident()))
    order = Continue(Stop("event")) if len(held) < STEPS else None
    threading.Timer(0.01, gate.release, [order]).start()


def train():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(2, 4, device=device)).square().mean().backward()
        optimizer.step()
    return [weight.tolist() for weight in model.parameters()]


wanted = train()
gate = Gate(Continue(Stop("node", "TanhBackward0")), hold)
weights, tape = record(path, train, probe="auto", gate=gate)
assert weights == wanted, "other weights than without gradb"
assert not notes(tape), notes(tape)
seqs = [seq for seq, _ in held]
assert len(seqs) == STEPS, f"held {len(seqs)} times"
assert seqs == list(range(seqs[0], seqs[0] + STEPS)), seqs
nodes = [event for event in tape.events() if event.kind == "node"]
unread = [event.seq for event in nodes if any(one is None for one in tape.frame(event.seq).detail.downstream)]
assert len(unread) < len(nodes), "no gradient was read"
where = (
    "the calling thread" if {thread for _, thread in held} == {threading.get_ident()} else "a thread of the device's"
)
print(f"held {STEPS} times, on {where}, from event {seqs[0]} on; same bits")
