"""pgtop beside its peers on real servers, load and terminals: `python -m tests.benchmarks`.

Only test_benchmarks.py is a test: figures depend on the machine and its hour, so none of them may
fail a build. Ratios are taken between runs of the same round; absolute goals are printed beside the
figures.
"""
