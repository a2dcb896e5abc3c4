"""The parent of all micro-models: pyramid and heads pretrained on clips that code makes up.

`python -m backend.learning.parent` makes it anew; `shipped` reads the one that comes with the package.
"""
