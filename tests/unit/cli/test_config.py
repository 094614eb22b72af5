"""Settings: what goes before what, what cannot be used, and how they are printed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from gradb.cli.main import main
from gradb.cli.settings import Choice, Value, read_settings

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the settings are; nothing is there."""
    path = tmp_path / "config.toml"
    monkeypatch.setattr("gradb.cli.config.settings_file", lambda: path)
    monkeypatch.delenv("GRADB_THEME", raising=False)
    return path


def test_environment_goes_before_file_before_default(tmp_path: Path) -> None:
    """And it is known which of them it was."""
    path = tmp_path / "config.toml"
    by_default: dict[str, Value] = {"theme": "dark", "ascii": False, "remember-layout": True}
    assert read_settings(path, {}).chosen == {name: Choice(value, "default") for name, value in by_default.items()}
    path.write_text('theme = "light"\nremember-layout = false\nascii = true\n')
    by_file = read_settings(path, {"GRADB_REMEMBER_LAYOUT": ""})
    in_file: dict[str, Value] = {"theme": "light", "ascii": True, "remember-layout": False}
    assert by_file.chosen == {name: Choice(value, "file") for name, value in in_file.items()}
    variables = {"GRADB_THEME": "contrast", "GRADB_REMEMBER_LAYOUT": "1", "GRADB_ASCII": "0"}
    by_variable = read_settings(path, variables)
    there: dict[str, Value] = {"theme": "contrast", "ascii": False, "remember-layout": True}
    assert by_variable.chosen == {name: Choice(value, "environment") for name, value in there.items()}
    assert by_variable.complaints == by_file.complaints == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("theme = light", "line 1"),
        ('thema = "light"', "no setting 'thema' (did you mean theme?)"),
        ('theme = "blue"', 'theme is "blue", not "dark", "light" or "contrast"'),
        ("theme = 1", "theme is 1,"),
        ("remember-layout = 1", "remember-layout is 1, not true or false"),
        ("remember-layout = [" + "[" * 3000, "not TOML"),
        ("\xff", "UTF-8"),
        ("#" * 100_001, "too long"),
    ],
)
def test_what_cannot_be_used_is_told_and_the_rest_holds(tmp_path: Path, content: str, words: str) -> None:
    """One sentence, with the file and the line or the key."""
    path = tmp_path / "config.toml"
    path.write_bytes(content.encode("latin-1"))
    settings = read_settings(path, {})
    (complaint,) = settings.complaints
    assert words in complaint
    assert complaint.startswith(f"{path}: ")
    assert settings.text("theme") == "dark"
    assert settings.holds("remember-layout")


def test_a_variable_that_cannot_be_used_leaves_the_file(tmp_path: Path) -> None:
    """It is told by its own name."""
    path = tmp_path / "config.toml"
    path.write_text('theme = "light"')
    settings = read_settings(path, {"GRADB_THEME": "blue"})
    assert settings.text("theme") == "light"
    assert settings.complaints == ('GRADB_THEME is "blue", not "dark", "light" or "contrast"',)


def test_config_prints_a_file_of_settings(file: Path, capsys: Captured) -> None:
    """What is printed is itself a file of settings, with all that holds."""
    assert main(["config"]) == 0
    printed = capsys.readouterr().out
    assert str(file) in printed
    assert tomllib.loads(printed) == {"theme": "dark", "ascii": False, "remember-layout": True}
    file.write_text(printed)
    assert main(["config", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["exists"]
    assert [(row["name"], row["value"], row["from"]) for row in data["settings"]] == [
        ("theme", "dark", "file"),
        ("ascii", False, "file"),
        ("remember-layout", True, "file"),
    ]


def test_config_with_a_mistake_ends_with_2(file: Path, capsys: Captured) -> None:
    """It prints what holds all the same."""
    file.write_text('theme = "\\u001b[31m"')
    assert main(["config"]) == 2
    printed = capsys.readouterr()
    assert tomllib.loads(printed.out)["theme"] == "dark"
    assert "\x1b" not in printed.err
    assert main(["config", "--nothing"]) == 2
