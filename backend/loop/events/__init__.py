"""From webhooks and sweeps into the registry."""
