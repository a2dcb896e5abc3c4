"""One worker process: its leases, its sign of life, what it does in idle time."""
