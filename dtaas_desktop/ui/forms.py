"""A form made from a pydantic model: titles, help, defaults and constraints are told there once."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby

from pydantic import BaseModel
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from dtaas_desktop.domain.secret_ref import SecretStore
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.form_inputs import make_input
from dtaas_desktop.ui.form_model import FieldSpec, field_specs, findings, first_values
from dtaas_desktop.ui.form_row import FormRow
from dtaas_desktop.ui.icons import icon
from dtaas_desktop.ui.secret_input import EnteredSecret, SecretInput
from dtaas_desktop.ui.theme import body_font
from dtaas_desktop.ui.widgets import button, label

_LONGEST_HELP_BESIDE = 45
_NARROWEST_FORM, _NARROWEST_FIELD, _GAP = 350, 70, 12  # pixels


class Form(QWidget):
    """The fields of a model, `only` some of them if named. `changed` tells every edit of the user.

    A field's mistake is shown once the user has edited it, or after `reveal`. Fields of a section are called “section.field”.
    """

    changed = Signal()

    def __init__(
        self, model: type[BaseModel], context: Context, *, only: Sequence[str] = (), secret_store: SecretStore = "keyring"
    ) -> None:
        super().__init__()
        self.model = model
        self._context, self._store = context, secret_store
        self._specs = field_specs(model, only)
        self._rows: dict[str, FormRow] = {}
        self._headings: list[tuple[QLabel, tuple[str, ...]]] = []  # with the fields beneath
        self._advanced = QWidget()
        self._advanced.hide()
        self._more = button("Advanced settings", "link")
        self._more.setCheckable(True)
        self._more.toggled.connect(self._show_advanced)
        self.general = label("", "body", wrap=True)  # what is wrong with several fields together
        self.general.setProperty("tone", "red")
        self.general.hide()
        self._given: dict[str, object] = {}
        self._elsewhere: dict[str, object] = {}
        self._is_revealed = False
        self._lay_out()
        self.show_values({})
        context.theme.changed.connect(self._paint)
        self._paint()

    def show_values(self, values: Mapping[str, object]) -> None:
        """Show these, and the defaults where they name nothing; the form is then not dirty, and no mistake is shown."""
        self._fill(self._specs, _merged(first_values(self._specs), values), "")
        self._is_revealed = False
        for row in self._rows.values():
            row.touched = False
        self._adapt()
        self._given = self.values()
        self._show_problems()

    def values(self) -> dict[str, object]:
        """What the model is to be given; fields that are not asked now are left to their defaults."""
        return self._collect(self._specs, "")

    def problems(self) -> dict[str, str]:
        """What is wrong, shown or not: a sentence per field; "" is about all of them together. Fields that are not here do not count."""
        return findings(self.model, self._elsewhere | self.values(), self._specs)

    @property
    def is_dirty(self) -> bool:
        """Whether it holds something else than was shown last."""
        return self.values() != self._given or bool(self.entered_secrets())

    def mark_clean(self) -> None:
        """What it holds now is saved."""
        self._given = self.values()

    def reveal(self) -> None:
        """Show every mistake, also of fields that nobody has edited, and of several fields together."""
        self._is_revealed = True
        for row in self._rows.values():
            row.touched = True
        self._show_problems()

    def focus_first_problem(self) -> bool:
        """Show every mistake and go to the first; False if there is none."""
        self.reveal()
        found = self.problems()
        if not found:
            return False
        first = next((name for name in self._rows if name in found), None)
        if first is not None:
            self.focus_field(first)
        return True

    def focus_field(self, name: str) -> None:
        """Put the keyboard into this field, opening the advanced settings if it is there."""
        row = self._rows[name]
        if self._advanced.isAncestorOf(row):
            self._more.setChecked(True)
        row.input.focus.setFocus()
        QTimer.singleShot(0, row, partial(_bring_into_view, row))  # once what was opened has got its place

    def fields_meant(self, names: Sequence[str], remedy: str) -> list[tuple[str, str]]:
        """Those of the fields that are asked now, and those whose titles a remedy quotes, with their titles."""
        quoted = [name for name, row in self._rows.items() if f"“{row.title}”" in remedy]
        meant = [name for name in dict.fromkeys([*names, *quoted]) if name in self._rows and self._rows[name].asked]
        return [(name, self._rows[name].title) for name in meant]

    def focus_first(self) -> None:
        """Put the keyboard into the first field."""
        row = next((row for row in self._rows.values() if row.asked), None)
        if row is not None:
            row.input.focus.setFocus()

    def field(self, name: str) -> FormRow:
        """The row of a field; KeyError if there is none."""
        return self._rows[name]

    def field_names(self) -> tuple[str, ...]:
        """The fields in reading order, those of sections as “section.field”."""
        return tuple(self._rows)

    @property
    def has_advanced(self) -> bool:
        return any(spec.advanced for spec in self._specs)

    def entered_secrets(self) -> dict[str, EnteredSecret]:
        """Secrets that were typed and are not kept yet, by field."""
        found = {name: row.input.entered for name, row in self._rows.items() if isinstance(row.input, SecretInput) and row.asked}
        return {name: entered for name, entered in found.items() if entered is not None}

    def show_kept(self, references: Mapping[str, str]) -> None:
        """The typed secrets of these fields are kept now under these references."""
        for name, reference in references.items():
            self._rows[name].input.show_value(reference)
        self._show_problems()

    def beside(self, values: Mapping[str, object]) -> None:
        """Tell what the model's fields hold that this form leaves out, so that constraints over several are judged rightly."""
        here = {spec.name for spec in self._specs}
        self._elsewhere = {name: value for name, value in values.items() if name not in here}

    def _lay_out(self) -> None:
        column = _column(self)
        self._place([spec for spec in self._specs if not spec.advanced], column, "")
        column.addWidget(self.general)
        if self.has_advanced:
            line = QHBoxLayout()
            line.addWidget(self._more)
            line.addStretch(1)
            column.addLayout(line)
            column.addWidget(self._advanced)
            self._place([spec for spec in self._specs if spec.advanced], _column(self._advanced), "")
        else:
            self._more.setParent(None)
            self._advanced.setParent(None)

    def _place(self, specs: Sequence[FieldSpec], column: QVBoxLayout, prefix: str) -> None:
        group = ""
        for _, neighbours in groupby(enumerate(specs), key=lambda one: one[1].row or one[0]):
            beside = [spec for _, spec in neighbours]
            if beside[0].group != group:
                group = beside[0].group
                self._place_heading(group, [prefix + spec.name for spec in specs if spec.group == group], column)
            if beside[0].kind == "section":
                self._place_section(beside[0], column, prefix)
                continue
            for fitting in _lines(beside):
                self._place_line([self._make_row(spec, prefix + spec.name) for spec in fitting], column)

    def _place_heading(self, group: str, names: Sequence[str], column: QVBoxLayout) -> None:
        heading = label(group, "heading")
        heading.setContentsMargins(0, 6, 0, 0)
        column.addWidget(heading)
        self._headings.append((heading, tuple(names)))

    def _place_line(self, rows: Sequence[FormRow], column: QVBoxLayout) -> None:
        line = QHBoxLayout()
        line.setSpacing(_GAP)
        for row in rows:
            line.addWidget(row, row.spec.stretch)
        lines = QVBoxLayout()
        lines.setSpacing(3)
        lines.addLayout(line)
        # Long help in a narrow column would be a tower of words.
        if len(rows) > 1 and any(len(row.spec.help) > _LONGEST_HELP_BESIDE for row in rows):
            for row in rows:
                lines.addWidget(row.help_apart())
        column.addLayout(lines)

    def _place_section(self, spec: FieldSpec, column: QVBoxLayout, prefix: str) -> None:
        section = QWidget()
        inside = _column(section)
        inside.setContentsMargins(0, 6, 0, 0)
        inside.addWidget(label(spec.title, "heading"))
        if spec.help:
            inside.addWidget(label(spec.help, "dim", wrap=True))
        self._place(spec.fields, inside, f"{prefix}{spec.name}.")
        column.addWidget(section)

    def _make_row(self, spec: FieldSpec, name: str) -> FormRow:
        if spec.kind == "secret":
            secret = SecretInput(
                self._context.theme, spec.title, self._context.workspace.secrets.describe, store=self._store, stores=spec.stores
            )
            row = FormRow(spec, secret)
        else:
            row = FormRow(spec, make_input(spec))
        row.edited.connect(self._edited)
        self._rows[name] = row
        return row

    def _fill(self, specs: Sequence[FieldSpec], values: Mapping[str, object], prefix: str) -> None:
        for spec in specs:
            value = values.get(spec.name)
            if spec.kind == "section":
                inside = value.model_dump() if isinstance(value, BaseModel) else value
                self._fill(spec.fields, inside if isinstance(inside, Mapping) else {}, f"{prefix}{spec.name}.")
            else:
                self._rows[prefix + spec.name].input.show_value(value)

    def _collect(self, specs: Sequence[FieldSpec], prefix: str) -> dict[str, object]:
        found: dict[str, object] = {}
        for spec in specs:
            name = prefix + spec.name
            if spec.kind == "section":
                found[spec.name] = self._collect(spec.fields, f"{name}.")
            elif self._rows[name].asked:
                found[spec.name] = self._rows[name].input.value()
        return found

    def _edited(self) -> None:
        self._adapt()
        self._show_problems()
        self.changed.emit()

    def _adapt(self) -> None:
        """Ask only what matters beside the other answers."""
        for name, row in self._rows.items():
            prefix = name.removesuffix(row.spec.name)
            row.ask(
                all(
                    self._rows[prefix + other].asked and self._rows[prefix + other].input.value() in wanted
                    for other, wanted in row.spec.when.items()
                )
            )
            titles = (names.get(self._rows[prefix + other].input.value()) for other, names in row.spec.titles.items())
            row.call(next(filter(None, titles), row.spec.title))
        for heading, names in self._headings:
            heading.setVisible(any(self._rows[name].asked for name in names))

    def _show_problems(self) -> None:
        found = self.problems()
        for name, row in self._rows.items():
            row.show_problem(found.get(name, "") if row.touched else "")
        # About several fields, or a section as a whole: some of them may not have had their turn yet.
        others = [sentence for name, sentence in found.items() if name not in self._rows]
        self.general.setText(" ".join(others))
        self.general.setVisible(bool(others) and self._is_revealed)

    def _show_advanced(self, shown: bool) -> None:
        self._advanced.setVisible(shown)
        self._paint()

    def _paint(self) -> None:
        self._more.setIcon(icon("down" if self._more.isChecked() else "right", self._context.theme.tokens.accent))


def _bring_into_view(row: QWidget) -> None:
    above = row.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    if isinstance(above, QScrollArea):
        above.ensureWidgetVisible(row, 0, 24)


def _lines(specs: Sequence[FieldSpec]) -> list[list[FieldSpec]]:
    """Neighbours that fit beside each other in the narrowest form there is, as many in a line as go."""
    metrics = QFontMetrics(body_font(12, body_font().Weight.Medium))
    lines: list[list[FieldSpec]] = []
    room = 0
    for spec in specs:
        needed = max(metrics.horizontalAdvance(spec.title), _NARROWEST_FIELD) + _GAP
        if not lines or needed > room:
            lines.append([])
            room = _NARROWEST_FORM
        lines[-1].append(spec)
        room -= needed
    return lines


def _column(owner: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(owner)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(14)
    return column


def _merged(defaults: Mapping[str, object], values: Mapping[str, object]) -> dict[str, object]:
    merged = dict(defaults)
    for name, value in values.items():
        default = merged.get(name)
        merged[name] = _merged(default, value) if isinstance(default, Mapping) and isinstance(value, Mapping) else value
    return merged
