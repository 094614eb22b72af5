"""Where a NaN or an infinity was born, why, and by which road it came to where it is seen.

``traffic`` says what an event read and made, ``makers`` who made what it read; ``walk`` follows a value back by them to
its ``birth``. ``reasons`` say by which mathematics it was born, ``prelude`` what led to it over the iterations. ``why``
puts it together. Everything is read from the tape; what is not known ends a road and is told as that.
"""
