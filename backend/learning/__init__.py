"""Everything that knows torch: training a micro-model on a few labelled frames, and predicting with it.

Torch modules never leave this room; what leaves are the frozen objects of `backend.types`.
"""
