"""Looks at what is to be run before anything is started: every mistake is told in one sentence.

Nothing of the user's is imported here: a script is only parsed, and a module only looked for. What can be seen only
while the script starts is left to Python's own traceback.
"""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
import tokenize
import warnings
from collections.abc import Collection, Sequence
from importlib.machinery import ModuleSpec
from io import BytesIO
from pathlib import Path

from gradb.cli.mistaken import directory_sentence, is_word, near_file, no_such_script
from gradb.cli.scenarios import scenario_names, scenario_path
from gradb.cli.unfit import refuse_other
from gradb.debugger.errors import UserError

_SQLITE = b"SQLite format 3\x00"
_LINE_END = b"\n"
_SCRIPTS = frozenset({"", ".py", ".pyw"})


def is_tape(path: str) -> bool:
    """Tell whether a file looks like a tape and not like a script."""
    try:
        if not Path(path).is_file():
            return False
        with Path(path).open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except (OSError, ValueError):
        return False


def is_recording(name: str) -> bool:
    """Tell whether a file is to be read as a tape: it is one, or it is named like one."""
    return is_tape(name) or Path(name).suffix == ".tape"


def check_file(path: str) -> None:
    """Refuse what cannot be read as a file.

    Raises:
        UserError: there is no such file, it is a directory, or it cannot be reached.
    """
    try:
        mode = Path(path).stat().st_mode
    except ValueError as error:  # a NUL in it
        raise UserError(f"no such file: {path!r}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"no such file: {path}{near_file(path)}") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        raise UserError(directory_sentence(path))


def check_recording(path: str) -> None:
    """Refuse what cannot be read as a file, and a script where a recording is wanted.

    Raises:
        UserError: there is no such file, it cannot be reached, or it is named as scripts are.
    """
    if not os.path.exists(path) and scenario_path(path) is not None:  # noqa: PTH110 - Path's minds a NUL
        raise UserError(f"{path} is a scenario, not a recording: `gradb {path}` runs it")
    check_file(path)
    if Path(path).suffix in {".py", ".ipynb"} and not is_tape(path):
        raise UserError(
            f"{path} is not a gradb tape, but a script by its name: `gradb record -o FILE {path}` makes one"
        )


def find_script(name: str, commands: Collection[str] = ()) -> str:
    """Return the path of a script: the file itself, or the scenario of that name where there is no such file.

    Args:
        name: as it was typed.
        commands: what else may have been meant by it.

    Raises:
        UserError: it is a single word, and there is neither a file nor a scenario of that name.
    """
    try:
        is_file = Path(name).exists()
    except (OSError, ValueError):
        return name  # what is wrong with it is said when it is checked
    found = name if is_file else scenario_path(name)
    if found is None and is_word(name):
        raise UserError(no_such_script(name, commands, scenario_names()))
    return found or name


def check_script(path: str) -> None:
    """Refuse a script that Python could not run a line of.

    Raises:
        UserError: it is missing, a directory, unreadable, not text in its encoding, or has a syntax error.
    """
    check_file(path)
    if not Path(path).is_file():
        raise UserError(f"cannot read {path}: it is not a regular file")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    refuse_other(path, data)
    _check_text(path, data)
    _check_syntax(path, data)


def _check_text(path: str, data: bytes) -> None:
    encoding, reason = _encoding(data)
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        where = f"line {data.count(_LINE_END, 0, error.start) + 1} has the byte 0x{data[error.start]:02x}"
        raise UserError(f"{path} is not {encoding.upper()}: {where}") from error
    if reason:
        raise UserError(f"{path} cannot be decoded: {reason}")


def _encoding(data: bytes) -> tuple[str, str]:
    """Return the encoding that a script says it has (UTF-8 where it says none), and what is wrong with what it says."""
    try:
        return tokenize.detect_encoding(BytesIO(data).readline)[0], ""
    except SyntaxError as error:
        return "utf-8", str(error.msg)


def _check_syntax(path: str, data: bytes) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python itself will say them when the script runs
            compile(data, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        kind = "" if Path(path).suffix in _SCRIPTS else f"{path} is not a Python script: "
        raise UserError(kind + _syntax_sentence(path, error)) from error
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise UserError(f"{path} cannot be compiled: {str(error) or type(error).__name__}") from error


def _syntax_sentence(path: str, error: SyntaxError) -> str:
    if not error.lineno:
        return f"{path} cannot be compiled: {error.msg}"
    sentence = f"syntax error in {path}, line {error.lineno}: {error.msg}"
    if error.text and error.text.strip():
        text = error.text.rstrip("\r\n")
        indent = len(text) - len(text.lstrip())
        sentence += f"\n    {text.strip()}"
        if error.offset and error.offset > indent:
            sentence += f"\n    {' ' * (error.offset - 1 - indent)}^"
    return sentence


def check_module(name: str) -> None:
    """Refuse a module that ``python -m`` would not find.

    Raises:
        UserError: there is no such module, or it is a package that has no ``__main__``.
    """
    path: Sequence[str] | None = None
    spec: ModuleSpec | None = None
    parts = name.split(".")
    if not all(parts):
        raise UserError(f"{name!r} is not the name of a module")
    for count in range(1, len(parts) + 1):
        spec = _find(".".join(parts[:count]), path)
        if spec is None:
            raise UserError(f"there is no module named {'.'.join(parts[:count])!r}")
        path = spec.submodule_search_locations
        if path is None and count < len(parts):
            raise UserError(f"there is no module named {name!r}: {'.'.join(parts[:count])!r} is not a package")
    if path is not None and _find(f"{name}.__main__", path) is None:
        raise UserError(f"{name!r} is a package without __main__, and cannot be run")


def _find(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """Find a module without importing its parents, as seen from the working directory."""
    if path is None:
        path = [str(Path.cwd()), *sys.path]
        found = importlib.machinery.PathFinder.find_spec(name, path)
        return found if found is not None else _find_anyhow(name, None)
    return _find_anyhow(name, path)


def _find_anyhow(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, path)
        except (ImportError, ValueError):
            continue
        if spec is not None:
            return spec
    return None


def check_torch() -> None:
    """Refuse where torch is not installed.

    Raises:
        UserError: there is no torch.
    """
    try:
        found = importlib.util.find_spec("torch") is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise UserError(
            "torch is not installed in this environment, so nothing can be run (`gradb open FILE` and "
            "`gradb show FILE` work without it)"
        )
