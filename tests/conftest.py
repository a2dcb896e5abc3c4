"""Property tests draw the same examples in every run, and a busy machine fails none of them; commands leave no trace."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

STEADY_EXAMPLES = 100
"""Of a property in CI; what draws fewer or more says so beside it."""

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=STEADY_EXAMPLES)
settings.register_profile("search", deadline=None, max_examples=10 * STEADY_EXAMPLES)
settings.register_profile("fast", deadline=None, derandomize=True, max_examples=STEADY_EXAMPLES // 4)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command of one test sends its log to a stream that is closed when the next one begins."""
    yield
    structlog.reset_defaults()
