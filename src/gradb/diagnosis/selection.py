"""Which rules are judged: by codes and beginnings of codes, as people give them. Hints are off unless asked for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradb.diagnosis.registry import RULES
from gradb.diagnosis.rule import DiagnosisRule


class UnknownRuleError(Exception):
    """There is no rule of a code; its text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for."""

    selected: tuple[str, ...] = ()
    """Codes, or beginnings of codes: ``G004``, ``G1``; none: all."""
    ignored: tuple[str, ...] = ()
    """The same, of what is left out; goes before ``selected``."""
    with_hints: bool = False
    """Hints are judged too, though nothing has selected them."""

    def __post_init__(self) -> None:
        """Refuse what is the beginning of no code.

        Raises:
            UnknownRuleError: it is none.
        """
        for prefix in (*self.selected, *self.ignored):
            if not any(code.startswith(prefix) for code in RULES):
                raise UnknownRuleError(no_such(prefix))

    def rules(self, table: Mapping[str, DiagnosisRule] = RULES) -> tuple[DiagnosisRule, ...]:
        """Return the rules to be judged, in the order of their codes."""
        return tuple(rule for rule in table.values() if self._has(rule))

    def is_named(self, code: str) -> bool:
        """Tell whether a rule was selected, and not only is one of all."""
        return _is_one_of(code, self.selected)

    def hints_off(self, table: Mapping[str, DiagnosisRule] = RULES) -> int:
        """Return how many hints are not judged because nobody has asked for them."""
        if self.with_hints or self.selected:
            return 0
        return sum(rule.severity == "hint" and not _is_one_of(rule.code, self.ignored) for rule in table.values())

    def _has(self, rule: DiagnosisRule) -> bool:
        if _is_one_of(rule.code, self.ignored):
            return False
        if self.selected and not (self.with_hints and rule.severity == "hint"):
            return self.is_named(rule.code)
        return rule.severity != "hint" or self.with_hints


def _is_one_of(code: str, prefixes: Sequence[str]) -> bool:
    return any(code.startswith(prefix) for prefix in prefixes)


def read_codes(texts: Sequence[str]) -> tuple[str, ...]:
    """Read ``G004,G1``, given once or more often; capitals do not matter."""
    return tuple(word.strip().upper() for text in texts for word in text.split(",") if word.strip())


def rules_beginning(prefix: str) -> tuple[DiagnosisRule, ...]:
    """Return the rules whose codes begin so, as ``Selection`` takes them.

    Raises:
        UnknownRuleError: there is none.
    """
    start = prefix.strip().upper()
    found = tuple(rule for code, rule in RULES.items() if start and code.startswith(start))
    if not found:
        raise UnknownRuleError(no_such(prefix))
    return found


def no_such(code: str) -> str:
    """Return the sentence that there is no rule of a code, with the one that may be meant."""
    close = difflib.get_close_matches(code.upper().replace("O", "0"), RULES, n=1, cutoff=0.5)
    return f"there is no rule {code!r}" + (f": did you mean {close[0]}?" if close else "")
