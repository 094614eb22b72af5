"""Rules about which parameters an optimizer has: not those that get gradients, those of another model, old ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradb.diagnosis.evidence import Evidence
from gradb.diagnosis.finding import Finding, Step
from gradb.diagnosis.rule import DiagnosisRule, NotJudgedError
from gradb.diagnosis.training.cuts import Cause, cause_of
from gradb.diagnosis.training.intent import is_conditional, is_ended, within
from gradb.diagnosis.training.members import ENOUGH, Membership, path
from gradb.diagnosis.training.parts import Leaf, Optimizer
from gradb.diagnosis.training.wording import called, group, listed, names_of, place, share, verb
from gradb.tape.kinds.event import Event

_ENOUGH_UNUSED = 5


def _where(optimizer: Optimizer) -> tuple[str | None, int | None]:
    """Return the place that the reader is to open: where the optimizer was made, or steps."""
    if optimizer.line is not None or optimizer.last is None:
        return optimizer.file, optimizer.line
    return optimizer.last.file, optimizer.last.line


def _made(leaf: Leaf, file: str | None) -> str:
    """Say where a leaf was made, in brackets, with a blank around; a blank where that is not known."""
    return f" (made in {place(leaf.event, file)}) " if leaf.is_made else " "


def _steps(optimizer: Optimizer, leaf: Leaf) -> tuple[Step, ...]:
    filled = () if leaf.newest is None else (Step(leaf.newest.event.seq, f"backward fills {leaf.name}.grad"),)
    stepped = () if optimizer.last is None else (Step(optimizer.last.seq, f"{optimizer.kind} steps without it"),)
    return filled + stepped


class _Judge:
    """Judges by the account alone, at the end."""

    def __init__(self, evidence: Evidence) -> None:
        self._members = evidence.account(Membership)

    def see(self, event: Event) -> None:
        """Take in an event: the accounts do."""


class Unoptimized(_Judge):
    """G001: no optimizer has parameters that get gradients, while one that steps has others of the same backward."""

    def findings(self) -> Iterable[Finding]:
        """Return one finding for all of them."""
        members = self._members
        members.ledger.demand(ENOUGH)
        told = {leaf.id for _, pairs in members.replaced() for _, leaf in pairs}
        told |= {leaf.id for _, leaves in members.idle() for leaf in leaves}
        loose = [leaf for leaf in members.loose() if leaf.id not in told]
        for optimizer in members.optimizers():
            leaves = [leaf for leaf in loose if self._belongs(leaf, optimizer)]
            if optimizer.used >= ENOUGH and leaves:
                members.insist_on_all_optimizers()
                return [self._finding(optimizer, leaves)]
        return []

    def _belongs(self, leaf: Leaf, optimizer: Optimizer) -> bool:
        """Tell whether an optimizer has leaves of the same sort, which the same backward fills.

        An optimizer of an input (adversarial examples, style transfer) leaves the model's parameters alone on purpose.
        """
        tape = self._members.tape
        if leaf.is_parameter:
            peers = [peer for peer in optimizer.leaves if peer.is_parameter and "." in peer.name]
        elif tape.means(f"{leaf.name}.grad", tape.head):  # the script looks at it
            return False
        else:
            peers = [peer for peer in optimizer.leaves if not peer.is_parameter]
        together = {id(leaf.first), id(leaf.newest)}
        return any(peer.fills and together & {id(peer.first), id(peer.newest)} for peer in peers)

    def _finding(self, optimizer: Optimizer, leaves: Sequence[Leaf]) -> Finding:
        file, line = _where(optimizer)
        first = leaves[0]
        message = (
            f"{group(leaves)}{_made(first, file)}{verb(leaves, 'gets', 'get')} gradients and never"
            f" {verb(leaves, 'changes', 'change')}: no optimizer has {verb(leaves, 'it', 'them')}, not"
            f" {called(optimizer)}{optimizer.place} either{self._so_far()}"
        )
        event = first.newest.event.seq if first.newest is not None else first.event.seq
        return Finding("G001", event, message, file, line, _steps(optimizer, first), names_of(leaves))

    def _so_far(self) -> str:
        judged = within(self._members.tape)
        return f",{judged}" if judged else ""


class Misplaced(_Judge):
    """G002: the parameters of an optimizer never get a gradient, while others do."""

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each such optimizer."""
        members = self._members
        members.ledger.demand(ENOUGH)
        told = {id(optimizer) for optimizer, _ in members.replaced()}
        idle = [found for found in members.idle() if id(found[0]) not in told]
        if any(others for _, others in idle):
            members.insist_on_all_optimizers()
        is_ended_early = is_ended(members.tape)
        found = [self._finding(*one) for one in idle if one[1] or not is_ended_early]
        told |= {id(optimizer) for optimizer, _ in idle}
        candidates = [one for one in members.optimizers() if id(one) not in told and one.used]
        cuts = [(optimizer, cut) for optimizer in candidates if (cut := members.cut_off(optimizer))]
        for optimizer, cut in cuts:
            sure = [one for one in cut if not (is_ended_early and is_conditional(members.tape, one[1]))]
            if sure:
                found.append(self._cut(optimizer, sure))
        if not found and (idle or cuts):
            raise NotJudgedError("the run was ended early: what is cut off from the loss may be so only at first")
        return found

    def _cut(self, optimizer: Optimizer, cut: Sequence[tuple[Leaf, Event]]) -> Finding:
        file, line = _where(optimizer)
        leaves = [leaf for leaf, _ in cut]
        causes: dict[str, tuple[Cause, list[Leaf]]] = {}
        for leaf, event in cut:
            cause = cause_of(self._members.tape, event)
            clause = f"{cause.name} in {place(cause.event, file)}{cause.why}"
            causes.setdefault(clause, (cause, []))[1].append(leaf)
        message = (
            f"{called(optimizer)}{optimizer.place} has {share(leaves, optimizer.leaves)}, which never"
            f" {verb(leaves, 'gets', 'get')} a gradient{within(self._members.tape)}: the loss is computed of"
            f" {verb(leaves, 'it', 'them')}, but "
        )
        if len(causes) == 1:
            message += f"{next(iter(causes))} cuts the way back"
        else:
            clauses = (f"{clause} cuts the way back to {listed(names_of(its))}" for clause, (_, its) in causes.items())
            message += ", and ".join(clauses)
        first = cut[0][1]
        last = optimizer.last.seq if optimizer.last is not None else first.seq
        marks = sorted((cause.event.seq, f"{cause.name} cuts the graph") for cause, _ in causes.values())
        steps = (*(Step(*mark) for mark in marks), Step(last, "the step finds no gradient of theirs"))
        return Finding("G002", last, message, file, line, steps, names_of(leaves))

    def _finding(self, optimizer: Optimizer, others: Sequence[Leaf]) -> Finding:
        file, line = _where(optimizer)
        message = (
            f"{called(optimizer)} steps {group(optimizer.leaves)}, which never"
            f" {verb(optimizer.leaves, 'gets', 'get')} a gradient{within(self._members.tape)}: "
        )
        if others:
            message += f"backward fills {group(others)}{_made(others[0], file).rstrip()}, and no optimizer steps"
            message += f" {verb(others, 'it', 'them')}"
        else:
            message += "what is computed of them is cut off from every loss that backward is called on"
        event = optimizer.last.seq if optimizer.last is not None else 0
        steps = _steps(optimizer, others[0]) if others else ()
        return Finding("G002", event, message, file, line, steps, names_of((*optimizer.leaves, *others)))


class Replaced(_Judge):
    """G003: the model has new parameters in the place of those that its optimizer was given."""

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each optimizer."""
        self._members.ledger.demand(ENOUGH)
        replaced = self._members.replaced()
        if replaced:
            self._members.insist_on_all_optimizers()
        return [self._finding(*found) for found in replaced]

    def _finding(self, optimizer: Optimizer, pairs: Sequence[tuple[Leaf, Leaf]]) -> Finding:
        new = [leaf for _, leaf in pairs]
        file, line = _where(optimizer)
        made = f" (in {place(new[0].event, file)})" if new[0].is_made else ""
        old = [leaf for leaf, one in pairs if path(leaf.name) != path(one.name)]
        came = f"came in the place of {group(old)}" if old else f"{verb(new, 'was', 'were')} replaced"
        message = (
            f"{group(new)} {came}{made} after {called(optimizer)} had been made: it steps"
            f" the old {verb(new, 'tensor', 'tensors')}, and no optimizer steps the new{within(self._members.tape)}"
        )
        event = new[0].newest.event.seq if new[0].newest is not None else new[0].event.seq
        steps = (Step(new[0].event.seq, f"{new[0].name} is made anew"), *_steps(optimizer, new[0]))
        return Finding("G003", event, message, file, line, steps, names_of(new))


class Duplicated(_Judge):
    """G012: an optimizer has a parameter more than once, and steps it as often."""

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each such optimizer."""
        optimizers = self._members.ledger.optimizers.values()
        return [self._finding(optimizer) for optimizer in optimizers if optimizer.twice and optimizer.last is not None]

    def _finding(self, optimizer: Optimizer) -> Finding:
        file, line = _where(optimizer)
        twice = optimizer.twice
        message = f"{called(optimizer)} has {group(twice)} more than once, and each step changes"
        message += f" {verb(twice, 'it', 'them')} as often"
        event = optimizer.last.seq if optimizer.last is not None else 0
        return Finding("G012", event, message, file, line, (), names_of(twice))


class Unused(_Judge):
    """G054: some of an optimizer's parameters never get a gradient, and no loss is computed of them."""

    def findings(self) -> Iterable[Finding]:
        """Return one finding for each such optimizer."""
        members = self._members
        members.ledger.demand(_ENOUGH_UNUSED)
        found = []
        for optimizer in members.optimizers():
            if optimizer.used >= _ENOUGH_UNUSED and (leaves := members.silent(optimizer)):
                cut = [leaf for leaf, _ in members.cut_off(optimizer)]
                rest = [leaf for leaf in leaves if leaf not in cut]
                if rest:
                    found.append(self._finding(optimizer, rest))
        return found

    def _finding(self, optimizer: Optimizer, leaves: Sequence[Leaf]) -> Finding:
        file, line = _where(optimizer)
        which, names = share(leaves, optimizer.leaves), listed(names_of(leaves))
        it = verb(leaves, "it", "them")
        message = (
            f"{which}{'' if which == names else f' ({names})'} of {called(optimizer)}{optimizer.place}"
            f" {verb(leaves, 'has', 'have')} never got a gradient in {optimizer.steps} steps: no backward came to {it},"
            f" since no op that autograd knows of led from {it} to a loss{within(self._members.tape)}"
        )
        event = optimizer.last.seq if optimizer.last is not None else 0
        return Finding("G054", event, message, file, line, (), names_of(leaves))


RULES = (
    DiagnosisRule(
        "G001",
        "parameters that get gradients are in no optimizer",
        "warning",
        "backward() computes gradients for them, and they never change: no optimizer was given them, and no code of the"
        " script's updates them. Layers in a plain list are no part of model.parameters().",
        "Give them to an optimizer (layers of a list in an nn.ModuleList), or freeze them with requires_grad_(False).",
        frozenset({"step"}),
        Unoptimized,
    ),
    DiagnosisRule(
        "G002",
        "an optimizer whose parameters never get a gradient",
        "warning",
        "Its steps find .grad None in every parameter and change nothing, while backward() fills others: it was made of"
        " another model's parameters, or its own are cut off from the loss.",
        "Make the optimizer of the model that computes the loss, and let no detach() or no_grad() come in between. A"
        " checkpoint sends gradients back without an input that requires grad if it has use_reentrant=False.",
        frozenset({"step"}),
        Misplaced,
    ),
    DiagnosisRule(
        "G003",
        "parameters were replaced after the optimizer was made",
        "warning",
        "An optimizer keeps the tensors that it was given. A layer that is made anew, or a model that is copied or"
        " loaded by assignment, has other tensors, which no optimizer steps.",
        "Make the optimizer after the model is as it stays, or add the new parameters with add_param_group().",
        frozenset({"step"}),
        Replaced,
    ),
    DiagnosisRule(
        "G012",
        "a parameter is more than once in an optimizer",
        "warning",
        "Each step changes it once for each time that it is listed, so it moves by a multiple of its learning rate, and"
        " what the optimizer keeps of it (momentum, averages) is updated as often.",
        "List each parameter once: tied weights come in the parameters() of both modules.",
        frozenset({"step"}),
        Duplicated,
    ),
    DiagnosisRule(
        "G054",
        "a part of the model that is never used",
        "hint",
        "The optimizer has parameters that no backward has come to so far: a layer that forward() does not call, a head"
        " that is for later, or one whose value is read as a plain number (item(), float(), numpy()): autograd knows"
        " nothing of what is computed of that.",
        "Call the layer, compute with the tensor itself and not with a number, or take it out of the model.",
        frozenset({"step"}),
        Unused,
        f"no gradient in {_ENOUGH_UNUSED} or more steps",
    ),
)
