"""Messages survive the way over the link, and nothing else does."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, strategies as st

from gradb.link.messages import (
    Abandon,
    Ask,
    Checkpoints,
    Commit,
    Continue,
    Ended,
    Evaluate,
    Finish,
    Loading,
    Message,
    MessageError,
    Pause,
    Paused,
    Progress,
    Quit,
    Ready,
    RecordingStopped,
    Refused,
    Set,
    Written,
    decode,
    encode,
)
from gradb.link.spec import Intervention, RunSpec
from gradb.tape.kinds.event import Event
from gradb.tape.stops import Stop

EVENT = Event(7, "op", "MulBackward0", "a.py", 3, 3, 0, 5, "", 1, "forward", 2)
MESSAGES: tuple[Message, ...] = (
    Continue(Stop("step", with_quiet=True)),
    Continue(Stop("end"), (Stop("at", "train.py:12"), Stop("nonfinite")), EVENT, 6),
    Pause(),
    Pause(4),
    Set(Intervention("lr", "0.5", 3), 5),
    Ask("full"),
    Ask("row", 3, 1),
    Ask("with", numbers=(1.0, -2.5)),
    Evaluate("model(x).sum()", 9),
    Checkpoints(8, is_now=True, seq=10),
    Quit(),
    Abandon("its file was removed"),
    Commit(12),
    Finish(),
    Written(12),
    Ready("2.13.0+cpu"),
    Loading("importing torch"),
    Refused("the disk does not take it"),
    Paused(12),
    Paused(12, 7),
    Progress(1000, 3),
    RecordingStopped(17, "its file was removed"),
    Ended(3),
    Ended(None),
)


def test_every_kind_of_message_is_tried() -> None:
    """What follows is said of each."""
    assert {type(message) for message in MESSAGES} == set(get_args(Message))


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_message_survives(message: Message) -> None:
    """What is decoded equals what was encoded."""
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"null", b"{}", b"[]", b'["Shout"]', b'["Paused"]', b'["Paused","x",0]', b'["Paused",3,"x"]',
     b'["Quit",1]', b'["Ask","all",0,0,[],0]',
     b'["Continue",["fly","",false],[],null,0]', b'["Continue",["end","",false],[],[1],0]', b"[" * 100_000,
     encode(Continue(Stop("end"), (), EVENT)).replace(b'"op"', b'"shout"'),
     encode(Continue(Stop("end"), (), EVENT)).replace(b",3,3,", b',"three",3,')],
)  # fmt: skip
def test_garbage_is_no_message(data: bytes) -> None:
    """Anything else is refused as such."""
    with pytest.raises(MessageError):
        decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    """No bytes do any harm."""
    try:
        decode(data)
    except MessageError:
        pass


@given(st.lists(st.text(max_size=5)), st.none() | st.text(max_size=5))
def test_spec_survives(arguments: list[str], stdin: str | None) -> None:
    """The order given on the command line is read back as it was, undecodable arguments included."""
    spec = RunSpec(
        "a.py",
        "/t/a.tape",
        arguments=("\udcff", *arguments),
        stdin=stdin,
        breakpoints=(Stop("at", "3"),),
        probe="never",
    )
    text = spec.to_json()
    assert text.isascii()
    assert "\n" not in text
    assert RunSpec.from_json(text) == spec


def test_target_is_what_people_call_it() -> None:
    """A run is named by its script, or by its module."""
    assert RunSpec("a.py", "t").target == "a.py"
    assert RunSpec(None, "t", module="pkg.train").target == "-m pkg.train"
