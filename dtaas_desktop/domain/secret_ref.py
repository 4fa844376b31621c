"""References to secrets: settings say where a secret is kept and never hold one."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

SCHEMES = ("env", "file", "keyring", "local")
SecretStore = Literal["keyring", "local", "file"]  # where a secret that is typed in can be kept
FORMS = "env:NAME, file:PATH, keyring:NAME or local:NAME"


def scheme_and_name(reference: str) -> tuple[str, str] | None:
    """The two halves of a reference; None for anything else."""
    scheme, _, name = reference.partition(":")
    return (scheme, name) if scheme in SCHEMES and name else None


def _checked(value: str) -> str:
    # What was typed is not repeated: it may be the secret itself.
    if value and scheme_and_name(value) is None:
        raise ValueError(f"this names a secret and does not hold it: write {FORMS}")
    return value


SecretRef = Annotated[str, AfterValidator(_checked), Field(json_schema_extra={"secret": True})]
"""A setting that names a secret: empty, or a scheme of SCHEMES with a name. Forms know it by `secret_fields`."""


def secret_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """The names of the model's settings that are SecretRefs."""
    return tuple(
        name
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret") is True
    )
