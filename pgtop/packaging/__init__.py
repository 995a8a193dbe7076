"""Ways to install pgtop besides pip: `python -m pgtop.packaging` builds them.

The tools are those of the extra `dist`. Nothing here is loaded by pgtop itself. The wheel has this
folder, so that a machine with an index of wheels and no checkout can build them, too.
"""
