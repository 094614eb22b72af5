"""The channel: frames, timeouts, garbage and the end of the stream."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from gradb.link.channel import Channel, Closed
from gradb.link.messages import Loading, Pause, Paused, Progress, Quit, encode

Pair = tuple[Channel, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Give a channel and the bare socket at its other end."""
    here, there = socket.socketpair()
    channel = Channel(here)
    yield channel, there
    channel.close()
    there.close()


def frame(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def test_messages_arrive_in_order(pair: Pair) -> None:
    """What one end sends the other receives, one at a time."""
    channel, there = pair
    other = Channel(there)
    for head in range(50):
        other.send(Paused(head))
    assert [channel.receive(60.0) for _ in range(50)] == [Paused(head) for head in range(50)]


def test_receive_gives_up_after_its_time(pair: Pair) -> None:
    """Without a message, receive returns None in time, even where half a frame has come."""
    channel, there = pair
    assert channel.receive(0.0) is None
    there.sendall(frame(encode(Pause()))[:5])
    assert channel.receive(0.05) is None
    there.sendall(frame(encode(Pause()))[5:])
    assert channel.receive(60.0) == Pause()


def test_frames_may_come_in_pieces(pair: Pair) -> None:
    """A frame is put together from single bytes."""
    channel, there = pair
    data = frame(encode(Loading("é" * 50)))

    def drip() -> None:
        for byte in data:
            there.sendall(bytes([byte]))

    thread = threading.Thread(target=drip)
    thread.start()
    assert channel.receive(60.0) == Loading("é" * 50)
    thread.join()


def test_garbage_in_a_frame_is_passed_over(pair: Pair) -> None:
    """A frame that is no message does not hide the one after it."""
    channel, there = pair
    there.sendall(frame(b"\xff{") + frame(b'["Shout"]') + frame(b"") + frame(encode(Quit())))
    assert channel.receive(60.0) == Quit()


def test_absurd_length_closes(pair: Pair) -> None:
    """A length that no message has ends the conversation instead of filling the memory."""
    channel, there = pair
    there.sendall(b"\xff" * 64)
    with pytest.raises(Closed):
        channel.receive(60.0)


def test_end_of_stream(pair: Pair) -> None:
    """What was sent before the other side went is still received; then it is closed, in both directions."""
    channel, there = pair
    there.sendall(frame(encode(Paused(3))))
    there.close()
    assert channel.receive(60.0) == Paused(3)
    with pytest.raises(Closed):
        channel.receive(60.0)
    with pytest.raises(Closed):
        channel.send(Pause())


def test_closed_end(pair: Pair) -> None:
    """A channel that was closed here says so, as often as it is asked."""
    channel, _ = pair
    channel.close()
    channel.close()
    assert channel.fileno() == -1
    with pytest.raises(Closed):
        channel.receive(0.0)
    with pytest.raises(Closed):
        channel.send(Pause())


def test_offer_never_waits(pair: Pair) -> None:
    """Progress is dropped where nobody reads, so that a run never waits for a screen."""
    channel, there = pair
    sent = 0
    while channel.offer(Progress(sent, 1)):
        sent += 1
        assert sent < 1_000_000
    other = Channel(there)
    assert [other.receive(60.0) for _ in range(sent)] == [Progress(i, 1) for i in range(sent)]
    assert channel.offer(Progress(0, 1))


def test_several_threads_may_send(pair: Pair) -> None:
    """Frames of different threads do not mix."""
    channel, there = pair
    other = Channel(there)

    def send_many() -> None:
        for _ in range(100):
            other.send(Loading("x" * 100))

    threads = [threading.Thread(target=send_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert [channel.receive(60.0) for _ in range(400)] == [Loading("x" * 100)] * 400
    for thread in threads:
        thread.join()


def test_inherited_descriptor() -> None:
    """A channel opens on a descriptor number, and does not pass it on to children."""
    here, there = socket.socketpair()
    fd = there.detach()
    os.set_inheritable(fd, True)
    inherited, channel = Channel.from_fd(fd), Channel(here)
    assert not os.get_inheritable(inherited.fileno())
    inherited.send(Quit())
    assert channel.receive(60.0) == Quit()
    inherited.close()
    channel.close()


def test_pair_speaks_to_each_other() -> None:
    """The two channels of a pair are each other's other end."""
    one, two = Channel.pair()
    one.send(Pause())
    assert two.receive(60.0) == Pause()
    one.close()
    two.close()


def test_what_has_been_read_already_is_not_waited_for(pair: Pair) -> None:
    """Of two messages that arrive together the second is there as soon as the first was taken; half of one is not."""
    channel, there = pair
    one = frame(encode(Pause(1)))
    there.sendall(one + one + one[:5])
    for _ in range(2):
        assert channel.wait(5.0)
        assert channel.receive(5.0) == Pause(1)
    assert not channel.wait(0.0)
    there.sendall(one[5:])
    assert channel.wait(60.0)
    assert channel.receive(60.0) == Pause(1)
