"""pgtop beside its peers on real servers, real load and real pseudo-terminals: `python -m
tests.benchmarks`.

Nothing here is a test but test_benchmarks.py: figures depend on the machine and its hour, so none
of them may fail a build. Ratios are taken between runs of the same round, absolute goals are
printed beside what was measured.
"""
