"""A micro-model's config, what is needed besides the weights to build it again, as strings in the artifact's metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from backend.errors import WeightsUnusable
from backend.types import Head


def to_metadata(head: Head, version: str, config: Any) -> dict[str, str]:
    """A head's config (a dataclass of what JSON knows) as strings; `version` is that of its format."""
    return {"format": version, "head": head.value, "blueprint": json.dumps(asdict(config))}


def fields_of(metadata: Mapping[str, str], head: Head, version: str) -> dict[str, Any]:
    """The config's fields, lists as tuples; raises WeightsUnusable where the artifact is of another head or format."""
    found = metadata.get("head", "none"), metadata.get("format", "none")
    if found != (head.value, version) or "blueprint" not in metadata:
        raise WeightsUnusable(
            f"The weights are of head {found[0]}, format {found[1]}; expected {head}, format {version}: "
            "train this group again."
        )
    fields: dict[str, Any] = _tuples(json.loads(metadata["blueprint"]))
    return fields


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tuples(one) for name, one in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
