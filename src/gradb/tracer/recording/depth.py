"""Switches between recording everything and only watching, without a trace of the one in the other.

The forward mode and the module hooks cost time at every call, so they are taken out while nothing asks for them: at
``watch``, unless a zero_grad policy needs to see the script's own idioms. They are put in and taken out on the main
thread, and never inside a call that the mode is handling.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import torch
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.recording.recorder import Recorder

Context = Callable[[], contextlib.AbstractContextManager[None]]


class Depth:
    """What is installed for the depth in force.

    Args:
        recorder: says how much is recorded.
        interventions: a policy needs the mode though only watching.
        mode: the forward mode.
        modules: makes the context in which calls of modules are seen.
    """

    def __init__(
        self, recorder: Recorder, interventions: Interventions, mode: TorchFunctionMode, modules: Context
    ) -> None:
        self._recorder = recorder
        self._mode = mode
        self._modules = modules
        self._interventions = interventions
        self._is_entered = False
        self._hooks: contextlib.ExitStack | None = None
        self._is_open = False
        recorder.observer.policy_changed.listen(self.sync)
        recorder.observer.unseen_call.listen(self.sync)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Keep what belongs to the depth in place, as long as the context lasts."""
        self._is_open = True
        self.sync()
        try:
            yield
        finally:
            self._is_open = False
            self.sync()

    def sync(self) -> None:
        """Put in and take out what the depth in force asks for, if this is a moment at which that can be done."""
        wants_hooks = self._is_open and self._recorder.is_full
        wants_mode = wants_hooks or (self._is_open and self._interventions.zero_grad != "script")
        recorder = self._recorder
        recorder.has_depth_waiting = self._is_other(wants_mode, wants_hooks)
        if not recorder.has_depth_waiting or threading.get_ident() != threading.main_thread().ident:
            return
        if wants_mode and not self._is_entered:
            if torch._C._current_graph_task_id() != -1:
                return  # the engine takes off again at its end what is put on the stack inside of it
            self._mode.__enter__()
            self._is_entered = True
        elif not wants_mode and self._is_entered and self._take_out():
            self._is_entered = False
        if wants_hooks and self._hooks is None:
            self._hooks = contextlib.ExitStack()
            self._hooks.enter_context(self._modules())
        elif self._hooks is not None and not wants_hooks and (wants_mode or not self._is_entered or not self._is_open):
            self._hooks.close()  # until the mode is out, a module's call is the moment at which it can be
            self._hooks = None
        recorder.has_depth_waiting = self._is_other(wants_mode, wants_hooks)

    def _is_other(self, wants_mode: bool, wants_hooks: bool) -> bool:
        return wants_mode is not self._is_entered or wants_hooks is not (self._hooks is not None)

    def _take_out(self) -> bool:
        """Take the mode off the stack, from below those that the script has entered since."""
        stack = _get_current_function_mode_stack()
        if self._mode not in stack:
            return False  # it is handling a call at this moment
        above = []
        while (top := torch._C._pop_torch_function_stack()) is not self._mode:
            above.append(top)
        for mode in reversed(above):
            torch._C._push_on_torch_function_stack(mode)
        return True
