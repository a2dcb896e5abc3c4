import pytest

from backend.errors import MediaError, StudioUnreachable
from backend.studio.slow_hosts import IN_A_ROW, REST_SECONDS, SlowHosts


def test_a_slow_host_rests_and_is_tried_again() -> None:
    now = [0.0]
    hosts = SlowHosts(lambda: now[0])
    for _ in range(IN_A_ROW):
        hosts.check("slow", False)
        hosts.gave_up("slow")
    with pytest.raises(MediaError, match="slow: 6 files in a row"):
        hosts.check("slow", False)
    with pytest.raises(StudioUnreachable, match="overloaded"):
        hosts.check("slow", True)
    hosts.check("other", False)
    now[0] = REST_SECONDS
    hosts.check("slow", False)
    hosts.gave_up("slow")
    with pytest.raises(MediaError):
        hosts.check("slow", False)
    now[0] += REST_SECONDS
    hosts.answered("slow")
    for _ in range(IN_A_ROW - 1):
        hosts.gave_up("slow")
        hosts.check("slow", False)
