"""Ways to install pgtop besides pip: `python -m pgtop.packaging` builds them.

The extra `dist` has the tools. pgtop itself loads nothing of this folder. The wheel contains the
folder, so that a machine with an index of wheels and no checkout can build them, too.
"""
