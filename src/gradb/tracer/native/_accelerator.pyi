"""The compiled module. It knows no torch until it is taught by ``learn``, and no tensor but those it was taught."""

from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

import torch

from gradb.log.pen import MakePen
from gradb.tape.sieve import Sieve
from gradb.tape.wire import Blob
from gradb.tracer.source.places import Found, ModuleCall, PlaceRow
from gradb.tracer.tensors.records import NodeMark, PythonMark, TensorRecord

SOURCES: str
"""The digest of the C sources that it was compiled from: see ``sources.digest``."""

def audit(taker: Callable[[str, tuple[Any, ...]], None], /, *names: str) -> None:
    """Have ``taker`` called for each audit event of these names, for as long as the process lives.

    As a hook of ``sys.addaudithook`` it is called with the event's name and arguments, unseen by trace functions, and
    what it raises stops what the event announces. It is not called for any other event, which is what it is for.

    Raises:
        RuntimeError: there is a taker already.
        TypeError: no taker, no name, or more than 32.
    """

def fork_apart(fork: Callable[[], int], /) -> float | None:
    """Return None in a new process that is no child of this one, and here the CPU seconds of the one that forked it.

    That one runs in this process's memory while the calling thread waits, is a child of this one, and gone by then.

    Args:
        fork: forks; called in the process between, with all signals blocked.

    Raises:
        OSError: there can be none.
        Exception: what ``fork`` raises.
    """

def known_place(
    kinds: dict[str, int],
    walks: Mapping[bytes, tuple[Found, Any, Any]],
    end: list[CodeType],
    frame: FrameType,
    within: ModuleCall | None,
    /,
) -> Found | None:
    """Return what ``Places.find`` has found before from this frame on; None where it has to look.

    Args:
        kinds: of files, by their names, as far as they were met.
        walks: what walks have found.
        end: the code that runs the script, if that is known.
        frame: where the walk begins; frames of gradb's at its beginning do not count.
        within: the innermost call of a module that the walk is sure to reach, if it is known.
    """

def learn(
    addresses: tuple[int, ...],
    types: tuple[type, type],
    holder: int,
    keys: int,
    storage: int,
    key_sets: tuple[int, ...],
    dtypes: Mapping[str, int],
    /,
) -> None:
    """Take over how a tensor is read; from here on tensors are looked into. Without key sets, none is.

    Args:
        addresses: of torch's C functions, in the order of ``trial.QUESTIONS``.
        types: exactly of which type a tensor must be.
        holder: where in a Python tensor its C++ tensor is held, in bytes.
        keys: where in a C++ tensor its set of dispatch keys lies, in bytes.
        storage: where in a C++ tensor its storage is held, in bytes.
        key_sets: which sets a plain dense tensor in the CPU's memory has.
        dtypes: torch's numbers of the dtypes that are read.
    """

def learn_leaves(grad: object, is_leaf: object, version: object, /) -> None:
    """Take over how torch tells of a tensor's ``grad``, ``is_leaf`` and ``_version``: the descriptors of its class."""

def look(tensor: torch.Tensor, /) -> tuple[int, tuple[int, ...], tuple[int, ...], str, bool] | None:
    """Return address, shape, strides, dtype and whether it is contiguous; None where the tensor is not known here."""

def knows(tensor: torch.Tensor, /) -> bool:
    """Tell whether the tensor is known here: then all of it lies in the CPU's memory."""

def extend(floats: list[float], tensor: torch.Tensor, most: int, /) -> bool:
    """Append all elements, if they are at most so many of float32 or float64 that lie side by side; tell whether."""

def floats(tensors: list[torch.Tensor], most: int, /) -> list[float] | None:
    """Return all elements of some tensors, if ``extend`` would append those of each; None else."""

def learn_classes(classes: tuple[type, ...], /) -> None:
    """Learn where the slots lie of TensorRecord, NodeMark, Place, Found, Names and Call (of torch functions).

    Raises:
        TypeError, AttributeError: one of them has no such slot.
    """

Mark: type[PythonMark]
"""Is what ``records.PythonMark`` is, and nothing to the garbage collector."""

def learn_descriptors(requires_grad: Any, grad_fn: Any, output_nr: Any, /) -> None:
    """Learn how torch tells these of a tensor: the descriptors of the class that all tensors derive from."""

class Forward:
    """Stands in for ``ForwardMode.__torch_function__``; ``parts`` is what ``watch/common_ops.forward`` gives it."""

    def __init__(self, parts: dict[str, Any], /) -> None: ...
    def __call__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, /
    ) -> Any: ...

class Scopes:
    """Follows the calls of modules as ``ModuleScopes`` does, where nothing about one is new.

    Args:
        forward: what stands in for the forward mode of the recording.
        trees: the names inside each root module, by its ``id``.
        call: the class of a call that is running, a named tuple.
        tree: that of the names inside a root module.
        callee: stands for a module among the functions that torch says were called.
        torn: says by ``is_torn`` whether a call may be over that was not seen to end.
    """

    def __init__(
        self,
        forward: object,
        trees: Mapping[int, object],
        call: type[tuple[Any, ...]],
        tree: type,
        callee: object,
        torn: object,
        /,
    ) -> None: ...
    def enter(self, module: torch.nn.Module, args: tuple[Any, ...], /) -> bool | Found:
        """Take note of a call; return what was found of it where its arguments are still to be named; False: nothing
        was done.
        """

    def leave(self, result: Any, /) -> bool | Found:
        """Take note of the end of a call; return what was found of it where its result is still to be named; False:
        nothing was done.
        """

class Leaves:
    """Says of all leaves of an optimizer or a module at once what is said of each.

    With the recorder's lock held. Each method returns None, and has done nothing, where one of them is not the common
    case.

    Args:
        forward: what stands in for the forward mode of the recording.
        by_memory: the records of the leaves whose gradients lie in each memory.
        by_object: the record of the leaf whose gradient each is.
        hypot: ``math.hypot``, by which norms are taken.
    """

    def __init__(
        self,
        forward: object,
        by_memory: dict[int, dict[int, TensorRecord]],
        by_object: dict[int, TensorRecord],
        hypot: Callable[..., float],
        /,
    ) -> None: ...
    def are_seen(self, tensors: list[torch.Tensor], /) -> bool:
        """Tell whether it is known that none of some tensors is a leaf that was never recorded."""
    def gradients(self, leaves: list[torch.Tensor], /) -> tuple[torch.Tensor | None, ...] | None:
        """Return what ``.grad`` of each is."""

    def hold(self, leaves: list[torch.Tensor], blob: Blob, /) -> list[tuple[str, int]] | None:
        """Return what each gradient holds, as the wire form ``V``, and what is odd about it."""

    def keep(self, leaves: list[torch.Tensor], /) -> tuple[list[torch.Tensor], list[tuple[str, int]], bytes] | None:
        """Return the leaves themselves, what ``hold`` returns of them, and the bytes."""

    def cleared(
        self, kept: tuple[list[torch.Tensor], list[tuple[str, int]], bytes], idiom: str, place: PlaceRow, phase: str, /
    ) -> bool | None:
        """Record the event of a clearing as a whole; return whether there was anything to clear."""

    def clear(self, leaves: list[torch.Tensor], before: list[str], event: int, /) -> str | None:
        """Take note that every gradient is None now; return what ``write_buffer`` does of each, with commas between."""

    def found(
        self, parameters: list[torch.Tensor], /
    ) -> tuple[str, str, bytes, int, float | tuple[torch.Tensor | None, ...] | None, int, int] | None:
        """Return what a step finds.

        Returns:
            The texts of ``V`` of the parameters and of their gradients, the bytes of both, how often the parameters
            were changed in place, the 2-norm of all gradients (None where there is none, the gradients where that is
            for Python), what is odd about the parameters, and about both.
        """

    def norms(self, parameters: list[torch.Tensor], series: dict[str, int], /) -> bool:
        """Add the 2-norm of each to its series, as the next event has it; return False, and nothing was done, where
        one cannot be read here, or has no series yet.
        """

    def made(
        self,
        parameters: list[torch.Tensor],
        found: tuple[Any, ...],
        head: str,
        tail: str,
        name: str,
        place: PlaceRow,
        judge: Callable[[int, int, int], int],
        series: dict[str, int],
        /,
    ) -> bool:
        """Record the event of a step as a whole, and the norm of each parameter after it.

        Returns False, and nothing was done, where that is for Python.

        Args:
            parameters: after the step.
            found: what ``found`` has returned before it.
            head: of the event's detail, up to the parameters.
            tail: from the groups on.
            name: of the event.
            place: where the step was made.
            judge: returns the flags of the event, where anything is odd: see ``StepEvents._judged``.
            series: ids of those of the norms, by what the parameters are called.
        """

    def define(self, tensors: list[torch.Tensor], blob: Blob, event: int, /) -> str | None:
        """Do what ``Composer.defined`` does for each; return the texts of ``T``, with commas between."""

Pen: MakePen
"""Writes records of a log as ``gradb.log.pen.PythonPen`` does."""

class Lock:
    """A lock that a thread can take again: see ``threading.RLock``."""

    def acquire(self, blocking: bool = True) -> bool: ...
    def release(self) -> None: ...
    def __enter__(self) -> bool: ...
    def __exit__(self, *raised: object) -> None: ...
    def _is_owned(self) -> bool: ...

class Sifter:
    """A sieve in C, for events that Python has put."""

    def passes(
        self,
        sieve: Sieve,
        seq: int,
        code: int,
        kind: str,
        name: str,
        place: PlaceRow,
        scope: str,
        iteration: int,
        phase: str,
        node: int | None,
        flags: int,
        detail: str,
        data: bytes | None,
        /,
    ) -> bool:
        """Tell whether an event passes the whole sieve: its facts, and one of its parts where it has some."""

class Engine:
    """What the visits in C of one recording share: see ``gradb.tracer.watch.quick`` for the objects.

    Args:
        objects: the parts of the tracer that are looked at, and functions of torch's.
        repeats: from how many visits of a place on no node is measured there.
    """

    def __init__(self, objects: tuple[Any, ...], repeats: int, /) -> None: ...

class Visits:
    """The visits of one call of torch's engine.

    Args:
        engine: what all calls share.
        run: the ``BackwardRun``.
        local: what the calling thread is in the middle of: the variables of the ``ThreadState``.
    """

    def __init__(self, engine: Engine, run: Any, local: dict[str, Any], /) -> None: ...
    def hook(
        self,
        nodes: list[Any],
        marks: list[NodeMark | None],
        are_unfit: list[bool],
        retained: Mapping[int, object],
        /,
    ) -> list[int]:
        """Register a visit on each node that has a mark; return the numbers of those that are left to Python.

        Nodes that are unfit are, and those whose id is among ``retained``.
        """

    def begin(self, start: int, thread: int, sent: dict[int, int], flags: int, /) -> None:
        """Take over the number of the event by which the call begins, and of the thread; nothing is recorded before.

        Args:
            start: the event.
            thread: the thread.
            sent: what is odd about what was sent to a node, by its id.
            flags: of every event of the call.
        """

    def unhook(self) -> None:
        """Remove what was registered."""

class Registrar:
    """Stands for ``_register_hook`` of torch's nodes: registers visits in C itself.

    Args:
        otherwise: registers all other hooks.
    """

    def __init__(self, otherwise: Callable[[Any, Any], Any], /) -> None: ...
    def __call__(self, hooks: Any, hook: Any, /) -> Any: ...

class Reader:
    """Turns tensors into text and bytes: see ``Snapshots`` for what each method returns.

    Args:
        limit: the largest number of elements stored whole.
        otherwise: does what ``take`` does for a tensor that is not known here.
        blob: makes what that puts bytes into, where the reader itself collects them otherwise.
        unseen: torch's ``DisableTorchFunction``.
    """

    def __init__(
        self,
        limit: int,
        otherwise: Callable[[torch.Tensor, Blob], str],
        blob: type[Blob],
        unseen: type,
    ) -> None: ...
    def keep_passing(self, is_passing: bool, /) -> None: ...
    def take(self, tensor: torch.Tensor | None, blob: Blob, /) -> str: ...
    def take_passing(self, tensor: torch.Tensor, blob: Blob, /) -> str: ...
    def take_each(
        self, tensors: tuple[torch.Tensor | None, ...], blob: Blob, begin: str, end: str, is_passing: bool, /
    ) -> str: ...

def content(tensor: torch.Tensor, /) -> bytes | None:
    """Return the elements, row-major; None where the tensor is not known here."""

def summarise(tensor: torch.Tensor, /) -> tuple[str, bytes, int, int | None] | None:
    """Return what ``summaries.Summary`` consists of; None where the tensor is not known here, or too hard."""

def norm(tensor: torch.Tensor, /) -> float | None:
    """Return the 2-norm of all elements, NaN where one is, else infinite where one is; None as ``summarise``."""

def keep(tensors: Sequence[torch.Tensor], /) -> tuple[bytes, ...] | None:
    """Return what ``change`` needs to know of tensors before they change; None where one has no floats known here."""

def change(
    kept: tuple[bytes, ...], tensors: Sequence[torch.Tensor], /
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return the 2-norms of how each tensor has changed and of what it was; None where one is something else now."""

def may_begin(forward: object, root: torch.Tensor, gradient: torch.Tensor | None, /) -> bool:
    """Tell whether a backward from a tensor, with the gradient it is given, can be told by ``begin_backward`` now.

    Args:
        forward: what stands in for the forward mode of the recording.
        root: what it begins from.
        gradient: what comes in there; None where it was left out.
    """

def begin_backward(
    forward: object,
    root: torch.Tensor,
    gradient: torch.Tensor | None,
    marks: list[NodeMark | None],
    retains: bool,
    place: PlaceRow,
    flags: int,
    /,
) -> int:
    """Record the event by which a backward begins, and return its number.

    Args:
        forward: as in ``may_begin``, which was asked before.
        root: what it begins from.
        gradient: what comes in there.
        marks: of the nodes that it will run.
        retains: whether the graph is kept.
        place: where the call stands.
        flags: of every event of the call.
    """

def end_backward(forward: object, start: int, place: PlaceRow, flags: int, /) -> int | None:
    """Record the event by which a backward ends that began with another; None, and nothing was done: not now."""

def reach(roots: list[Any], custom: type, /) -> tuple[list[Any], list[NodeMark | None], list[bool], bool] | None:
    """Return every node below the roots once, in the order of ``tensors.reach``, with what ``Below`` has of them.

    None where ``learn_classes`` was not called yet.

    Args:
        roots: nodes.
        custom: the class of the nodes of custom Functions.
    """
