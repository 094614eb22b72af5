"""Which entries of the picker match what is typed, how well, and by which of their letters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from textual.fuzzy import FuzzySearch

from gradb.present.draw.safe import plain
from gradb.tui.entries import Entry

_MOST_LETTERS = 12  # of a word that need not stand together: of more there are too many ways to find them
_MOST_SCATTERED = 80  # cells of a title in which they are looked for


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that matches."""

    entry: Entry
    score: float = 0.0
    """How well: higher is better; only comparable for one text."""
    letters: frozenset[int] = frozenset()
    """Which characters of the title (as it is drawn) it is found by."""
    is_by_name: bool = True
    """False where a word is found in nothing but what else is said of it."""


def matching(entries: Iterable[Entry], text: str) -> list[Hit]:
    """Return the entries that every word of a text is found in, in their order; all of them where there is no word.

    Where some have it in their titles or names, the others are left out.
    """
    search, words = FuzzySearch(), text.lower().split()
    hits = [hit for entry in entries if (hit := _hit(search, entry, words)) is not None]
    return [hit for hit in hits if hit.is_by_name] or hits


def _hit(search: FuzzySearch, entry: Entry, words: list[str]) -> Hit | None:
    title, score, letters, is_by_name = plain(entry.title), 0.0, set[int](), True
    rest = f"{entry.name} {entry.about} {entry.group}".lower()
    for word in words:
        value, found = _in_title(search, title, word)
        if word in entry.name:
            value = max(value, search.match(word, entry.name)[0])
        if not value and word not in rest:
            return None
        is_by_name = is_by_name and value > 0
        score += value
        letters.update(found)
    return Hit(entry, score, frozenset(letters), is_by_name)


def _in_title(search: FuzzySearch, title: str, word: str) -> tuple[float, Iterable[int]]:
    """Return how well a word is found in a title, and where: as it stands, or scattered from the start of a word on."""
    if word not in title.lower() and (len(word) > _MOST_LETTERS or len(title) > _MOST_SCATTERED):
        return 0.0, ()
    score, letters = search.match(word, title)
    is_scattered = any(after != before + 1 for before, after in pairwise(letters))
    if score and is_scattered and letters[0] > 0 and title[letters[0] - 1].isalnum():
        return 0.0, ()
    return score, letters
