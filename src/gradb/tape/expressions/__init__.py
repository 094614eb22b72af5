"""The language of expectations, conditions and what is displayed: how an expression is read, and what it comes to.

It is read once (``syntax.read``) and can then be evaluated a million times (``evaluator``); what its names mean is a
matter of ``names.Names``. Nothing in it reaches Python: what can be said is in the tables of ``compiler``,
``relations``, ``arithmetic`` and ``functions``. It is loaded into the script's process too, and must know no Frames, no
mathematics and no screens.
"""
