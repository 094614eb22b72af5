"""Gradients that vanish on the way down

Lesson: A gradient is a product over all layers; it vanishes in a deep chain without a way around.

The chain rule multiplies. Through ten layers a gradient is multiplied by ten local
derivatives, and if each is about 1/5, one part in ten million is left for the first layer,
which then hardly learns at all.

A sigmoid is a squeeze: s = 1 / (1 + exp(-x)) lies between 0 and 1, and its derivative
s * (1 - s) is 1/4 at the most, where s is 1/2. Ten sigmoids on top of each other multiply
by 1/4 ten times at best.

`r` in the graph pane draws a bar beside each node: how large the gradient was that went
through it. In the first network the bars get shorter with each layer down.

What helps is a way around: a residual connection, h + something. Its local derivative is
1 + something, never close to 0, as the 1 of the way around is not multiplied by anything.
With it the same ten layers let the whole gradient come through, and all weights get
gradients of about the same size. Other remedies are activations that are not flat (ReLU),
normalisation, and weights that are large enough at the start.
"""

import torch

x = torch.tensor(1.0, requires_grad=True)
weights = [torch.tensor(1.0, requires_grad=True) for _ in range(10)]

h = x
for w in weights:
    #: Ten layers, one on top of the other. The graph grows by two nodes each.
    h = torch.sigmoid(w * h)
#: Press r: bars in the graph pane show how much gradient is left at each node.
#: Each sigmoid takes away three quarters and more.
# ? local at node SigmoidBackward0
# ? hint: The derivative of a sigmoid is s * (1 - s), and s is its result, h.
# ? hint: h is 0.659 here. What is 0.659 * 0.341?
h.backward()
print(f"sigmoids:   first weight {weights[0].grad.item():.1e}, last {weights[-1].grad.item():.1e}")

x.grad = None
h = x
for w in weights:
    w.grad = None
    #: The same ten layers with a way around: each adds a little to h.
    h = h + torch.sigmoid(w * h) / 10
#: At each AddBackward0 the gradient is handed on whole; what the sigmoid sends
#: is added to it. The bars keep their length.
h.backward()
print(f"way around: first weight {weights[0].grad.item():.1e}, last {weights[-1].grad.item():.1e}")
