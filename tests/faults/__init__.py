"""What goes wrong, on real servers; each test ends by comparing every row with what was published.

`make test` runs it at a twentieth of the size, `make soak` (``SOAK=1``) in full.
"""
