"""The debug screen: it holds the one Frame, hands it to the panes, and turns what they say into commands.

State goes down (Frame, options), messages come up. What a command does to the run is the debugger's affair, reached
through the `Session`; what a command does to the screen is a row of `commands.SCREEN_COMMANDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.widgets import Static

from gradb.algebra.differences import Result
from gradb.debugger.commands.language import Statement
from gradb.debugger.debugger import Debugger
from gradb.debugger.ghost import Ghost
from gradb.frame.frame import Frame
from gradb.present.lines.gradcheck import exit_code, sentence
from gradb.present.options import Options, PathChoice
from gradb.tui.again import Again
from gradb.tui.arranging import Arranging
from gradb.tui.asking import Asking
from gradb.tui.bars import EventBar, HeaderBar, ScrubberBar, StartNote
from gradb.tui.behind import Behind
from gradb.tui.body import Body
from gradb.tui.bottom import Bottom
from gradb.tui.branching import Branching
from gradb.tui.caption import CaptionStrip
from gradb.tui.course import Course, CourseLine
from gradb.tui.following import Following
from gradb.tui.ghost import GhostLine
from gradb.tui.gradcheck import FindingScreen
from gradb.tui.graph import GraphPane
from gradb.tui.heading import heading
from gradb.tui.interruption import Interruption
from gradb.tui.jumping import node_to_jump_to
from gradb.tui.keys import FIRST_KEYS, bindings
from gradb.tui.layout import SMALLEST, Plan
from gradb.tui.looks import PLAIN, Looks
from gradb.tui.marks import breakpoint_lines, toggling
from gradb.tui.messages import (
    CallChosen,
    FoldsChosen,
    IterationChosen,
    LineClicked,
    NodeSelected,
    PositionChosen,
    PromptClosed,
    StatementEntered,
)
from gradb.tui.pane import Pane
from gradb.tui.plot_commands import chosen
from gradb.tui.quizzing import Quizzing
from gradb.tui.reliving import Reliving
from gradb.tui.selection import for_panes
from gradb.tui.session import Session
from gradb.tui.soundness import look_through
from gradb.tui.source import SourcePane
from gradb.tui.telling import Tone
from gradb.tui.text import TextScreen
from gradb.tui.track import track_of
from gradb.tui.underway import Underway
from gradb.tui.widgets import make_panes


class DebugScreen(Behind[None]):
    """Everything true at one position of one run."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    frame: reactive[Frame | None] = reactive(None, repaint=False, always_update=True)
    """The one Frame; setting it redraws whatever shows it."""
    options: reactive[Options] = reactive(Options(), repaint=False)
    """What the user has selected."""

    def __init__(
        self,
        script: str,
        commands: Mapping[str, Callable[[DebugScreen, str], None]],
        looks: Looks = PLAIN,
        course: Course | None = None,
    ) -> None:
        super().__init__(classes="-starting")  # from the first on: to style all anew takes a while
        self._commands = commands
        self.session = Session(self)
        self.panes = make_panes()
        self.last_pane = "graph"
        self.arranging = Arranging(self, lambda: self.bottom.is_typing, looks.memory)
        self._complaint = looks.complaint
        self._script = script
        self._is_mistake = False
        self._following = Following(self, self)
        again = Again(self, self.notice)
        self._asking = Asking(self, again, self.notice, lambda event: self.action_statement(f"goto {event}"))
        self._reliving = Reliving(self, again, self.notice, self.action_statement)
        self.branching = Branching(self, again, self.notice, self.session, self.arranging.bring_to_front)
        self.interruption = Interruption(self.session, again)
        self.quizzing = Quizzing(self, lambda is_open: self.bottom.open_answer(is_open=is_open))
        self.bottom = Bottom(self.quizzing.line)
        self._underway, self._ghost_line, self.course_line = Underway(), GhostLine(), CourseLine(course)

    def compose(self) -> ComposeResult:
        """Lay out header, panes and bars."""
        yield HeaderBar()
        yield StartNote()
        yield Body(*self.panes.values(), find=self.bottom.find)
        yield CaptionStrip()
        yield EventBar(id="event")
        yield ScrubberBar(id="scrubber")
        yield from self.bottom.widgets
        yield Static(f"gradb needs a terminal of at least {SMALLEST[0]} x {SMALLEST[1]}.", id="small")

    def on_mount(self) -> None:
        """Begin in the graph."""
        self.notice("; ".join(filter(None, (self._complaint, self.arranging.begin()))), "warning")
        self.panes["graph"].focus(scroll_visible=False)
        self._following.begin()
        self.update_frame()

    # --- the run ------------------------------------------------------------------------------------------------------

    def begin(self, start: Debugger | Callable[[], Debugger], ghost: Ghost | None = None) -> None:
        """Take the debugger, or make it, and follow it; with a ghost the training is in front.

        Raises:
            UserError: it cannot be made.
        """
        debugger = start() if callable(start) else start
        self.session.begin(debugger)
        if not debugger.is_live:
            look_through(debugger.run.path, self, self)
        if ghost is not None:
            self.session.set_ghost(ghost)
            self.arranging.bring_to_front("training")

    def end(self, grace: float = 0.0) -> None:
        """End the debuggee, after some seconds in which it may end by itself, and leave nothing behind; idempotent."""
        for bar in self.query(ScrubberBar):  # there is none left once the app has removed its widgets
            self.frame = bar.track = None  # what is painted once more would read a tape that is closed
        self.session.close(grace)
        self._following.end()

    def update_frame(self) -> None:
        """Show what has changed of the run."""
        self._following.update()

    def watch_frame(self, frame: Frame | None) -> None:
        """Hand the Frame to everything that shows one."""
        for pane in self.panes.values():
            pane.frame = frame
        self.query_one(EventBar).frame = frame
        self.query_one(CaptionStrip).take(frame)
        self.query_one(StartNote).set_class(frame is not None, "-over")
        self.query_one(Body).styles.display = "none" if frame is None else None  # by a class all panes would be styled

    def watch_options(self, options: Options) -> None:
        """Hand the selection to the panes."""
        for name, told in for_panes(options, self.panes).items():
            self.panes[name].options = told
        self.query_one(CaptionStrip).asked = options.asked
        self.bottom.ask(is_asked=options.asked is not None)

    def update_bars(self) -> None:
        """Draw header, event line and scrubber."""
        debugger = self.session.debugger
        said = heading(debugger, self.frame, self._script, self.options.asked)
        self.query_one(HeaderBar).heading = self.query_one(StartNote).heading = said
        if debugger is None:
            return
        bar = self.query_one(EventBar)
        hint = self.interruption.look(self.call_after_refresh)
        bar.waiting = hint or self._underway.line(debugger, self.session.doing)
        notice = self._ghost_line.told(bar.notice, self.session.ghost)
        bar.notice = self.course_line.told(notice, bar.tone, debugger)
        self.query_one(SourcePane).marks = breakpoint_lines(debugger, self.query_one(SourcePane).file_at(self.frame))
        self.query_one(ScrubberBar).track = track_of(debugger)
        if (trouble := self._following.trouble) and trouble.startswith(bar.notice):
            self.notice(trouble, "warning")

    @property
    def said(self) -> str:
        """What the event line has to say beside the event."""
        return self.query_one(EventBar).notice

    def notice(self, text: str, tone: Tone = "news") -> None:
        """Say something to the user, on the event line, or where it has several lines over the screen.

        After a mistake the prompt stays open.
        """
        first, *more = text.split("\n")
        bar = self.query_one(EventBar)
        bar.tone, bar.notice = tone, "" if more else first
        self._is_mistake = tone == "refusal"
        if more and self.is_current:
            self.app.push_screen(TextScreen([first, *more]))

    # --- commands -----------------------------------------------------------------------------------------------------

    def show(self, pane: str) -> None:
        """Bring a pane to the front and put the keyboard there.

        Raises:
            UserError: there is no pane of that name.
        """
        self.arranging.show(pane)

    def gradcheck(self, argument: str) -> None:
        """Begin a numerical check, or end the one under way."""
        self.notice(self.session.gradcheck(argument))

    def why(self, argument: str) -> None:
        """Show where a NaN or an infinity was born, or what an error means; a row leads to its event."""
        self._asking.ask(self.session.debugger, argument)

    def relive(self, argument: str) -> None:
        """Go to an iteration in full, by a run again where it was only watched; alone: to the one that is chosen."""
        chosen = self.options.plot.chosen
        self._reliving.ask(self.session.debugger, argument or ("" if chosen is None else str(chosen)))

    def branch(self, argument: str) -> None:
        """Start a run from the position with something changed there."""
        self.branching.ask(argument)

    def branches(self, argument: str) -> None:
        """List the branches, or go to another run."""
        self.branching.list(argument)

    def print(self, argument: str) -> None:
        """Say what an expression comes to."""
        self.notice(self.session.printed(argument, self.app.size.width))

    def answer(self, argument: str) -> None:
        """Ask the question at the position again, or judge an answer to it."""
        self.quizzing.answer(self.session.debugger, argument)

    def stands_still(self, command: str) -> str:
        """Ask what the script asks where a command has come to; return what was said of an answer."""
        return "" if self.session.debugger is None else self.quizzing.look(self.session.debugger, command)

    def keeps(self, statement: Statement) -> bool:
        """Keep what is for a branch that is on its way."""
        return self.branching.keeps(statement)

    def run_on_screen(self, statement: Statement) -> None:
        """Carry out a command that is about the screen."""
        self._commands[statement.command.name](self, statement.argument)

    def show_finding(self, result: Result) -> None:
        """Say what a numerical check found; its figures lie over the screen unless something else is there."""
        self.notice(sentence(result), "warning" if exit_code(result) else "news")
        if self.is_current and not self.bottom.is_typing:
            self.app.push_screen(FindingScreen(result))

    def find(self, argument: str) -> None:
        """Look for something in the pane that has the keyboard, in the place of the key bar."""
        self.bottom.open_find(self.panes[self.last_pane], argument)

    def jump(self, argument: str) -> None:
        """Go to a node of the graph: to one that is named, or to the one that the event is about."""
        node = node_to_jump_to(self.session.debugger, argument)
        self.show("graph")
        self.query_one(GraphPane).reveal(node)

    # --- room ---------------------------------------------------------------------------------------------------------

    @property
    def cells(self) -> Size:
        """Columns and lines of the terminal."""
        return self.app.size

    def give_keyboard(self, pane: str) -> None:
        """Put the keyboard into a pane; the next key may come before that is heard of."""
        self.last_pane = pane
        self.set_focus(self.panes[pane], scroll_visible=False)

    @property
    def body(self) -> Size:
        """Cells that the panes share."""
        return self.query_one(Body).size

    def rearranged(self, plan: Plan, *, is_too_small: bool) -> None:
        """Bring what is seen now up to date."""
        self.query_one(Body).plan = plan
        self._following.update_displays()
        self.set_class(is_too_small, "-small")

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        self.arranging.arrange()

    # --- messages from below ------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Let whatever is typed on have as text the keys that are looked for before it."""
        return action != "statement" or parameters[0] not in FIRST_KEYS or not self.bottom.is_typing

    def action_statement(self, text: str) -> None:
        """Run the command of a key."""
        self.notice("")
        is_at_cursor = text == "break" and self.last_pane == "source"
        pane = self.query_one(SourcePane)
        line = pane.cursor if is_at_cursor else None
        self.session.press(text if line is None else toggling(self.session.debugger, line, pane.other_file))

    def on_statement_entered(self, message: StatementEntered) -> None:
        """Run what was typed; the prompt closes unless something is wrong with it."""
        self.notice("")
        self.session.submit(message.text)
        if self.bottom.prompt.display:
            (self.bottom.prompt.refuse if self._is_mistake else self.bottom.prompt.close)()

    def on_prompt_closed(self, message: PromptClosed) -> None:
        """Give the keyboard back to the pane that had it."""
        self.bottom.show_keys()
        if not self.bottom.is_typing:
            self.give_keyboard(self.last_pane)

    def on_node_selected(self, message: NodeSelected) -> None:
        """Show the record of the selected node until the next step."""
        debugger = self.session.debugger
        if debugger is not None and debugger.tape is not None and self.frame is not None:
            chain = debugger.tape.chain(message.node, self.frame.position)
            debugger.choice = PathChoice(node=message.node)
            self.options = replace(self.options, selected_node=message.node, chain=chain, paths=debugger.choice)

    def on_iteration_chosen(self, message: IterationChosen) -> None:
        """Show which iteration is chosen in the plot until the next step."""
        plot = self.options.plot
        if self.frame is not None:
            found = chosen(plot, self.frame.training, message.step, message.columns)
            self.options = replace(self.options, plot=replace(plot, chosen=found))

    def on_folds_chosen(self, message: FoldsChosen) -> None:
        """Open and close folds of the graph."""
        self.options = replace(self.options, graph=replace(self.options.graph, folds=message.choice))

    def on_position_chosen(self, message: PositionChosen) -> None:
        """Go where the scrubber was clicked, or to the event of a row."""
        debugger = self.session.debugger
        if debugger is not None:
            name = debugger.name_of_run if message.is_of_run else debugger.name
            self.action_statement(f"goto {name(message.position)}")

    def on_call_chosen(self, message: CallChosen) -> None:
        """Show the line of a call; the keyboard stays where it is."""
        self.arranging.bring_to_front("source")
        self.query_one(SourcePane).look_at(message.view)
        self.update_bars()

    def on_line_clicked(self, message: LineClicked) -> None:
        """Set a breakpoint on a line, or take it away."""
        self.action_statement(toggling(self.session.debugger, message.line, self.query_one(SourcePane).other_file))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember which pane has the keyboard."""
        if isinstance(event.widget, Pane):
            self.last_pane = event.widget.name or self.last_pane
