"""Property tests draw the same examples in every run, and a busy machine fails none of them."""

from hypothesis import settings

STEADY_EXAMPLES = 100
"""Of a property in CI; what draws fewer or more says so beside it."""

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=STEADY_EXAMPLES)
settings.register_profile("search", deadline=None, max_examples=10 * STEADY_EXAMPLES)
settings.load_profile("steady")
