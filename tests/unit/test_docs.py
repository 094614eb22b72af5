"""What docs/architecture.md names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_ROOMS = [ROOT, ROOT / "src" / "gradb", ROOT / "src" / "gradb" / "tracer", *sorted((ROOT / "src" / "gradb").glob("*/"))]
_PATHS = sorted(set(re.findall(r"`([a-z_]+/[a-z_/]*)`", PAGE)))


def test_all_rooms_and_modules_that_are_named_exist() -> None:
    """A folder, or a module of one: the page is how newcomers find their way."""
    assert [path for path in _PATHS if not any(_is_there(room / path) for room in _ROOMS)] == []
    assert len(_PATHS) > 50


def _is_there(place: Path) -> bool:
    return place.is_dir() or place.with_suffix(".py").is_file()


def test_every_package_says_what_it_owns() -> None:
    """Each folder of the package begins with a docstring."""
    silent = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "src" / "gradb").rglob("__init__.py")
        if not file.read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []
