"""Files that are given as scripts and are none: what they are, and what to do instead.

By name or by content; Python would run some of them to no purpose (a notebook is JSON, and JSON is an expression), and
of the others say only that there is a syntax error.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

from gradb.debugger.errors import UserError

_SQLITE = b"SQLite format 3\x00"
_ZIP = b"PK\x03\x04"
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))

_WEIGHTS = frozenset({".pt", ".pth", ".ckpt", ".safetensors", ".pkl", ".npy", ".npz", ".bin", ".onnx", ".pt2"})
_DATA = {
    ".json": "JSON",
    ".jsonl": "JSON lines",
    ".yaml": "YAML",
    ".yml": "YAML",
    ".toml": "TOML",
    ".csv": "a table",
    ".tsv": "a table",
    ".md": "Markdown",
    ".rst": "reStructuredText",
}


def _notebook(path: str) -> str:
    name = Path(path).with_suffix(".ipynb")
    rename = "" if name == Path(path) else f"name it {name.name}, "
    made = f"`jupyter nbconvert --to script {shlex.quote(str(name))}`"
    return (
        f"{path} is a notebook, not a script: {rename}make a script of it, {made}, and run that, "
        f"`gradb {shlex.quote(str(name.with_suffix('.py')))}`"
    )


def _tape(path: str) -> str:
    return f"{path} is a recording, not a script: `gradb open {shlex.quote(path)}` shows it"


def _weights(path: str) -> str:
    return f"{path} holds saved values, not a program: give the script that loads it"


def _archive(path: str) -> str:
    return f"{path} is an archive: unpack it, and give the script that is to be run"


def _commands(path: str) -> str:
    return f"{path} holds commands of gradb's: `gradb run --commands {shlex.quote(path)} SCRIPT` carries them out"


def _shell(path: str) -> str:
    return f"{path} is a script for a shell: give the Python script that it starts, with its arguments"


def _data(path: str) -> str:
    return f"{path} is {_DATA[_suffix(path)]}, not a Python script: give the script that reads it"


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()


def _is_notebook(path: str, data: bytes) -> bool:
    if _suffix(path) == ".ipynb":
        return True
    if data.lstrip()[:1] != b"{" or b'"nbformat"' not in data:
        return False
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def _is_shell(path: str, data: bytes) -> bool:
    first = data.partition(b"\n")[0]
    return first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"bash", b"zsh", b"dash", b"fish", b"ksh"))


_KINDS: tuple[tuple[Callable[[str, bytes], bool], Callable[[str], str]], ...] = (
    (lambda path, data: data.startswith(_SQLITE) or _suffix(path) == ".tape", _tape),
    (_is_notebook, _notebook),
    (lambda path, data: _suffix(path) in _WEIGHTS or data.startswith(_PICKLES), _weights),
    (lambda _, data: data.startswith(_ZIP), _archive),
    (lambda path, _: _suffix(path) == ".gradb", _commands),
    (lambda path, data: _suffix(path) in {".sh", ".bash"} or _is_shell(path, data), _shell),
    (lambda path, _: _suffix(path) in _DATA, _data),
)
"""How a file is recognised, and the sentence about it; the first that fits."""


def refuse_other(path: str, data: bytes) -> None:
    """Refuse a file that is no Python script.

    Raises:
        UserError: it is something else: what, and what to do instead.
    """
    for fits, sentence in _KINDS:
        if fits(path, data):
            raise UserError(sentence(path))
