"""Host header check, against DNS rebinding: under which names we are called; a foreign page says its own."""

import re
import socket
from collections.abc import Sequence
from ipaddress import ip_address

from backend.settings import Settings

GATEWAYS = frozenset({"host.docker.internal", "host.containers.internal", "gateway.docker.internal"})
"""This machine, as its containers call it."""
PRIVATE = ".internal"
"""Nobody can register a name that ends so. Compose services have such names too: Label Studio takes no webhook to a name
without a dot."""
_HOST = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::\d{1,5})?", re.ASCII)


def name_of(host: str) -> str | None:
    """The name or address in a Host header: lower case, without port, brackets and final dot; None where it is none."""
    match = _HOST.fullmatch(host)
    return match[1].strip("[]").rstrip(".").lower() if match else None


class AllowedHosts:
    """The names that lead here on purpose.

    Always: this machine's loopback names, addresses and hostname, what containers call it, and what the operator allows.
    Where other machines may call: also bare addresses, names without a dot, and those that end in `.internal`, which is
    what compose services have. Those cannot be registered, so no page can come from them.
    """

    def __init__(self, settings: Settings) -> None:
        mine = socket.gethostname().lower().rstrip(".")
        self.configured = frozenset(name.strip("[]").rstrip(".").lower() for name in settings.allowed_hosts)
        self._names = GATEWAYS | {mine, f"{mine.partition('.')[0]}.local", settings.host.lower()} | self.configured
        self._elsewhere = not settings.on_loopback

    def allow(self, hosts: Sequence[str]) -> bool:
        """Whether the values of the Host header are fine; none at all is: only programs leave it out."""
        if not hosts:
            return True
        name = name_of(hosts[0]) if len(hosts) == 1 else None
        if name is None:
            return False
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ip_address(name).is_loopback or self._elsewhere
        except ValueError:
            # 2130706433 is no name but an address in disguise.
            return self._elsewhere and (name.endswith(PRIVATE) or ("." not in name and not name.isdigit()))
