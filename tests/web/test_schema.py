"""Whatever is posted, the server answers: bodies made from its own OpenAPI description, and none of them is a 500."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from backend.web.app import create_app
from tests.loop.house import House


def test_no_server_error(house: House) -> None:
    api = schemathesis.openapi.from_asgi("/openapi.json", create_app(house.services))
    api = api.exclude(path="/ready")  # it answers 503 by design

    @given(case=api.as_strategy())
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def call(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=[not_a_server_error])

    call()
