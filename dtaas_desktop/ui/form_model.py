"""What a form needs to know of a pydantic model: its fields in order, and its findings as sentences. Nothing of Qt.

Extras a field may carry (`Field(json_schema_extra={…})`):

    words: {value: words}             what a choice is called on screen
    path: "file" | "folder" | "new file"
    secret: true                      a reference to a secret (domain.secret_ref)
    stores: [keyring, local, file]    where a secret may be kept, if not everywhere
    advanced: true                    behind “Advanced settings”
    group: heading                    stands above the first of the neighbours that have it
    row: name, stretch: number        neighbours with one name stand beside each other
    when: {field: value or values}    only asked while the other field has one of these
    placeholder: text                 an example, shown in the empty field
    tip: text                         more help, for whoever points at the field or has it read aloud
    titles: {field: {value: title}}   what the field is called while another has this value
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from dtaas_desktop.domain.secret_ref import SecretStore

FieldKind = Literal["text", "whole number", "number", "switch", "choice", "lines", "path", "secret", "section"]
PathKind = Literal["file", "folder", "new file"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a form. `choices` pairs values with words; `fields` are those of a section."""

    name: str
    kind: FieldKind
    title: str
    help: str = ""
    default: object = None
    optional: bool = False  # empty means None
    choices: tuple[tuple[object, str], ...] = ()
    path: PathKind = "file"
    stores: tuple[SecretStore, ...] = ("keyring", "local", "file")
    advanced: bool = False
    group: str = ""
    row: str = ""
    stretch: int = 1
    when: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    placeholder: str = ""
    tip: str = ""
    titles: Mapping[str, Mapping[object, str]] = field(default_factory=dict)
    bounds: Mapping[str, object] = field(default_factory=dict)
    fields: tuple["FieldSpec", ...] = ()


def field_specs(model: type[BaseModel], only: Sequence[str] = ()) -> tuple[FieldSpec, ...]:
    """The model's fields in their order; `only` these if given. TypeError for a type that has no input."""
    properties = model.model_json_schema(by_alias=False).get("properties", {})
    wanted = only or tuple(model.model_fields)
    return tuple(_spec(name, model.model_fields[name], properties[name]) for name in wanted)


def first_values(specs: Sequence[FieldSpec]) -> dict[str, object]:
    """What an untouched form holds: the defaults, and nothing where a value is still to be given."""
    return {spec.name: first_values(spec.fields) if spec.kind == "section" else spec.default for spec in specs}


def findings(model: type[BaseModel], values: Mapping[str, object], specs: Sequence[FieldSpec]) -> dict[str, str]:
    """What the model refuses: one sentence per field, by name (“files.format” in a section); "" is about all of them together."""
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        found: dict[str, str] = {}
        for one in error.errors(include_url=False):
            path, spec = _owner(one["loc"], specs)
            found.setdefault(path, _sentence(one, spec))
        return found
    return {}


def _spec(name: str, info: FieldInfo, schema: Mapping[str, Any]) -> FieldSpec:
    kind, optional, inner = _kind(info.annotation, schema)
    when = {key: value if isinstance(value, list | tuple) else (value,) for key, value in schema.get("when", {}).items()}
    return FieldSpec(
        name=name,
        kind=kind,
        title=info.title or _words(name),
        help=info.description or "",
        default=_default(info, kind, optional, inner),
        optional=optional,
        choices=_choices(inner, schema) if kind == "choice" else (),
        path=schema.get("path", "file"),
        stores=tuple(schema.get("stores", ("keyring", "local", "file"))),
        advanced=bool(schema.get("advanced")),
        group=str(schema.get("group", "")),
        row=str(schema.get("row", "")),
        stretch=int(schema.get("stretch", 1)),
        when={key: tuple(values) for key, values in when.items()},
        placeholder=str(schema.get("placeholder", "")),
        tip=str(schema.get("tip", "")),
        titles=schema.get("titles", {}),
        bounds=_bounds(info),
        fields=field_specs(inner) if kind == "section" else (),
    )


def _kind(annotation: Any, schema: Mapping[str, Any]) -> tuple[FieldKind, bool, Any]:
    """The field's kind, whether it may be None, and its type without that."""
    optional = False
    if get_origin(annotation) in (Union, types.UnionType):
        others = [one for one in get_args(annotation) if one is not types.NoneType]
        optional = len(others) < len(get_args(annotation))
        annotation = others[0] if len(others) == 1 else annotation
    if get_origin(annotation) is Literal:
        return "choice", optional, annotation
    if get_origin(annotation) is tuple and get_args(annotation) == (str, ...):
        return "lines", optional, annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section", optional, annotation
    if annotation is str:
        return ("secret" if schema.get("secret") else "path" if schema.get("path") else "text"), optional, annotation
    simple: dict[object, FieldKind] = {bool: "switch", int: "whole number", float: "number"}
    if annotation not in simple:
        raise TypeError(f"a form has no input for {annotation!r}")
    return simple[annotation], optional, annotation


def _default(info: FieldInfo, kind: FieldKind, optional: bool, inner: Any) -> object:
    given = info.get_default(call_default_factory=True, validated_data={})
    if given is not PydanticUndefined:
        return given
    if optional:
        return None
    return {"switch": False, "choice": get_args(inner)[0] if kind == "choice" else None, "lines": ()}.get(kind, "")


def _choices(literal: Any, schema: Mapping[str, Any]) -> tuple[tuple[object, str], ...]:
    words = schema.get("words", {})
    return tuple((value, str(words.get(value) or words.get(str(value)) or _words(str(value)))) for value in get_args(literal))


def _words(name: str) -> str:
    spaced = name.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def _bounds(info: FieldInfo) -> dict[str, object]:
    found: dict[str, object] = {}
    for constraint in info.metadata:
        for name in ("ge", "gt", "le", "lt"):
            value = getattr(constraint, name, None)
            if value is not None:
                found[name] = value
    return found


def _owner(where: tuple[int | str, ...], specs: Sequence[FieldSpec]) -> tuple[str, FieldSpec | None]:
    """The field that a finding belongs to: the deepest one that its path names."""
    path: list[str] = []
    spec: FieldSpec | None = None
    for part in where:
        inside = specs if spec is None else spec.fields
        found = next((one for one in inside if one.name == part), None)
        if found is None:
            break
        path.append(found.name)
        spec = found
    return ".".join(path), spec


def _sentence(error: ErrorDetails, spec: FieldSpec | None) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "missing" | "string_too_short" | "too_short" if (
            error.get("input") in ("", None, (), []) or error["type"] == "missing"
        ):
            return "This is needed."
        case "string_too_short":
            return f"Enter at least {context['min_length']} characters."
        case "string_too_long":
            return f"Enter at most {context['max_length']} characters."
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            return "Enter a whole number."
        case "float_parsing" | "float_type" | "finite_number":
            return "Enter a number."
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            return _bounds_sentence(spec.bounds if spec else {}, spec.kind if spec else "number")
        case "literal_error" | "bool_type" | "bool_parsing":
            return "Choose one of those offered."
        case _:
            text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ").strip()
            text = text[:1].upper() + text[1:]
            return text if text.endswith((".", "!", "?")) else f"{text}."


def _bounds_sentence(bounds: Mapping[str, object], kind: FieldKind) -> str:
    number = "a whole number" if kind == "whole number" else "a number"
    low = f"{bounds['ge']:,}" if "ge" in bounds else f"more than {bounds['gt']:,}" if "gt" in bounds else ""
    high = f"{bounds['le']:,}" if "le" in bounds else f"less than {bounds['lt']:,}" if "lt" in bounds else ""
    if "ge" in bounds and "le" in bounds:
        return f"Enter {number} from {low} to {high}."
    if low and high:
        return f"Enter {number} that is {low if 'gt' in bounds else f'at least {low}'} and {high if 'lt' in bounds else f'at most {high}'}."
    if low:
        return f"Enter {low} or more." if "ge" in bounds else f"Enter {number} above {bounds['gt']:,}."
    return f"Enter {high} or less." if "le" in bounds else f"Enter {number} below {bounds['lt']:,}."
