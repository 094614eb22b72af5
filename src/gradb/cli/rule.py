"""``gradb rule``: what a diagnosis rule looks for, what that means and what to do.

With the beginning of a code, a list of those that begin so; without, of all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from gradb.batch.lines import line
from gradb.cli.arguments import Parser
from gradb.cli.printing import add_print_options, read_style
from gradb.debugger.errors import UserError
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.rule import DiagnosisRule
from gradb.diagnosis.selection import UnknownRuleError, rules_beginning
from gradb.present.json.findings import rule_json
from gradb.present.lines.rules import list_lines, rule_lines


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = Parser("rule", "gradb rule [OPTIONS] [CODE]", "Print a diagnosis rule, or a list of all.")
    parser.add_argument("code", metavar="CODE", nargs="?", help="its code: G004; or how some begin: G1")
    add_print_options(parser)
    options = parser.parse_args(argv)
    style = read_style(options)
    rules = _rules(options.code)
    if options.code is not None and rules[0].code == options.code.strip().upper():
        lines = [line(rule_json(rules[0]))] if style.is_json else rule_lines(rules[0], style.width)
    else:
        lines = [line([rule_json(rule) for rule in rules])] if style.is_json else list_lines(rules)
    sys.stdout.write("".join(f"{one}\n" for one in lines))
    return 0


def _rules(code: str | None) -> tuple[DiagnosisRule, ...]:
    """Return the rules that a code, or the beginning of some, stands for; without one, all."""
    if code is None:
        return tuple(RULES.values())
    try:
        return rules_beginning(code)
    except UnknownRuleError as error:
        raise UserError(str(error)) from error
