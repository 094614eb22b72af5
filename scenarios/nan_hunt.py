"""The hunt for a NaN

Lesson: A NaN is born long before it is seen: go back to its birth, and ask why.

The loss falls, and then it is NaN, and stays so. The line that prints the first NaN is hardly
ever the line that made it. Here the fourth loss is the first NaN. But the parameter was NaN
before, from the third step on; its gradient was NaN; and that came out of the third
backward, from a loss that was a good number.

Let it run to its end (`f`). Then go back from birth to birth with `C`, or ask `e` (why): it
follows the NaN back to the one event where numbers went in that were finite, and a NaN
came out.

It is a trap that many have stepped into. The square root is flat at no place, and at 0 its
derivative 1 / (2 * sqrt(0)) is infinite. The script knows that, and has `torch.where` take 0
there. That is right for the forward. But in the backward the root that was not taken still
gets its share, a gradient of 0, and multiplies it by its local derivative: 0 * infinity is
NaN.

The cure: mask before the op, not after it. Then sqrt never sees the 0.

Findings: G016
"""

import torch

#: Four batches of two numbers each; one of them is 0. And w, a leaf.
batches = torch.tensor([[1.0, 4.0], [9.0, 1.0], [0.0, 4.0], [4.0, 9.0]])
w = torch.tensor(0.25, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)

for number, x in enumerate(batches, 1):
    h = w * x
    #: The script is careful: where x is 0 it takes 0 and not the square root.
    root = torch.where(x > 0, torch.sqrt(h), 0.0)
    loss = ((root - x.sqrt()) ** 2).mean()
    optimizer.zero_grad()
    #: In batch 3: a good loss, and behind SqrtBackward0 a NaN. Look at upstream
    #: and local there: 0 times infinity.
    loss.backward()
    #: A step that uses a NaN leaves a NaN in the parameter, for good.
    optimizer.step()
    print(f"batch {number}: loss {loss.item():.4f}, w {w.item():.4f}")

#: Too late. Now hunt: C goes back to the birth, e (why) tells the road to it.
fresh = torch.tensor(0.25, requires_grad=True)
x = batches[2]
#: The cure: put a harmless 1 where x is 0, before the square root.
safe = torch.where(x > 0, fresh * x, 1.0)
root = torch.where(x > 0, torch.sqrt(safe), 0.0)
# ? fresh.grad
# ? hint: Only x = 4 counts: the loss is (sqrt(4 * fresh) - 2)**2 / 2.
# ? hint: sqrt(4 * 0.25) is 1, and its derivative is 4 / (2 * 1) = 2.
((root - x.sqrt()) ** 2).mean().backward()
print("masked before:", fresh.grad.item())
