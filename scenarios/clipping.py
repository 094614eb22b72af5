"""Clipping gradients: by norm, or by value

Lesson: Clipping by norm makes a step shorter and keeps its direction; clipping by value turns it.

A single batch with a huge gradient can throw weights far away. So gradients are clipped:
after `backward()`, before `step()`, they are made smaller in their buffers.

`clip_grad_norm_` looks at all buffers at once, as if they were one long vector, and if that is
longer than `max_norm` multiplies every buffer by the same factor, max_norm / norm. Here the
numbers are 2, 3 and 6. The norm is the square root of 4 + 9 + 36, which is 7, so with
max_norm = 3.5 all are halved. The step is shorter and points the same way. (A hair shorter
than half: PyTorch divides by norm + 0.000001.)

`clip_grad_value_` cuts each number by itself: with 2.5 the three become 2, 2.5 and 2.5. That
points elsewhere: the third, which was three times the first, is now about the same. Mostly that is
not what one wants.

A gradient that is short enough is left as it is. Clipping changes nothing but `.grad`;
it comes too late after `step()`, and too early before `backward()`.
"""

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

#: Two leaves, a and b: three numbers in all.
a = torch.tensor([1.0, 1.0], requires_grad=True)
b = torch.tensor(1.0, requires_grad=True)
factors = torch.tensor([2.0, 3.0])
optimizer = torch.optim.SGD([a, b], lr=0.1)

#: The derivative of loss by a is factors, and by b it is 6.
loss = (factors * a).sum() + 6 * b
#: Two buffers are filled: 2 and 3 for a, 6 for b.
loss.backward()
#: .grad pane: before and after. Both buffers are multiplied by one factor.
# ? b.grad
# ? hint: The norm is the square root of 2*2 + 3*3 + 6*6. It is to become 3.5.
# ? hint: The norm is 7, so each number is halved.
norm = clip_grad_norm_([a, b], max_norm=3.5)
print("by norm: ", a.grad, b.grad, "was", norm)
#: The step uses what it finds in .grad: half as far, the same way.
optimizer.step()

#: Once more from empty buffers: the same loss, the same gradients.
optimizer.zero_grad()
loss = (factors * a).sum() + 6 * b
loss.backward()
#: Now each number is cut by itself at 2.5, whatever the others are.
# ? a.grad
# ? hint: What is below 2.5 stays as it is.
clip_grad_value_([a, b], clip_value=2.5)
print("by value:", a.grad, b.grad)
#: As written, 2 : 3 : 6 has become 2 : 2.5 : 2.5: another way to go.
optimizer.step()

#: A third time, with a limit that is above the norm.
optimizer.zero_grad()
loss = (factors * a).sum() + 6 * b
loss.backward()
#: A norm that is not above max_norm is left as it is, and so is each number.
clip_grad_norm_([a, b], max_norm=10.0)
print("small:   ", a.grad, b.grad)
