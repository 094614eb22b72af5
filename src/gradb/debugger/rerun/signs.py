"""Looks in the text of a script for what makes two runs of it differ: random numbers, time, devices, other processes.

Only names are looked at, resolved by the imports of their file; nothing is run, and what libraries do is not known.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SEEDING = ("manual_seed", "seed_everything", "set_seed", "seed_all")
_CLOCKS = frozenset(
    {
        "time.time", "time.time_ns", "time.perf_counter", "time.perf_counter_ns", "time.monotonic",
        "time.monotonic_ns", "time.process_time", "datetime.datetime.now", "datetime.datetime.utcnow",
        "datetime.datetime.today", "datetime.date.today",
    }
)  # fmt: skip
_ENTROPY = frozenset({"os.urandom", "random.SystemRandom", "uuid.uuid1", "uuid.uuid4", "torch.seed", "os.getpid"})
_ENTROPY_WITHOUT_SEED = frozenset(
    {
        "numpy.random.default_rng", "numpy.random.SeedSequence", "numpy.random.RandomState", "numpy.random.seed",
        "random.seed", "random.Random", "numpy.random.PCG64", "numpy.random.MT19937",
    }
)  # fmt: skip
_THREADS = frozenset({"threading.Thread", "concurrent.futures.ThreadPoolExecutor", "multiprocessing.pool.ThreadPool"})
_PROCESSES = ("multiprocessing.", "torch.multiprocessing.", "torch.distributed.", "concurrent.futures.Process")
_UNSET = frozenset({"torch.empty", "torch.empty_like", "torch.Tensor", "numpy.empty", "numpy.empty_like"})
_HASHING = frozenset({"set", "frozenset", "hash"})
_DEVICES = ("cuda", "mps", "xpu")


@dataclass(frozen=True, slots=True)
class Use:
    """A name that is used in a file, or called."""

    name: str
    """In full: ``numpy.random.default_rng``."""
    where: str
    """``train.py:12``."""
    is_call: bool = False
    has_arguments: bool = False


@dataclass(frozen=True, slots=True)
class Signs:
    """All that the files of a script use, and the texts and numbers that say something as they are."""

    uses: tuple[Use, ...]
    devices: tuple[Use, ...]
    """Texts that name an accelerator."""
    workers: tuple[Use, ...]
    """``num_workers`` of more than 0, or of what is not a number."""
    sets: tuple[Use, ...]
    """Sets, whose order depends on the hashes of what is in them."""

    @property
    def is_seeded(self) -> bool:
        """True where random numbers are seeded somewhere."""
        return any(use.name.rpartition(".")[2] in _SEEDING for use in self.uses)

    def likely(self) -> Iterator[tuple[str, Use]]:
        """Yield what may have made a difference, and where it stands: the most telling first, each once."""
        for text, of_kind in _KINDS:
            found = next((use for use in self.uses if of_kind(use)), None)
            if found is not None:
                yield text.format(found.name), found
        for text, some in (("workers of a data loader", self.workers), ("what a GPU computes", self.devices)):
            if some:
                yield text, some[0]


def signs(sources: Mapping[str, str]) -> Signs:
    """Read texts by their paths; one that is no Python says nothing."""
    uses: list[Use] = []
    devices: list[Use] = []
    workers: list[Use] = []
    sets: list[Use] = []
    for path, text in sources.items():
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        file = _File(Path(path).name, tree)
        uses += file.uses()
        devices += file.devices()
        workers += file.workers()
        sets += file.sets()
    return Signs(tuple(uses), tuple(devices), tuple(workers), tuple(sets))


_KINDS: tuple[tuple[str, Callable[[Use], bool]], ...] = (
    ("{} without a seed", lambda use: use.name in _ENTROPY_WITHOUT_SEED and use.is_call and not use.has_arguments),
    ("{}, another in each run", lambda use: use.name in _ENTROPY or use.name.startswith("secrets.")),
    ("what the time is: {}", lambda use: use.name in _CLOCKS),
    ("other processes: {}", lambda use: use.name.startswith(_PROCESSES) or use.name == "os.fork"),
    ("threads: {}", lambda use: use.name in _THREADS),
    ("memory that is not set: {}", lambda use: use.name in _UNSET and use.is_call and use.has_arguments),
)
"""What is said of a use, and which uses it is said of."""


class _File:
    """One file: its tree, and what the names in it stand for."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self._name = name
        self._nodes = list(ast.walk(tree))
        self._meant: dict[str, str] = {}
        for node in self._nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    root = alias.name.partition(".")[0]
                    self._meant[alias.asname or root] = alias.name if alias.asname else root
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._meant[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def uses(self) -> Iterator[Use]:
        """Yield the dotted names, those that are called with whether they are given anything."""
        for node in self._nodes:
            if isinstance(node, ast.Call):
                if name := self._resolved(node.func):
                    given = [*node.args, *(keyword.value for keyword in node.keywords)]
                    is_given = any(not (isinstance(one, ast.Constant) and one.value is None) for one in given)
                    yield Use(name, self._place(node), is_call=True, has_arguments=is_given)
            elif isinstance(node, ast.Name | ast.Attribute) and (name := self._resolved(node)):
                yield Use(name, self._place(node))

    def devices(self) -> Iterator[Use]:
        """Yield the texts that begin as the name of an accelerator, and calls such as ``model.cuda()``."""
        for node in self._nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(_DEVICES):
                yield Use(node.value, self._place(node))
            elif isinstance(node, ast.Attribute) and node.attr in _DEVICES and not self._is_module(node):
                yield Use(node.attr, self._place(node))

    def _is_module(self, node: ast.Attribute) -> bool:
        return isinstance(node.value, ast.Name) and self._meant.get(node.value.id) == "torch"

    def workers(self) -> Iterator[Use]:
        """Yield ``num_workers`` of a call, unless it is 0."""
        for node in self._nodes:
            if not isinstance(node, ast.keyword) or node.arg != "num_workers":
                continue
            if not isinstance(node.value, ast.Constant) or node.value.value:
                yield Use("num_workers", self._place(node.value))

    def sets(self) -> Iterator[Use]:
        """Yield sets as they are made, and calls of ``hash``."""
        for node in self._nodes:
            is_call = isinstance(node, ast.Call) and self._resolved(node.func) in _HASHING
            if isinstance(node, ast.expr) and (is_call or isinstance(node, ast.Set | ast.SetComp)):
                yield Use("set", self._place(node))

    def _resolved(self, node: ast.expr) -> str:
        """Return the name in full; empty where it is none, or is that of a thing that is no module's."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ".".join(reversed(parts))
        return ".".join([self._meant.get(node.id, node.id), *reversed(parts)])

    def _place(self, node: ast.expr) -> str:
        return f"{self._name}:{node.lineno}"
