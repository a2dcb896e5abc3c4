"""Job queue: work that runs somewhere else; a queue of hints, the workers that answer them, and who keeps them alive.

The queue holds hints only. What is left to do is in the registry, so a lost job costs a delay, never a label.
"""
