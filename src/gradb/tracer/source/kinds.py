"""Whose the files are that code stands in: the script's, torch's, a library's or gradb's own."""

from __future__ import annotations

import os
import sys
import sysconfig
from types import CodeType

from gradb.tracer import PACKAGE

USER, DEEP, OPTIM, TRANSPARENT, MODULE, LIBRARY = range(6)
AROUND_STEPS = "/optim/optimizer.py"
"""What runs around the step of every optimizer, a library's too; a library below other code there is a closure."""
# Files of torch whose frames may stand between the user's call and the torch function it names, one call deep.
_THIN = frozenset(
    {"_tensor.py", "functional.py", "nn/functional.py", "overrides.py", "_jit_internal.py"}
    | {"autograd/__init__.py", "autograd/function.py"}
)
_KINDS = dict.fromkeys(_THIN, TRANSPARENT) | {"nn/modules/module.py": MODULE}
_STDLIB_GLUE = {
    module.__file__
    for name in ("functools", "contextlib", "threading", "runpy", "copy", "abc")
    if (module := sys.modules.get(name)) is not None and module.__file__
}


_LIBRARY_FOLDERS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STDLIB = tuple({path + os.sep for name, path in sysconfig.get_paths().items() if name in {"stdlib", "platstdlib"}})


def _is_library(filename: str) -> bool:
    """Tell whether a file is the standard library's or installed."""
    return filename.startswith(_STDLIB) or any(folder in filename for folder in _LIBRARY_FOLDERS)


def _is_beside_main(filename: str) -> bool:
    """Tell whether a file lies in the folder of the script: ``-m package`` may be installed, and is the script then."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return isinstance(main, str) and filename.startswith(os.path.dirname(os.path.abspath(main)) + os.sep)


def _package_of(filename: str) -> str:
    """Return the top-level package or module that a library's file belongs to."""
    folder = next((folder for folder in _LIBRARY_FOLDERS if folder in filename), None)
    if folder is not None:
        rest = filename.rpartition(folder)[2]
    else:
        rest = next((filename[len(path) :] for path in _STDLIB if filename.startswith(path)), filename)
    return rest.lstrip(os.sep).partition(os.sep)[0].removesuffix(".py")


class Kinds:
    """The kinds of files, each found out once."""

    def __init__(self) -> None:
        self._torch = "\0"
        self.known: dict[str, int] = {}
        """By the name of the file."""

    @property
    def torch(self) -> str:
        """The folder of torch, with a separator at its end."""
        return self._torch

    def learn_torch(self, folder: str) -> None:
        """Say where torch lives, once it is imported."""
        self._torch = folder + os.sep
        self.known.clear()

    def of(self, code: CodeType) -> int:
        """Return the kind of the file that code stands in."""
        kind = self.known.get(code.co_filename)
        return self.classify(code.co_filename) if kind is None else kind

    def package(self, filename: str) -> str:
        """Return the package that a file belongs to which is not the script's; empty for gradb and Python itself."""
        if filename.startswith(self._torch):
            return "torch"
        return "" if filename.startswith((PACKAGE, "<")) else _package_of(filename)

    def classify(self, filename: str) -> int:
        """Find out the kind of a file."""
        kind = USER
        if filename.startswith((PACKAGE, "<frozen ")):
            kind = TRANSPARENT
        elif filename.startswith(self._torch):
            rest = filename[len(self._torch) :].replace(os.sep, "/")
            kind = _KINDS.get(rest, OPTIM if rest.startswith("optim/") else DEEP)
        elif filename in _STDLIB_GLUE:
            kind = DEEP
        elif _is_library(filename) and not _is_beside_main(filename):
            kind = LIBRARY
        self.known[filename] = kind
        return kind
