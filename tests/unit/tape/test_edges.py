from __future__ import annotations

import json

from hypothesis import given, strategies as st

from gradb.frame.edges import edges_of
from gradb.tape.kinds.graph import Edge

sound = st.lists(st.tuples(st.none() | st.integers(0, 9), st.integers(0, 3)), max_size=3).map(json.dumps)
damaged = st.sampled_from(
    [
        "",
        "[[1,0]",
        "[2,0]]",
        "[],[]",
        "[[1,0]],[[2,0]",
        "[1]],[[2]",
        "null",
        "[[null]]",
        '[["1",0]]',
        "{}",
        "[[1.5,0]]",
        3,
    ]
) | st.text("[],012 ", max_size=8)


@given(st.lists(sound | damaged, max_size=5))
def test_edges_are_the_same_alone_and_beside_others(texts: list[object]) -> None:
    """Whatever is damaged of some nodes is no part of another."""
    assert edges_of(texts) == [edges_of([text])[0] for text in texts]


def test_what_edges_say() -> None:
    """An edge to nowhere is one; what is no list of pairs of numbers is damaged."""
    assert edges_of(["[[1,0],[null,2]]", "[]", "[[1,0]", 3]) == [(Edge(1, 0), Edge(None, 2)), (), None, None]
