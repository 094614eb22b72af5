"""THE table of settings: what can be chosen once and for all, in a file or by environment variables.

An option of the command line goes before the environment, that before the file, and that before what holds otherwise.
What cannot be used is left out and told; the rest of the file holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gradb.debugger.suggestion import did_you_mean

Value = str | bool
Origin = Literal["default", "file", "environment"]
_MOST_BYTES = 100_000
_WORDS: Mapping[str, Value] = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be chosen."""

    name: str
    """Key in the file: ``remember-layout``."""
    values: tuple[Value, ...]
    """What it can be; the first where nothing is chosen."""
    help: str
    """One clause."""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"GRADB_{self.name.upper().replace('-', '_')}"

    def accepts(self, value: object) -> bool:
        """Tell whether it can be that."""
        return any(type(value) is type(each) and value == each for each in self.values)


@dataclass(frozen=True, slots=True)
class Choice:
    """What holds of one setting."""

    value: Value
    origin: Origin


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds."""

    chosen: Mapping[str, Choice]
    """By the names of the settings, all of them."""
    complaints: tuple[str, ...] = ()
    """A sentence for each thing that could not be used."""

    def text(self, name: str) -> str:
        """Return what is chosen of several words."""
        return str(self.chosen[name].value)

    def holds(self, name: str) -> bool:
        """Tell whether something is switched on."""
        return bool(self.chosen[name].value)


SETTINGS: dict[str, Setting] = {
    row.name: row
    for row in (
        Setting("theme", ("dark", "light", "contrast"), "colours of the screen"),
        Setting("ascii", (False, True), "no sign beyond ASCII, on the screen and in print"),
        Setting("remember-layout", (True, False), "resized and hidden panes are so again the next time"),
    )
}


def read_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Return what a file and the environment choose; the file need not be there."""
    complaints: list[str] = []
    chosen = {name: Choice(setting.values[0], "default") for name, setting in SETTINGS.items()}
    found, complaint = _read(path)
    complaints += [f"{path}: {complaint}"] if complaint else []
    for name, value in found.items():
        if name not in SETTINGS:
            complaints.append(f"{path}: there is no setting {name!r}{did_you_mean(name, SETTINGS)}")
        elif not SETTINGS[name].accepts(value):
            complaints.append(f"{path}: {_refused(SETTINGS[name], name, value)}")
        else:
            chosen[name] = Choice(value, "file")
    for setting, text in _set(environment):
        value = _WORDS.get(text.lower(), text) if isinstance(setting.values[0], bool) else text
        if setting.accepts(value):
            chosen[setting.name] = Choice(value, "environment")
        else:
            complaints.append(_refused(setting, setting.variable, text))
    return Settings(chosen, tuple(complaints))


def _set(environment: Mapping[str, str]) -> Iterator[tuple[Setting, str]]:
    """Yield the settings that the environment has, an empty one aside."""
    for setting in SETTINGS.values():
        if text := environment.get(setting.variable, ""):
            yield setting, text


def _read(path: Path) -> tuple[dict[str, Value], str]:
    """Return what a file says, and what is wrong with the whole of it."""
    import tomllib

    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"it cannot be read: {error.strerror}"
    if len(content) > _MOST_BYTES:
        return {}, "it is too long to be a file of settings"
    try:
        return tomllib.loads(content.decode()), ""
    except UnicodeDecodeError:
        return {}, "it is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        return {}, f"it is not TOML: {error}"
    except RecursionError:
        return {}, "it is not TOML: it is nested too deeply"


def _refused(setting: Setting, name: str, value: object) -> str:
    return f"{name} is {spelled(value)}, not {listed(setting)}"


def listed(setting: Setting) -> str:
    """Return what a setting can be, in words."""
    *others, last = map(spelled, setting.values)
    return f"{', '.join(others)} or {last}"


def spelled(value: object) -> str:
    """Return a value as it is written in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value[:80]}"' if isinstance(value, str) else repr(value)[:80]
