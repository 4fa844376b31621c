"""Secrets typed into forms: kept when they are first needed, forgotten again if nothing that names them is saved."""

from collections.abc import Mapping

from dtaas_desktop.services.secrets import Secrets
from dtaas_desktop.ui.secret_input import EnteredSecret


def keep_entered(secrets: Secrets, entered: Mapping[str, EnteredSecret], owner: str) -> dict[str, str]:
    """Keep what was typed, in the name of its owner (“Sales, ERP”): the references by field. For a thread of the background."""
    return {field: secrets.keep(secret.secret, name=f"{owner} {field}", where=secret.where) for field, secret in entered.items()}


def with_references(values: Mapping[str, object], references: Mapping[str, str]) -> dict[str, object]:
    """The values of a form with references in the place of what was typed; fields of sections are called “section.field”."""
    found = dict(values)
    for field, reference in references.items():
        section, _, inside = field.partition(".")
        value = found.get(section)
        found[section] = with_references(value, {inside: reference}) if inside and isinstance(value, Mapping) else reference
    return found
