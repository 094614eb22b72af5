"""From a command line to a ``RunSpec``: the target checked, and what is asked for put in order."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from gradb.cli.arguments import Parser
from gradb.cli.interventions import interventions
from gradb.cli.target import check_file, check_module, check_script, check_torch, find_script
from gradb.debugger.errors import UserError
from gradb.link.spec import RunSpec


def read_target(
    parser: Parser, options: Namespace, rest: Sequence[str], commands: Collection[str] = ()
) -> tuple[str | None, str | None]:
    """Return (script, module), one of them None, checked; ``commands``: what a mistyped word may have meant besides.

    Raises:
        UserError: there is none, or it cannot be run.
    """
    if options.module is None and not rest:
        parser.error("give a script to run, or -m MODULE")
    script = None if options.module is not None else find_script(rest[0], commands)
    if script is not None:
        check_script(script)
    check_torch()
    if options.module is not None:
        check_module(options.module)
    if options.stdin is not None:
        _check_stdin(options.stdin)
    return script, options.module


def _check_stdin(path: str) -> None:
    check_file(path)
    try:
        Path(path).open("rb").close()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def make_spec(
    target: tuple[str | None, str | None],
    options: Namespace,
    rest: Sequence[str],
    tape: str,
    *,
    is_paused_at_start: bool = True,
    passes_output: bool = False,
) -> RunSpec:
    """Return the order for the debuggee."""
    spec = RunSpec(
        script=target[0],
        module=target[1],
        tape=tape,
        arguments=tuple(rest[1:]),
        stdin=options.stdin,
        is_paused_at_start=is_paused_at_start,
        passes_output=passes_output,
        probe=options.probe,
        aten=options.aten,
        limit=options.limit,
        measures_updates=options.updates,
        seed=options.seed,
        interventions=interventions(options),
        checkpoints=getattr(options, "checkpoints", 0),
    )
    return spec if options.max_tape is None else replace(spec, max_tape=options.max_tape)
