"""``gradb rule``: what a diagnosis rule looks for, what that means and what to do; without a code, all of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from gradb.batch.lines import line
from gradb.cli.arguments import Parser
from gradb.cli.printing import add_print_options, read_style
from gradb.debugger.errors import UserError
from gradb.diagnosis.registry import RULES
from gradb.diagnosis.selection import UnknownRuleError, find_rule
from gradb.present.json.findings import rule_json
from gradb.present.lines.rules import list_lines, rule_lines


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = Parser("rule", "gradb rule [OPTIONS] [CODE]", "Print a diagnosis rule, or a list of all.")
    parser.add_argument("code", metavar="CODE", nargs="?", help="its code: G004")
    add_print_options(parser)
    options = parser.parse_args(argv)
    style = read_style(options)
    if options.code is None:
        lines = [line([rule_json(rule) for rule in RULES.values()])] if style.is_json else list_lines(RULES.values())
    else:
        try:
            rule = find_rule(options.code)
        except UnknownRuleError as error:
            raise UserError(str(error)) from error
        lines = [line(rule_json(rule))] if style.is_json else rule_lines(rule, style.width)
    sys.stdout.write("".join(f"{one}\n" for one in lines))
    return 0
