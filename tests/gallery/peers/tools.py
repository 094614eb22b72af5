"""The other tools, each asked about a script as its own documentation has it. Runs where they are installed.

What torch itself raises without them is none of their findings.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import re
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from tests.gallery.peers import loops
from tests.gallery.peers.said import Said
from tests.gallery.peers.subject import subject
from tests.gallery.peers.turns import Turns

_STEPS = 20
"""As many as pytest-torch takes by default."""


def detect_anomaly(path: Path) -> Said:
    """Run the whole script under ``torch.autograd.set_detect_anomaly``."""
    import torch

    texts = []
    with warnings.catch_warnings(record=True) as caught, torch.autograd.set_detect_anomaly(True):
        warnings.simplefilter("always")
        try:
            loops.run(path)
        except Exception as error:
            texts += [str(error)] if "returned nan values" in str(error) else []
    texts += [str(one.message) for one in caught if "Traceback of forward call" in str(one.message)]
    lines = re.findall(rf'File "{re.escape(str(path))}", line (\d+)', "\n".join(texts))
    return Said(tuple(texts), tuple(map(int, lines)))


def sherlorch(path: Path) -> Said:
    """Run the whole script in ``sherlorch.trace()``, and ask about its losses after each backward.

    Where one is not finite, it is run again with ``capture_stack=True``, which says the line, and is far slower.
    """
    culprits = _traced(path, capture_stack=False) and _traced(path, capture_stack=True)
    marked = [line for text in culprits for line in text.splitlines() if "Culprit #" in line]
    lines = re.findall(rf"{re.escape(str(path))}:(\d+)", "\n".join(marked))
    return Said(tuple(culprits), tuple(map(int, lines)))


def _traced(path: Path, *, capture_stack: bool) -> list[str]:
    """Return the diagnosis with culprits, if there is one."""
    tool = importlib.import_module("sherlorch")
    texts: list[str] = []
    with (
        tool.trace(capture_stack=capture_stack) as tracker,
        _after_backward(tracker, texts),
        contextlib.suppress(Exception),
    ):
        loops.run(path)
    return [text for text in texts if "Culprit" in text]


@contextlib.contextmanager
def _after_backward(tracker: Any, texts: list[str]) -> Iterator[None]:
    """Ask the tracker about the first loss of a backward that has an issue, as its quickstart does."""
    import torch

    backward, scale = torch.autograd.backward, torch.amp.GradScaler.scale
    unscaled: dict[int, tuple[Any, Any]] = {}  # with what the id is of, so that it stays its own

    def asking(tensors: Any, *args: Any, **kwargs: Any) -> None:
        try:
            backward(tensors, *args, **kwargs)
        finally:
            roots = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
            _ask(tracker, [unscaled.get(id(root), (root, root))[1] for root in roots], texts)

    def remembering(scaler: Any, outputs: Any) -> Any:
        scaled = scale(scaler, outputs)
        unscaled[id(scaled)] = scaled, outputs
        return scaled

    with (
        mock.patch.object(torch.autograd, "backward", asking),
        mock.patch.object(torch.amp.GradScaler, "scale", remembering),
    ):
        yield


def _ask(tracker: Any, losses: Sequence[Any], texts: list[str]) -> None:
    for loss in losses:
        if not texts and tracker.has_issue(loss):
            with contextlib.suppress(KeyError):  # it raises that where it has not seen how the loss was made
                texts.append(str(tracker.diagnose(loss)))


def guardtower(path: Path) -> Said:
    """Audit the model and the optimizer at the top of the first iteration, then run the rest under its monitor."""
    tool = importlib.import_module("guardtower")
    said: list[str] = []

    def turn(at: loops.Turn) -> None:
        found = subject(at)
        optimizer = found.optimizers[0] if found.optimizers else None
        report = tool.audit(found.first_model, at.forward, optimizer=optimizer)
        said.extend(str(one) for one in (*report.errors, *report.warnings) if " raised " not in one.message)
        raise _Enough

    with contextlib.suppress(_Enough):
        loops.run(path, turn)
    return Said(tuple(said))


def guardtower_monitor(path: Path) -> Said:
    """Run the whole script under guardtower's monitor of the model."""
    tool = importlib.import_module("guardtower")
    with contextlib.ExitStack() as stack:
        entered: list[Any] = []

        def turn(at: loops.Turn) -> None:
            if not entered:
                entered.append(stack.enter_context(tool.monitor(subject(at).first_model, on_nonfinite="raise")))

        try:
            loops.run(path, turn)
        except LookupError:
            raise
        except Exception as error:
            if type(error).__name__ == "NonFiniteActivation":
                return Said((str(error),))
    return Said()


def pytest_torch(path: Path) -> Said:
    """Assert that all parameters receive a gradient, and finite ones, at the top of the first iteration."""
    tool = importlib.import_module("pytest_torch")
    said: list[str] = []

    def turn(at: loops.Turn) -> None:
        found = subject(at)
        model = found.calling(at.forward)
        for assertion in (tool.assert_all_params_receive_grad, tool.assert_gradients_finite):
            said.extend(_asserted(functools.partial(assertion, model, (), lambda loss: loss)))
        raise _Enough

    with contextlib.suppress(_Enough):
        loops.run(path, turn)
    return Said(tuple(said))


def pytest_torch_training(path: Path) -> Said:
    """Run the loop turn by turn as pytest-torch's training step, and assert that it is healthy."""
    tool = importlib.import_module("pytest_torch")
    turns = Turns(path)
    count, every = turns.count(_STEPS)
    found = subject(turns.begin())
    if not found.optimizers:
        return Said(cannot="no optimizer is to be found at the top of the loop")

    def setup() -> Any:
        return tool.TrainingSetup(found.model, found.optimizers, scaler=found.scaler)

    def step(_setup: Any, _batch: Any) -> Any:
        return turns.step()

    if found.scaler is None:
        run = functools.partial(tool.run_training, setup, [0], step, steps=count)
        return Said(tuple(_asserted(lambda: run().assert_healthy(every=every))))
    skipped = max(0.25, 1 - 1 / every)  # its default, or what the accumulation leaves out
    check = functools.partial(tool.assert_mixed_precision_training, setup, [0], step, steps=count)
    return Said(tuple(_asserted(lambda: check(max_skipped_fraction=skipped))))


def _asserted(check: Callable[[], object]) -> list[str]:
    """Return what an assertion of the tool's says; nothing where it holds, or where script or torch raise."""
    try:
        check()
    except AssertionError as error:
        places = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        return [str(error)] if "pytest_torch" in Path(places[-1]).parts else []
    except Exception:
        return []
    return []


class _Enough(BaseException):
    """Raised to end a script of which no more is asked."""


TOOLS: dict[str, tuple[Callable[[Path], Said], ...]] = {
    "detect_anomaly": (detect_anomaly,),
    "guardtower": (guardtower, guardtower_monitor),
    "sherlorch": (sherlorch,),
    "pytest-torch": (pytest_torch, pytest_torch_training),
}
"""Each tool with all the ways in which it is asked; each way in a process of its own."""
