"""JSON schemas that operators write for their tools: whether they are sound, and whether arguments fit.

Why it exists: a schema that the model's provider refuses would end every call of the agent; and what a model
sends is checked here, before it goes anywhere. Owns: the sentences, and which sound schemas the provider
refuses all the same. Pure. Must not know: the tools. Nothing is fetched.

Source of those rules: the provider's own refusals, `invalid_function_parameters`: "schema must have type
'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level", "object schema missing
properties", "array schema missing items".
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

from brain.json_fields import Json

MAX_EXPECTED_CHARS = 200
"""Of a schema's own text in a sentence."""

MAX_MISFITS = 5
"""Told at once."""

REFUSED_AT_TOP = ("oneOf", "anyOf", "allOf", "enum", "not")
"""By the provider, beside the type; inside a property they may stand."""

_WITH_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties")
_WITH_SCHEMA_LIST = ("anyOf", "oneOf", "allOf", "prefixItems")
_WITH_SCHEMA = ("items", "additionalProperties", "not")


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
    return _refused(schema)


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


def _refused(schema: Json) -> str:
    """Why the model's provider would refuse a sound schema; empty when it would not."""
    for keyword in REFUSED_AT_TOP:
        if keyword in schema:
            return (
                f"expected no {keyword} at the top, which the model's provider refuses: use it in a property"
            )
    if not isinstance(schema.get("properties"), dict):
        return "expected properties, which the model's provider demands: properties = {} for no arguments"
    where = _array_without_items(schema, "")
    return f"expected items in {where}, which is an array: the model's provider demands them" if where else ""


def _array_without_items(schema: Json, path: str) -> str:
    """The place of the first array that does not say what is in it; empty if there is none."""
    kind = schema.get("type")
    if path and "items" not in schema and (kind == "array" or (isinstance(kind, list) and "array" in kind)):
        return path
    for name, inner in _parts(schema):
        found = _array_without_items(inner, f"{path}.{name}" if path else name)
        if found:
            return found
    return ""


def _parts(schema: Json) -> Iterator[tuple[str, Json]]:
    """The schemas inside a schema, by their places."""
    for keyword, value in schema.items():
        if keyword in _WITH_SCHEMAS and isinstance(value, dict):
            yield from ((f"{keyword}.{name}", each) for name, each in value.items() if isinstance(each, dict))
        elif keyword in _WITH_SCHEMA_LIST and isinstance(value, list):
            yield from ((f"{keyword}.{n}", each) for n, each in enumerate(value) if isinstance(each, dict))
        elif keyword in _WITH_SCHEMA and isinstance(value, dict):
            yield keyword, value


def _path(error: SchemaError | ValidationError, whole: str) -> str:
    return ".".join(str(part) for part in error.absolute_path) or whole
