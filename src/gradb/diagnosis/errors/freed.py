"""G102: a backward came to a part of the graph whose saved values an earlier backward had freed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gradb.diagnosis.errors.row import row
from gradb.diagnosis.errors.scene import FailedRun, Scene
from gradb.diagnosis.finding import Finding, Step
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Edge, Node
from gradb.tape.kinds.op import OpDetail
from gradb.tape.saved import Freed

_CODE = "G102"
_MESSAGE = "Trying to backward through the graph a second time"
_MOST = 3


@dataclass(frozen=True, slots=True)
class _Border:
    """Where the graph of this backward leads on into the graph of the one that freed it."""

    user: Node
    """The node of the newer graph."""
    maker: Node
    """The node of the older graph that it leads to."""
    name: str | None
    """Of the tensor that the older node returned and the newer one was given."""


def _explain(scene: Scene) -> Finding | None:
    if scene.detail.type != "RuntimeError" or not scene.message.startswith(_MESSAGE):
        return None
    run = scene.failed_run()
    node = None if run is None or run.node is None else scene.tape.node(run.node)
    saved = None if node is None else scene.tape.saved(node.id, scene.seq)
    if run is None or node is None or saved is None or saved.freed is None:
        why = (
            "what was computed before was only watched"
            if scene.tape.latest("depth", scene.seq)
            else "no recorded call did"
        )
        return scene.finding(
            _CODE, f"this backward needs values that were freed; which call freed them is not known: {why}"
        )
    first, start = saved.freed, scene.tape.detail(run.start)
    older = scene.tape.detail(first.backward)
    if not isinstance(start, BackwardStartDetail) or not isinstance(older, BackwardStartDetail):
        return None
    borders = _borders(scene, start, frozenset(older.nodes), node)
    if not borders:
        return _same_graph(scene, run, first, start, node)
    return _carried(scene, run, first, borders, node)


def _call(freed: Freed) -> str:
    return "autograd.grad()" if freed.call == "grad" else "backward()"


def _same_graph(scene: Scene, run: FailedRun, freed: Freed, start: BackwardStartDetail, node: Node) -> Finding:
    begun, now = scene.tape.event(freed.backward), scene.tape.event(run.start)
    names = [root.name for root in start.roots if root.name]
    message = (
        f"the graph{f' of {names[0]}' if names else ''} was freed by the {_call(freed)} {scene.place(begun)}, and the "
        f"call {scene.place(now)} goes through it again"
    )
    steps = (
        Step(freed.backward, f"{_call(freed)} goes through the graph and frees what it saved"),
        Step(run.start, "this one goes through it again"),
        Step(run.event, f"{node.name} has nothing left to compute its gradient from"),
    )
    advice = "Call backward once on the sum of the losses, or give retain_graph=True to the first call"
    return scene.finding(_CODE, message, culprit=begun, steps=steps, tensors=tuple(names), advice=advice)


def _carried(scene: Scene, run: FailedRun, freed: Freed, borders: list[_Border], node: Node) -> Finding:
    begun = scene.tape.event(freed.backward)
    border = borders[0]
    made, used = scene.tape.event(border.maker.event), scene.tape.event(border.user.event)
    names = tuple(dict.fromkeys(one.name for one in borders[:_MOST] if one.name))
    what = " and ".join(names) if names else f"a result of {scene.code(made)}"
    verb = "lead" if len(names) > 1 else "leads"
    message = (
        f"{what} {verb} back into an older graph: made {scene.place(made)}{_in_iteration(scene, made)}, used "
        f"{scene.place(used)}; the {_call(freed)} {scene.place(begun)}{_in_iteration(scene, begun)} has freed it"
    )
    steps = (
        Step(made.seq, f"makes {border.name or 'it'}, an output of {border.maker.name}"),
        Step(freed.backward, f"{_call(freed)} frees what that graph saved"),
        Step(used.seq, f"uses {border.name or 'it'} in the new graph"),
        Step(run.event, f"{node.name} has nothing left to compute its gradient from"),
    )
    return scene.finding(_CODE, message, culprit=used, steps=steps, tensors=names, advice=_advice(scene, border, begun))


def _in_iteration(scene: Scene, begun: Event) -> str:
    return f" in iteration {begun.iteration}" if begun.iteration != scene.event.iteration else ""


def _advice(scene: Scene, border: _Border, begun: Event) -> str:
    name, made = border.name or "it", scene.tape.event(border.maker.event)
    if _has_run(scene, made, begun.seq, scene.seq):
        return f"Detach {name} before it goes on into the next round; of a sum that is only printed, add loss.item()"
    used = scene.tape.event(border.user.event)
    if _has_run(scene, used, made.seq, begun.seq):
        return f"Compute {name} anew for each backward, in the loop"
    return (
        f"If no gradient is wanted through {name}, give {name}.detach(); else add the losses and call backward once, "
        "or give retain_graph=True to the first call"
    )


def _has_run(scene: Scene, like: Event, after: int, until: int) -> bool:
    """Tell whether the line of an event has run between two others."""
    place = (like.file, like.line)
    return any(
        (event.file, event.line) == place for event in scene.tape.events(after + 1, until - 1) if event.kind == "op"
    )


def _borders(scene: Scene, start: BackwardStartDetail, older: frozenset[int], failed: Node) -> list[_Border]:
    """Return where the graph of a backward leads into an older one, those on the way to the failed node first.

    None where its roots themselves are in the older one. What saved nothing can be gone through again.
    """
    nodes = _reached(scene, start)
    leading = _leading_to({failed.id}, nodes)
    freed = _leading_to({node.id for node in nodes.values() if node.saves and node.id in older}, nodes)
    found = [
        (edge.to not in leading, _Border(node, nodes[edge.to], _name(scene, node, edge)))
        for node in nodes.values()
        for edge in node.edges
        if node.id not in older and edge.to in older and edge.to in freed
    ]
    return [border for _, border in sorted(found, key=lambda one: one[0])]


def _reached(scene: Scene, start: BackwardStartDetail) -> dict[int, Node]:
    """Return the nodes of a backward, those nearest to its roots first."""
    wanted, found = set(start.nodes), dict[int, Node]()
    queue = deque(root.node for root in start.roots if root.node is not None)
    while queue:
        id_ = queue.popleft()
        node = scene.tape.node(id_) if id_ in wanted and id_ not in found else None
        if node is not None:
            found[id_] = node
            queue.extend(edge.to for edge in node.edges if edge.to is not None)
    return found


def _leading_to(targets: set[int], nodes: dict[int, Node]) -> set[int]:
    """Return the nodes from which there is a way to some, and these."""
    users: dict[int, list[int]] = {}
    for node in nodes.values():
        for edge in node.edges:
            if edge.to is not None:
                users.setdefault(edge.to, []).append(node.id)
    found, queue = set(targets), deque(targets)
    while queue:
        for user in users.get(queue.popleft(), ()):
            if user not in found:
                found.add(user)
                queue.append(user)
    return found


def _name(scene: Scene, user: Node, edge: Edge) -> str | None:
    """Return the name of the tensor that a node was given by another, where it has one."""
    maker = None if edge.to is None else scene.tape.node(edge.to)
    given = scene.tape.detail(user.event)
    made = None if maker is None else scene.tape.detail(maker.event)
    seen = [
        *(given.inputs if isinstance(given, OpDetail) else ()),
        *(made.outputs if isinstance(made, OpDetail) else ()),
    ]
    found = [one for one in seen if one.node == edge.to and one.output_nr == edge.input_nr]
    name = next((one.name for one in found if one.name), None)
    return name or (scene.tape.label(found[0].id, user.event) if found else None)


ROWS = (
    row(
        _CODE,
        "backward through a graph that was freed",
        meaning="A backward frees what the forward has saved as it goes, so that memory does not grow. A second one "
        "that comes to the same part of the graph finds nothing to compute from. Mostly it gets there by a variable "
        "that was kept from before: a hidden state, a running loss, a generated batch.",
        advice="Detach what is carried on from one round to the next, or call backward once on the sum of the losses; "
        "retain_graph=True keeps the graph, with all its memory.",
        explain=_explain,
    ),
)
