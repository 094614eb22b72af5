"""Where gradb keeps what is the user's, by the conventions of the system."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_APP = "gradb"


def layout_file() -> Path:
    """Return the file that remembers where the panes are."""
    return platformdirs.user_state_path(_APP, appauthor=False) / "layout.json"


def settings_file() -> Path:
    """Return the file that has what the user has chosen once and for all."""
    return platformdirs.user_config_path(_APP, appauthor=False) / "config.toml"


def recent_file() -> Path:
    """Return the file that remembers which scripts and tapes were opened last."""
    return platformdirs.user_state_path(_APP, appauthor=False) / "recent.json"


def lessons_file() -> Path:
    """Return the file that remembers which lessons were begun and done."""
    return platformdirs.user_state_path(_APP, appauthor=False) / "lessons.txt"
