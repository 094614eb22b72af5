"""``gradb gradcheck``: the engine's derivative beside one by finite differences, from running the script again."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from gradb.batch.gradcheck import carry_out, finding_text
from gradb.cli.arguments import Parser, add_run_options, read_count
from gradb.cli.complaint import complain
from gradb.cli.printing import add_print_options, read_style
from gradb.cli.specs import make_spec, read_target
from gradb.debugger.errors import UserError
from gradb.debugger.gradcheck.gradcheck import GradCheck
from gradb.debugger.gradcheck.target import Request, split
from gradb.present.lines.gradcheck import exit_code

_EPILOG = """\
The script is run six times, or ten where that leaves a doubt, its output suppressed; each run ends as soon as the
backward that is meant has begun. What is checked is d root / d element, the element being changed right before its
first use in the forward of that backward. Where the script cuts the graph (detach, .data, no_grad) the two differ, and
rightly so. The exit code is 0 where the two agree, 1 where they differ, 2 where that cannot be told."""


def _parser() -> Parser:
    parser = Parser(
        "gradcheck",
        "gradb gradcheck [--leaf LEAF[INDEX]] [--backward N] [OPTIONS] SCRIPT [ARGS ...]\n"
        "       gradb gradcheck [--leaf LEAF[INDEX]] [--backward N] [OPTIONS] -m MODULE [ARGS ...]",
        "Check a gradient of a script by finite differences.",
        _EPILOG,
    )
    parser.add_argument(
        "--leaf",
        metavar="LEAF[INDEX]",
        default="",
        help="a[2], layer1.weight[0,3], z[1].imag; without an index the element of the largest gradient (default: the"
        " leaf that the backward fills last)",
    )
    parser.add_argument("--backward", metavar="N", help="the N-th backward of the run (default: the first)")
    parser.add_argument("--step", metavar="H", help="the larger step (default: one that suits the dtypes)")
    parser.add_argument("--timeout", metavar="S", help="give up after so many seconds")
    add_print_options(parser)
    add_run_options(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Carry out the subcommand and return the exit code."""
    parser = _parser()
    own, rest = parser.split(argv)
    options = parser.parse_args(own)
    style = read_style(options)
    step, seconds = _positive("--step", options.step), _positive("--timeout", options.timeout)
    if options.leaf:
        split(options.leaf)
    request = Request(options.leaf, read_count("--backward", options.backward))
    target = read_target(parser, options, rest)
    spec = make_spec(target, options, rest, "", is_paused_at_start=False)
    check = GradCheck(spec, request, step)
    result = carry_out(check, seconds, _write if sys.stderr.isatty() else None)
    if check.passed:
        complain(check.passed)
    sys.stdout.write(finding_text(result, style))
    return exit_code(result)


def _positive(option: str, text: str | None) -> float | None:
    try:
        value = None if text is None else float(text)
    except ValueError:
        value = math.nan
    if value is not None and not (0 < value < math.inf):
        raise UserError(f"{option} takes a number above 0, not {text!r}")
    return value


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
