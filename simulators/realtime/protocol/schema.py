"""Judges JSON against the SDK's own pydantic types, strictly, and refuses keys that they do not declare.

Why it exists: the SDK's types accept anything extra and read every optional field as nullable; the server
does neither, so null passes only where the caller's table names the path. Owns: the walk over those types
(required keys, undeclared keys, JSON types, literals, unions) and the parameter path that a refusal names
(`session.audio.input.format.rate`). Pure. Must not know: events, sessions or ranges.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from simulators.realtime.protocol import errors

_PRIMITIVES: Final[Mapping[object, str]] = {
    str: "a string",
    int: "an integer",
    float: "a decimal",
    bool: "a boolean",
}


def check(value: object, annotation: object, path: str, nullable: frozenset[str]) -> None:
    """Raises `Refusal` unless `value` (parsed JSON) is exactly what `annotation` declares.

    `nullable` holds the paths, without list indexes, where null is an answer. Raises for the first fault
    only: absent keys first, then undeclared ones, then values, as the server reports them.
    """
    if value is None:
        if _bare(path) not in nullable:
            raise errors.wrong_type(path, _expected(annotation), value)
        return
    members = _members(annotation)
    if members == (object,):
        return
    for member in members:
        if _fits(value, member):
            _check_member(value, member, path, nullable)
            return
    raise _no_member(value, members, annotation, path)


def _check_member(value: object, member: object, path: str, nullable: frozenset[str]) -> None:
    """Looks inside a value that has the JSON type and the tags of `member`."""
    if isinstance(member, type) and issubclass(member, BaseModel):
        assert isinstance(value, dict)
        _check_model(value, member, path, nullable)
    elif get_origin(member) is list:
        assert isinstance(value, list)
        (inner,) = get_args(member)
        for index, element in enumerate(value):
            check(element, inner, f"{path}[{index}]", nullable)
    elif get_origin(member) is dict:
        assert isinstance(value, dict)
        _, inner = get_args(member)
        for key, element in value.items():
            check(element, inner, f"{path}.{key}", nullable)


def _check_model(
    value: dict[str, object], model: type[BaseModel], path: str, nullable: frozenset[str]
) -> None:
    declared = model.model_fields
    prefix = f"{path}." if path else ""
    for name, field in declared.items():
        if name not in value and (field.is_required() or name == "type"):
            raise errors.missing(prefix + name)
    for name in value:
        if name not in declared:
            raise errors.unknown(prefix + name)
    for name, inner in value.items():
        check(inner, declared[name].annotation, prefix + name, nullable)


def _no_member(value: object, members: tuple[object, ...], annotation: object, path: str) -> errors.Refusal:
    """Why `value` fits none of `members`: a wrong tag, an unknown literal or another JSON type."""
    models = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
    if isinstance(value, dict) and models:
        for tag in ("type", "role"):
            supported = sorted({choice for model in models for choice in _tags(model).get(tag, ())})
            if not supported:
                continue
            where = f"{path}.{tag}" if path else tag
            if tag not in value:
                return errors.missing(where)
            if value[tag] not in supported:
                if not isinstance(value[tag], str):
                    return errors.wrong_type(where, "a string", value[tag])
                return errors.wrong_value(where, value[tag], supported)
    choices = [choice for m in members if get_origin(m) is Literal for choice in get_args(m)]
    if choices and isinstance(value, str):
        return errors.wrong_value(path, value, choices)
    return errors.wrong_type(path, _expected(annotation), value)


def _fits(value: object, member: object) -> bool:
    """Whether `value` has the JSON type of `member` and, if that is tagged, its tags."""
    origin = get_origin(member)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(member))
    if origin is list:
        return isinstance(value, list)
    if origin is dict:
        return isinstance(value, dict)
    if isinstance(member, type) and issubclass(member, BaseModel):
        return isinstance(value, dict) and all(
            value.get(tag) in choices for tag, choices in _tags(member).items()
        )
    if member is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is member


@cache
def _members(annotation: object) -> tuple[object, ...]:
    """The alternatives of an annotation, without null; `(object,)` when anything goes."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        found = [m for inner in get_args(annotation) for m in _members(inner)]
        return tuple(m for m in found if m is not types.NoneType)
    return (annotation,)


@cache
def _tags(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """The literal `type` and `role` of a model: what tells the members of a union apart."""
    found: dict[str, tuple[str, ...]] = {}
    for name in ("type", "role"):
        if name not in model.model_fields:
            continue
        annotation: object = model.model_fields[name].annotation
        for member in _members(annotation):
            if get_origin(member) is Literal:
                found[name] = get_args(member)
    return found


def _expected(annotation: object) -> str:
    names = [_name(member) for member in _members(annotation)]
    return " or ".join(dict.fromkeys(names))


def _name(member: object) -> str:
    origin = get_origin(member)
    if origin is list:
        return "an array"
    if origin is Literal:
        return "one of " + ", ".join(f"'{choice}'" for choice in get_args(member))
    return _PRIMITIVES.get(member, "an object")


def _bare(path: str) -> str:
    """The path without list indexes: `tools[0].type` → `tools[].type`."""
    if "[" not in path:
        return path
    return "".join("[]" if part.isdigit() else part for part in path.replace("]", "[").split("["))
