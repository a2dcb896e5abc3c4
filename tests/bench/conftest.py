from tests.loop.conftest import quick

__all__ = ["quick"]
