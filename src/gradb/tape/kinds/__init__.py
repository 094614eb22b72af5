"""What a tape tells, one file a kind of event: its data, phase, whether a step stops there, its wire form both ways.

``write`` is what the tracer calls on its hot path, so it takes parts that are texts already and makes no object;
``read`` believes nothing, since a tape may come from anywhere. Beside them lies the plain data that several kinds
share (``event``, ``tensor``, ``jacobian``, ``buffer``, ``graph``) and the ``registry``, from which every table over
kinds derives. It must not know torch, the file, or how anything is shown.
"""
