"""Scripts that measure us beside others, on the same input and in the same run.

They need Linux, and the packages of `requirements/bench.txt`; see `docs/performance.md`.
"""
