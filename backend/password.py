"""Secrets that are made here: for webhooks, and the password of a server that other machines can reach."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def new_secret() -> str:
    """A secret for a webhook header."""
    return secrets.token_urlsafe(24)


def keep(file: Path, secret: str) -> None:
    """Write a secret where there is none yet: whole, for its owner only, and once where two processes start at a time."""
    if file.exists():
        return
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(secret + "\n")
    with suppress(FileExistsError):
        os.link(fresh, file)
    fresh.unlink()
