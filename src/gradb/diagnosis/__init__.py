"""What is wrong with a training: questions to a tape, answered by events, lines and tensors.

``rule`` is the row of a diagnosis rule, ``registry`` the table of all; ``judgement`` shows them the events of a tape
and collects each ``finding``. ``errors/`` explains what the script raised, ``training/`` judges how it trains. Nothing
here knows torch, a live script, or how a finding is shown. A false alarm is a bug: a rule that cannot be sure says why
it did not judge, or stays silent.
"""
