"""Which source file a stop means, and its text: on the tape, or where a script that is not so far would find it."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gradb.debugger.errors import UserError
from gradb.debugger.suggestion import did_you_mean
from gradb.debugger.view import View

_MOST_FOLDERS = 500
_MOST_BYTES = 4 << 20
_MOST_IMPORTED = 300
_NO_SCRIPTS = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})


class NoFile(UserError):
    """There is no source file of a name."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the script's."""

    path: str
    text: str | None
    """None where it could not be read."""
    is_recorded: bool
    """The tape has it: something has happened in it, or it is what was started."""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return Path(self.path).name


def meant(name: str, view: View) -> SourceFile | None:
    """Return the file that a name means, without a name the one at the position; None where nothing is known of it.

    Raises:
        NoFile: there is none of that name.
        UserError: there is more than one.
    """
    known = _recorded(view)
    if not name:
        return _shown(view, known)
    found = _fitting(name, known) or _unread(name, view) or (_on_disk(name, view) if view.is_live else [])
    if len(found) > 1:
        names = " and ".join(sorted(file.path for file in found)[:3])
        raise UserError(f"{name} may be {names}: say more of its path")
    if found or not known:
        return found[0] if found else None
    where = "there is no such file where the script looks for its own" if view.is_live else "it is not on the tape"
    others = _files(_folder(view)) if view.is_live else ()
    hint = did_you_mean(name, (file.name for file in known), (path.name for path in others))
    raise NoFile(f"no source file {name}: {where}{hint}")


def may_be_imported(names: Container[str], view: View) -> list[str]:
    """Return the texts under the folder of a live script whose file, or outermost folder, has one of some names."""
    folder = _folder(view)
    fitting = (path for path in _files(folder) if path.relative_to(folder).parts[0].removesuffix(".py") in names)
    return [text for path in islice(fitting, _MOST_IMPORTED) if (text := _text(path)) is not None]


def _base(view: View) -> Path:
    """Return the working directory of a live run."""
    spec = view.run.spec
    return Path((spec and spec.cwd) or os.curdir).absolute()


def _folder(view: View) -> Path:
    """Return where the script of a live run looks for its own files first, as Python puts it on ``sys.path``."""
    spec = view.run.spec
    return (_base(view) / spec.script).resolve().parent if spec is not None and spec.script else _base(view)


def _recorded(view: View) -> list[SourceFile]:
    """Return the files on the tape; as long as there are none, the script."""
    sources = () if view.tape is None else view.tape.sources
    found = [SourceFile(path, text, is_recorded=True) for path, text in sources if text is not None]
    return found or [
        SourceFile(os.path.normpath(path), _text(path), is_recorded=True) for path in _started(view) if path.is_file()
    ]


def _started(view: View) -> list[Path]:
    """Return where the file is, or may be, of what a live run was started with."""
    spec = view.run.spec
    if spec is None:
        return []
    module = (spec.module or "").replace(".", "/")
    names = [f"{module}/__main__.py", f"{module}.py"] if module else [spec.script or ""]
    return [_base(view) / name for name in names if name]


def _shown(view: View, known: list[SourceFile]) -> SourceFile | None:
    source = None if view.tape is None else view.frame().source
    if source is None:
        return known[0] if len(known) == 1 else None
    return next((file for file in known if file.path == source.file), SourceFile(source.file, None, is_recorded=True))


def _fitting(name: str, files: list[SourceFile]) -> list[SourceFile]:
    plain = os.path.normpath(name)
    whole = os.path.normpath(Path(name).absolute())
    exact = [file for file in files if file.path in {name, plain, whole}]
    return exact or [file for file in files if file.path.endswith("/" + plain)]


def _unread(name: str, view: View) -> list[SourceFile]:
    """Return the file of exactly that path of which only the path is on the tape."""
    sources = () if view.tape is None else view.tape.sources
    return [SourceFile(path, None, is_recorded=True) for path, _ in sources if path == name]


def _on_disk(name: str, view: View) -> list[SourceFile]:
    """Look for a file that may be imported later, in and under the script's folder."""
    folder, plain = _folder(view), os.path.normpath(name)
    direct = [path for path in (folder / plain, Path(name).absolute()) if path.is_file()]
    return _read(direct[:1] or (path for path in _files(folder) if str(path).endswith("/" + plain)))


def _files(folder: Path) -> Iterator[Path]:
    for count, (where, folders, files) in enumerate(os.walk(folder)):
        if count >= _MOST_FOLDERS:
            return
        folders[:] = [one for one in folders if not one.startswith(".") and one not in _NO_SCRIPTS]
        yield from (Path(where, file) for file in files if file.endswith(".py"))


def _read(paths: Iterable[Path]) -> list[SourceFile]:
    return [SourceFile(os.path.normpath(path), _text(path), is_recorded=False) for path in paths]


def _text(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError):
        return None
    return text if len(text) <= _MOST_BYTES else None
