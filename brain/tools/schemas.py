"""JSON schemas that operators write for their tools: whether they are sound, and whether arguments fit.

Why it exists: a schema that the model's provider refuses would end every call of the agent; and what a model
sends is checked here, before it goes anywhere. Owns: the sentences. Pure. Must not know: the tools.
Nothing is fetched.
"""

from __future__ import annotations

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

from brain.json_fields import Json

MAX_EXPECTED_CHARS = 200
"""Of a schema's own text in a sentence."""

MAX_MISFITS = 5
"""Told at once."""


def problem_of(schema: Json) -> str:
    """What is wrong with a schema for arguments; empty when it is sound."""
    if schema.get("type") != "object":
        return 'expected a JSON schema with type = "object", since arguments have names'
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"expected a JSON schema, but {_path(error, 'it')}: {error.message[:MAX_EXPECTED_CHARS]}"
    if b'"$ref":"http' in orjson.dumps(schema):
        return "expected a whole JSON schema, got one with a $ref to elsewhere: nothing is fetched"
    return ""


def misfits(schema: Json, values: Json) -> list[str]:
    """A line for each argument that does not fit: what was expected, without the value."""
    # A registry of its own, and empty: the default one would fetch what a $ref names.
    validator = Draft202012Validator(schema, registry=Registry())
    found: list[str] = []
    for error in validator.iter_errors(values):
        expected = orjson.dumps({str(error.validator): error.validator_value}, default=str).decode()
        found.append(f"{_path(error, 'arguments')}: expected {expected[1:-1][:MAX_EXPECTED_CHARS]}")
        if len(found) == MAX_MISFITS:
            break
    return found


def _path(error: SchemaError | ValidationError, whole: str) -> str:
    return ".".join(str(part) for part in error.absolute_path) or whole
