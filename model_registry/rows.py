"""Rows of tables as lines of JSON, the same for every engine."""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Float, LargeBinary, Table, types


def encoded(table: Table, row: Mapping[str, Any]) -> bytes:
    """One row as a line; bytes as base64, and numbers that JSON does not have as words."""
    return (json.dumps({c.name: _to_json(c.type, row[c.name]) for c in table.columns}, allow_nan=False) + "\n").encode()


def decoded(table: Table, line: bytes) -> dict[str, Any]:
    """The row of a line, for a table with these columns."""
    found: dict[str, Any] = json.loads(line)
    return {c.name: _from_json(c.type, found[c.name]) for c in table.columns if c.name in found}


def _to_json(kind: types.TypeEngine[Any], value: Any) -> Any:
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(kind, Float) and isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _from_json(kind: types.TypeEngine[Any], value: Any) -> Any:
    if isinstance(kind, LargeBinary) and value is not None:
        return base64.b64decode(value)
    if isinstance(kind, Float) and isinstance(value, str):
        return float(value)
    if isinstance(kind, types.Boolean) and value is not None:
        return bool(value)
    if isinstance(kind, JSON) and value is None:
        return JSON.NULL
    return value
