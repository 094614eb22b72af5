"""The SQLite schema of a tape file.

Version 1: the first.
Version 2: series in chunks, of every kind and not only losses; how often a .grad buffer was filled; interventions.
Version 3: what the chain rule is told from in depth: probes on request, saved tensors, hooks, ATen calls, and
remarks on nodes.
Version 4: what could not be recorded is marked as missing; changes of .grad that are no clearing; checks of products.
Version 5: the same in half the bytes: what events have in common once (``site``), their details packed (``block``).
Version 6: flags of events tell a NaN from an infinity, where one was born, and the grad mode.
Version 7: kinds of events more.
Version 8: the calls that lead to a place; how much a step has changed.
Version 9: the 2-norm of large values.
Version 10: checksums of values that are not packed (see ``sums``).
A version is raised whenever an older reader would misread the file; a reader refuses what is newer, and what is older
than it can read.
"""

from __future__ import annotations

APPLICATION_ID = 0x67726462  # "grdb"
FORMAT_VERSION = 10  # kept in PRAGMA user_version
OLDEST_VERSION = 10
"""What can still be read."""

SCHEMA = """
CREATE TABLE run(                 -- facts of the run: script, arguments (JSON list), title, torch, status ...
                                  -- and nudge_*, as JSON: what a run made for a numerical check has read
                                  -- and wrote_*, as JSON: what the script did to files, see written.py
                                  -- and optimizer_1 to _64, as JSON: class, newest event when it was made, path and
                                  -- line where, and the ids of its parameters then
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE source(              -- the text of every user file seen, so that a tape is self-contained
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  text TEXT                       -- NULL where it could not be read
);
CREATE TABLE site(                -- what many events have in common: what happened, where
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  file INTEGER,                   -- source.id
  line INTEGER, end_line INTEGER, col INTEGER, end_col INTEGER,
  scope TEXT NOT NULL,
  phase TEXT NOT NULL,
  thread INTEGER NOT NULL
);
CREATE TABLE stack(               -- calls of the script's functions, by which its places were come to
  id INTEGER PRIMARY KEY,
  outer INTEGER NOT NULL,         -- stack.id of the call around it; 0: there is none, -1: it was not looked at
  others INTEGER NOT NULL,        -- how many frames of others lie between it and what it has called
  file INTEGER,                   -- source.id
  line INTEGER, end_line INTEGER, col INTEGER, end_col INTEGER, -- where it has come to
  function TEXT NOT NULL,
  packages TEXT NOT NULL          -- whose frames these are: torch, lightning ...
);
CREATE TABLE called(              -- the calls that the places of sites lie in, where they are known
  site INTEGER PRIMARY KEY,
  stack INTEGER NOT NULL          -- stack.id
);
CREATE TABLE event(
  seq INTEGER PRIMARY KEY,        -- position, from 1, without gaps
  kind INTEGER NOT NULL,          -- its number: see kinds.registry
  site INTEGER NOT NULL,          -- site.id
  iteration INTEGER NOT NULL,
  node INTEGER,
  flags INTEGER NOT NULL,         -- 1 quiet, 2 has a NaN, 4 has an infinity, 8 birth of one (see births.md), 16 grad
                                  -- mode off, 32 inference mode, 64 in the backward of a scaled loss
  back INTEGER                    -- seq - back is the event that this one is part of: a node_start of its
                                  -- backward_start, a node of its node_start, a backward_end of its backward_start
);
CREATE TABLE block(               -- details and values of events that follow each other, packed: see packing.py
  first INTEGER PRIMARY KEY,      -- the first of these events
  packed BLOB NOT NULL
);
CREATE TABLE apart(               -- the same of single events: where there is a row, the block does not count
  event INTEGER PRIMARY KEY,
  detail TEXT NOT NULL,           -- JSON, one form a kind: see kinds/
  data BLOB,                      -- the bytes of all values of this event, referred to from detail by offset
  crc INTEGER NOT NULL            -- of the other columns: see sums.py
);
CREATE TABLE renumbered(          -- what the first iterations are was known late: see docs/iterations.md
  event INTEGER PRIMARY KEY,      -- events before this one that say iteration n are of ...
  numbers TEXT NOT NULL           -- ... the n-th of this JSON list; beyond its end as many less as its last entry is
) WITHOUT ROWID;
CREATE TABLE node(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  event INTEGER NOT NULL,         -- first seen at
  kind TEXT NOT NULL,             -- builtin, custom, accumulate, compiled
  saves INTEGER NOT NULL,         -- 1: nodes of this class hold saved tensors
  tensor INTEGER,                 -- accumulate: the leaf
  edges TEXT NOT NULL             -- JSON [[to or null, input_nr], ...] in the order of next_functions
);
CREATE TABLE saved(               -- what a node saved for backward, read when it was first seen; not of every node
  node INTEGER PRIMARY KEY,
  detail TEXT NOT NULL,           -- JSON: see saved.py
  data BLOB,                      -- the bytes of its values
  crc INTEGER NOT NULL
);
CREATE TABLE used(                -- what a node held at a run of it, where that may be other values than it saved
  node INTEGER NOT NULL,
  event INTEGER NOT NULL,         -- the node_start of that run
  detail TEXT NOT NULL,           -- as in saved
  data BLOB,
  crc INTEGER NOT NULL,
  PRIMARY KEY(node, event)
);
CREATE TABLE touched(             -- memory (its number, as in saved) that a custom backward wrote to
  storage INTEGER NOT NULL,
  event INTEGER NOT NULL,         -- the node event of that backward
  PRIMARY KEY(storage, event)
) WITHOUT ROWID;
CREATE TABLE gone(                -- nodes that nothing refers to any more: ids first..last, gone from an event on
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL,
  event INTEGER NOT NULL
);
CREATE TABLE remark(              -- what is to be known of a node beside its edges, see kinds.graph.RemarkKind
  node INTEGER NOT NULL,
  event INTEGER NOT NULL,         -- from here on
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY(node, event, kind)
) WITHOUT ROWID;
CREATE TABLE missing(             -- what could not be recorded, because gradb itself failed or could not write
  event INTEGER NOT NULL,         -- of this event; a note stands in the place of an event that is lost altogether
  part TEXT NOT NULL,             -- names, values, a place ..., what the event would have been, or: recording
  why TEXT NOT NULL,
  hides TEXT NOT NULL,            -- what may have changed unseen by that: values, gradients, both or nothing
  PRIMARY KEY(event, part)
) WITHOUT ROWID;
CREATE TABLE tensor(              -- where a tensor's value is defined: outputs of ops, leaves, parameters after a step
  tensor INTEGER NOT NULL,
  event INTEGER NOT NULL,
  node INTEGER,                   -- its node from here on
  output_nr INTEGER NOT NULL,
  PRIMARY KEY(tensor, event)
) WITHOUT ROWID;
CREATE TABLE name(                -- a variable or parameter name, from an event on
  tensor INTEGER NOT NULL,
  event INTEGER NOT NULL,
  name TEXT NOT NULL,             -- the last that it got at the event
  PRIMARY KEY(tensor, event)
) WITHOUT ROWID;
CREATE TABLE grad(                -- events that touched the .grad of a leaf
  tensor INTEGER NOT NULL,
  event INTEGER NOT NULL,
  fills INTEGER NOT NULL,         -- accumulations since it was cleared, this one included; -1 not known
  since INTEGER NOT NULL,         -- iteration of the first of them
  PRIMARY KEY(tensor, event)
) WITHOUT ROWID;
CREATE TABLE library(             -- events that happened in a library: where; the event's own place is the script's
  event INTEGER PRIMARY KEY,
  file INTEGER NOT NULL,          -- source.id
  line INTEGER NOT NULL
);
CREATE TABLE series(              -- numbers that change from iteration to iteration
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,             -- loss, grad_norm, parameter_norm, learning_rate ...: see series.SeriesKind
  name TEXT NOT NULL,             -- variable, optimizer or parameter
  file INTEGER,                   -- source.id and line of the call, for losses
  line INTEGER
);
CREATE TABLE chunk(               -- points of one series, in the order in which they were recorded
  id INTEGER PRIMARY KEY,
  series INTEGER NOT NULL,
  count INTEGER NOT NULL,
  events BLOB NOT NULL,           -- count times int64: the position from which the point holds
  iterations BLOB NOT NULL,       -- count times int64
  numbers BLOB NOT NULL,          -- count times float64
  crc INTEGER NOT NULL            -- of all but the id
);
"""

# Without these a tape tells the same, only slower; they cost half of what writing a row does. A free run that nobody
# looks at is indexed when it is over, any other from its first pause on. Each ends with the seq of its row by itself.
INDEXES = """
CREATE INDEX IF NOT EXISTS event_kind ON event(kind);
CREATE INDEX IF NOT EXISTS event_site ON event(site);
CREATE INDEX IF NOT EXISTS event_node ON event(node) WHERE node IS NOT NULL;
CREATE INDEX IF NOT EXISTS event_iteration ON event(iteration);
CREATE INDEX IF NOT EXISTS event_nonfinite ON event(seq) WHERE flags & 6;
CREATE INDEX IF NOT EXISTS node_event ON node(event);
CREATE INDEX IF NOT EXISTS tensor_node ON tensor(node, event) WHERE node IS NOT NULL;
CREATE INDEX IF NOT EXISTS name_name ON name(name, event);
CREATE INDEX IF NOT EXISTS grad_event ON grad(event);
"""

QUIET = 1
NAN = 2
INFINITY = 4
NONFINITE = NAN | INFINITY
BIRTH = 8
GRAD_OFF = 16
INFERENCE = 32
SCALED = 64
