"""Gradients that vanish on the way down

Lesson: A gradient is a product over all layers; it vanishes in a deep chain without a way around.

The chain rule multiplies. Through eight layers a gradient is multiplied by eight local
derivatives, and if each is about 1/5, a few parts in a million are left for the first layer,
which then hardly learns at all.

A sigmoid is a squeeze: s = 1 / (1 + exp(-z)) lies between 0 and 1, and its derivative
s * (1 - s) is 1/4 at the most, where s is 1/2. Eight sigmoids on top of each other multiply
by 1/4 eight times at best.

`r` in the graph pane draws a bar beside each node: how large the gradient was that came to
it. A cell is a power of ten. In the first network the bars get shorter with each layer down.

What helps is a way around: a residual connection, h + something. Its local derivative is
1 + something, never close to 0, as the 1 of the way around is not multiplied by anything.
With it the same eight layers let the whole gradient come through, and all weights get
gradients of about the same size. Other remedies are activations that are not flat (ReLU),
normalisation, and weights that are large enough at the start.
"""

import torch

#: Eight weights in one leaf: plain[0] is that of the first layer.
plain = torch.ones(8, requires_grad=True)
h = torch.tensor(1.0)
for layer in range(8):
    #: A layer: its weight times h, and a sigmoid on top of it. Eight times.
    z = plain[layer] * h
    h = torch.sigmoid(z)
#: Each sigmoid takes away three quarters and more. Press r for bars in the
#: graph pane, and z for the whole screen.
# ? upstream at node SigmoidBackward0
# ? hint: The backward begins at h. What is the derivative of h by itself?
h.backward()
print(f"sigmoids:   first weight {plain.grad[0].item():.1e}, last {plain.grad[-1].item():.1e}")

#: .grad pane (4): plain.grad, the first layer on the left. Now a way around.
around = torch.ones(8, requires_grad=True)
h = torch.tensor(1.0)
for layer in range(8):
    #: The same eight layers with a way around: each adds a little to h.
    z = around[layer] * h
    h = h + torch.sigmoid(z) / 10
#: Each AddBackward0 hands on all that it gets, past the sigmoid too. At the
#: end compare plain.grad and around.grad: press 4, and z for the whole screen.
# ? downstream at node AddBackward0
# ? hint: An addition has two inputs: h, and what is added to it.
# ? hint: Its derivative by either is 1. So both get what came from above: 1.
h.backward()
print(f"way around: first weight {around.grad[0].item():.1e}, last {around.grad[-1].item():.1e}")
