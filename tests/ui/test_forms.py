"""Forms made from models: what is asked, what is told, and what never leaves the field of a secret."""

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from dtaas_desktop.domain.connection import CONNECTION_KINDS
from dtaas_desktop.domain.secret_ref import SecretRef
from dtaas_desktop.services.metadata_place import MetadataSettings
from dtaas_desktop.services.settings import AppSettings
from dtaas_desktop.ui.context import Context
from dtaas_desktop.ui.form_inputs import Input, PathInput
from dtaas_desktop.ui.forms import Form
from dtaas_desktop.ui.kept_secrets import keep_entered, with_references
from dtaas_desktop.ui.secret_input import SecretInput

SECRET = "c0rrect-h0rse"


class Retry(BaseModel):
    times: int = Field(3, ge=0, le=10, title="Tries")
    wait: float | None = Field(None, gt=0, title="Wait (s)")


class Server(BaseModel):
    """A hypothetical system with everything that a form can ask."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, title="Server", json_schema_extra={"row": "place", "stretch": 2})
    port: int = Field(1433, ge=1, le=65535, title="Port", json_schema_extra={"row": "place"})
    sign_in: Literal["login", "token"] = Field("login", title="Sign in with", json_schema_extra={"words": {"login": "SQL login"}})
    user: str = Field("", title="User & domain", json_schema_extra={"when": {"sign_in": "login"}})
    password: SecretRef = Field("", title="Password", description="Asked by the server.")
    encrypt: bool = Field(True, title="Encrypt", description="Recommended.")
    databases: tuple[str, ...] = Field((), title="Databases")
    ca_file: str = Field("", title="CA file", json_schema_extra={"path": "file", "advanced": True})
    limit: int | None = Field(None, gt=10, title="Limit", json_schema_extra={"advanced": True})
    retry: Retry = Field(default_factory=Retry, title="Retries")

    @model_validator(mode="after")
    def _named(self) -> "Server":
        if self.sign_in == "login" and self.host == "needs-a-user" and not self.user:
            raise ValueError("name a user")
        return self


def widget(form: Form, name: str) -> QWidget:
    return form.field(name).input.focus


def line(form: Form, name: str) -> QLineEdit:
    found = widget(form, name)
    assert isinstance(found, QLineEdit)
    return found


@pytest.fixture
def form(context: Context, qtbot: QtBot) -> Form:
    made = Form(Server, context, secret_store="local")
    qtbot.addWidget(made)
    made.resize(480, 900)
    made.show()
    return made


def test_a_form_begins_with_the_defaults_of_its_model(form: Form) -> None:
    assert form.values() == {
        "host": "",
        "port": 1433,
        "sign_in": "login",
        "user": "",
        "password": "",
        "encrypt": True,
        "databases": (),
        "ca_file": "",
        "limit": None,
        "retry": {"times": 3, "wait": None},
    }
    assert not form.is_dirty


def test_what_is_shown_is_what_comes_back(form: Form) -> None:
    values = {
        "host": "sql",
        "port": 1,
        "sign_in": "login",
        "user": "me",
        "password": "local:x",
        "encrypt": False,
        "databases": ("a", "b"),
        "ca_file": "/x",
        "limit": 11,
        "retry": {"times": 0, "wait": 0.5},
    }
    form.show_values(values)
    assert form.values() == values
    assert not form.is_dirty
    assert form.problems() == {}
    assert Server.model_validate(form.values()).retry.wait == 0.5


class Group(BaseModel):
    """Fields under headings, one of which is called by the other's value, and one that tells more to whoever points at it."""

    kind: Literal["person", "machine"] = Field("person", title="Kind")
    name: str = Field("", title="Name", json_schema_extra={"titles": {"kind": {"machine": "Address"}}, "tip": "As it is known."})
    first: int = Field(1, title="First", json_schema_extra={"group": "Times"})
    second: int = Field(2, title="Second", json_schema_extra={"group": "Times"})


def test_a_field_is_called_by_what_it_means_beside_the_others(context: Context, qtbot: QtBot) -> None:
    form = Form(Group, context)
    qtbot.addWidget(form)
    form.show()
    row = form.field("name")
    assert (row.title, row.input.focus.accessibleName()) == ("Name", "Name")
    assert row.input.widget.toolTip() == "As it is known."
    assert row.input.focus.accessibleDescription() == "As it is known."
    kind = form.field("kind").input.focus
    kind.setFocus()
    qtbot.keyClick(kind, Qt.Key.Key_Down)
    assert (row.title, row.input.focus.accessibleName()) == ("Address", "Address")
    assert [one.text() for one in form.findChildren(QLabel)].count("Times") == 1
    assert form.fields_meant(["second", "gone"], "Correct the “Address”.") == [("second", "Second"), ("name", "Address")]


def test_titles_help_and_words_come_from_the_model(form: Form) -> None:
    texts = [one.text() for one in form.findChildren(QLabel)]
    assert {"Server", "Port", "Sign in with", "Asked by the server.", "Recommended.", "Retries", "Tries"} <= set(texts)
    choice = widget(form, "sign_in")
    assert isinstance(choice, QComboBox)
    assert [choice.itemText(at) for at in range(choice.count())] == ["SQL login", "Token"]
    box = widget(form, "encrypt")
    assert isinstance(box, QCheckBox)
    assert box.text() == "Encrypt"


def test_an_ampersand_in_a_title_is_not_taken_for_a_shortcut(form: Form) -> None:
    assert "User && domain" in [one.text() for one in form.findChildren(QLabel)]


def test_nothing_is_said_of_a_field_before_it_is_touched(form: Form) -> None:
    assert "host" in form.problems()
    assert all(not form.field(name).problem for name in ("host", "port"))


def test_a_mistake_is_said_in_a_sentence_while_one_types(form: Form, qtbot: QtBot) -> None:
    port = line(form, "port")
    port.selectAll()
    qtbot.keyClicks(port, "99999")
    assert form.field("port").problem == "Enter a whole number from 1 to 65,535."
    assert port.property("wrong") is True
    assert port.accessibleDescription() == "Enter a whole number from 1 to 65,535."
    assert not form.field("host").problem  # nobody touched it
    port.selectAll()
    qtbot.keyClicks(port, "80")
    assert form.field("port").problem == ""
    assert port.property("wrong") is False


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("port", "many", "Enter a whole number."),
        ("port", "", "Enter a whole number."),
        ("port", "1.5", "Enter a whole number."),
        ("retry.times", "11", "Enter a whole number from 0 to 10."),
        ("retry.wait", "0", "Enter a number above 0."),
        ("retry.wait", "soon", "Enter a number."),
    ],
)
def test_each_constraint_has_its_sentence(form: Form, qtbot: QtBot, field: str, typed: str, sentence: str) -> None:
    target = line(form, field)
    target.selectAll()
    qtbot.keyClick(target, Qt.Key.Key_Delete)
    qtbot.keyClicks(target, typed or "x")
    if not typed:
        qtbot.keyClick(target, Qt.Key.Key_Backspace)
    assert form.field(field).problem == sentence


def test_help_stands_where_the_mistake_was_once_it_is_mended(form: Form, qtbot: QtBot) -> None:
    row = form.field("password")
    row.show_problem("Wrong.")
    assert "Wrong." in [one.text() for one in row.findChildren(QLabel)]
    row.show_problem("")
    assert "Asked by the server." in [one.text() for one in row.findChildren(QLabel)]


def test_saving_reveals_every_mistake_and_goes_to_the_first(form: Form, qtbot: QtBot) -> None:
    line(form, "port").setText("x")
    assert form.focus_first_problem()
    assert form.field("host").problem == "This is needed."
    qtbot.waitUntil(lambda: QApplication.focusWidget() is line(form, "host"))
    qtbot.keyClicks(line(form, "host"), "sql")
    line(form, "port").setText("1")
    assert not form.focus_first_problem()


def test_a_mistake_among_the_advanced_settings_opens_them(form: Form, qtbot: QtBot) -> None:
    form.show_values({"host": "sql", "limit": 3})
    assert not widget(form, "limit").isVisible()
    assert form.focus_first_problem()
    assert widget(form, "limit").isVisible()
    assert form.field("limit").problem == "Enter a whole number above 10."


def test_advanced_settings_are_opened_with_the_keyboard(form: Form, qtbot: QtBot) -> None:
    more = next(one for one in form.findChildren(QPushButton) if one.text() == "Advanced settings")
    assert not widget(form, "ca_file").isVisible()
    qtbot.keyClick(more, Qt.Key.Key_Space)
    assert widget(form, "ca_file").isVisible()


def test_what_is_wrong_with_several_fields_together_is_said_when_one_wants_to_save(form: Form, qtbot: QtBot) -> None:
    qtbot.keyClicks(line(form, "host"), "needs-a-user")
    shown = [form.general.isVisible()]
    assert form.focus_first_problem()
    shown.append(form.general.isVisible())
    assert form.general.text() == "Name a user."
    qtbot.keyClicks(line(form, "user"), "me")
    assert [*shown, form.general.isVisible()] == [False, True, False]
    assert form.problems() == {}


def test_a_field_that_does_not_matter_is_not_asked(form: Form, qtbot: QtBot) -> None:
    qtbot.keyClicks(line(form, "user"), "me")
    qtbot.keyClick(widget(form, "sign_in"), Qt.Key.Key_Down)
    assert form.values()["sign_in"] == "token"
    assert not form.field("user").isVisible()
    assert "user" not in form.values()


def test_fields_of_a_row_stand_beside_each_other_in_their_proportion(form: Form) -> None:
    host, port = form.field("host"), form.field("port")
    assert host.y() == port.y()
    assert host.width() > port.width() > 100


def test_lines_are_values_and_tab_leaves_them(form: Form, qtbot: QtBot) -> None:
    lines = widget(form, "databases")
    assert isinstance(lines, QPlainTextEdit)
    lines.setFocus()
    qtbot.keyClicks(lines, "one")
    qtbot.keyClick(lines, Qt.Key.Key_Return)
    qtbot.keyClicks(lines, "two ")
    assert form.values()["databases"] == ("one", "two")
    qtbot.keyClick(lines, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is not lines


def test_the_wheel_does_not_change_a_choice_that_one_scrolls_over(form: Form) -> None:
    choice = widget(form, "sign_in")
    nothing, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    wheel = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(0, -120), QPoint(0, -120), nothing, Qt.KeyboardModifier.NoModifier, phase, False
    )
    QApplication.sendEvent(choice, wheel)
    assert form.values()["sign_in"] == "login"


def test_every_edit_is_told_and_makes_the_form_dirty(form: Form, qtbot: QtBot) -> None:
    with qtbot.waitSignal(form.changed):
        qtbot.mouseClick(widget(form, "encrypt"), Qt.MouseButton.LeftButton, pos=QPoint(8, 12))
    dirty = [form.is_dirty]
    qtbot.mouseClick(widget(form, "encrypt"), Qt.MouseButton.LeftButton, pos=QPoint(8, 12))
    dirty.append(form.is_dirty)
    qtbot.keyClicks(line(form, "host"), "a")
    dirty.append(form.is_dirty)
    form.mark_clean()
    assert [*dirty, form.is_dirty] == [True, False, True, False]


@pytest.mark.parametrize("model", [Server, AppSettings, MetadataSettings, *(kind.settings for kind in CONNECTION_KINDS.values())])
def test_every_input_has_a_name_and_is_reached_by_tab_in_reading_order(
    context: Context, qtbot: QtBot, model: type[BaseModel]
) -> None:
    form = Form(model, context)
    qtbot.addWidget(form)
    with qtbot.waitExposed(form):
        form.show()
    form.activateWindow()
    form.focus_first()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None)
    reached: list[QWidget] = []
    for _ in range(80):
        now = QApplication.focusWidget()
        if now is None or now in reached:
            break
        assert now.accessibleName() or (isinstance(now, QPushButton) and now.text()), now
        reached.append(now)
        qtbot.keyClick(now, Qt.Key.Key_Tab)
    wanted = [form.field(name).input.focus for name in form.field_names() if form.field(name).isVisible()]
    assert [one for one in reached if one in wanted] == wanted


def test_part_of_a_model_can_be_a_form(context: Context, qtbot: QtBot) -> None:
    form = Form(Server, context, only=("port",))
    qtbot.addWidget(form)
    assert form.problems() != {}  # a host is needed, elsewhere
    form.beside({"host": "sql", "port": 5})
    assert form.problems() == {}
    assert form.values() == {"port": 1433}


# Secrets


def secret(form: Form) -> SecretInput:
    found: Input = form.field("password").input
    assert isinstance(found, SecretInput)
    return found


def everything_shown(form: Form) -> str:
    labels = [one.text() + one.toolTip() + one.accessibleName() for one in form.findChildren(QLabel)]
    lines = [one.displayText() + one.toolTip() + one.accessibleName() for one in form.findChildren(QLineEdit)]
    return "\n".join(labels + lines)


def test_a_typed_secret_is_hidden_and_never_among_the_values(form: Form, qtbot: QtBot) -> None:
    qtbot.keyClicks(secret(form).line, SECRET)
    assert SECRET not in everything_shown(form)
    assert SECRET not in repr(form.values())
    assert SECRET not in repr(form.entered_secrets())
    assert form.entered_secrets()["password"].secret == SECRET
    assert form.entered_secrets()["password"].where == "local"
    assert form.is_dirty


def test_a_kept_secret_is_named_by_its_place_and_can_be_replaced(form: Form, context: Context, qtbot: QtBot) -> None:
    qtbot.keyClicks(secret(form).line, SECRET)
    references = keep_entered(context.workspace.secrets, form.entered_secrets(), "Sales")
    form.show_kept(references)
    assert form.values()["password"] == references["password"]
    assert context.workspace.secrets.resolve(references["password"]) == SECRET
    assert form.entered_secrets() == {}
    assert "•••••• in this workspace" in [one.text() for one in form.findChildren(QLabel)]
    assert not secret(form).line.isVisible()
    replace = next(one for one in form.findChildren(QPushButton) if one.text() == "Replace")
    qtbot.mouseClick(replace, Qt.MouseButton.LeftButton)
    assert secret(form).line.isVisible()
    assert secret(form).line.text() == ""
    qtbot.waitUntil(lambda: QApplication.focusWidget() is secret(form).line)
    back = next(one for one in form.findChildren(QPushButton) if one.text() == "Leave it as it was")
    qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    assert form.values()["password"] == references["password"]


def test_a_secret_can_be_taken_from_a_variable_instead(form: Form, qtbot: QtBot) -> None:
    form.show_values({"host": "sql"})
    qtbot.keyClicks(secret(form).line, SECRET)
    place = secret(form).place
    place.setCurrentIndex([place.itemText(at) for at in range(place.count())].index("Take from a variable"))
    assert secret(form).line.text() == ""  # the secret does not turn into a name that is shown
    qtbot.keyClicks(secret(form).line, "SALES_PASSWORD")
    assert form.values()["password"] == "env:SALES_PASSWORD"
    assert form.entered_secrets() == {}
    assert form.problems() == {}


def test_where_a_secret_may_not_be_kept_is_not_offered(context: Context, qtbot: QtBot) -> None:
    form = Form(MetadataSettings, context, secret_store="local")
    qtbot.addWidget(form)
    place = secret(form).place
    assert [place.itemText(at) for at in range(place.count())] == [
        "Keep in the keyring",
        "Keep in a private file",
        "Take from a variable",
        "Take from a file",
    ]


def test_references_take_the_place_of_what_was_typed_also_in_sections() -> None:
    values: dict[str, object] = {"a": "x", "deep": {"b": "y", "c": 1}}
    assert with_references(values, {"a": "local:1", "deep.b": "local:2"}) == {"a": "local:1", "deep": {"b": "local:2", "c": 1}}
    assert values == {"a": "x", "deep": {"b": "y", "c": 1}}


def test_browse_opens_a_dialog_that_does_not_block(form: Form, qtbot: QtBot) -> None:
    form.show_values({"ca_file": "/tmp"})
    more = next(one for one in form.findChildren(QPushButton) if one.text() == "Advanced settings")
    more.click()
    path = form.field("ca_file").input
    assert isinstance(path, PathInput)
    qtbot.mouseClick(path.browse, Qt.MouseButton.LeftButton)
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    dialog.close()


def test_a_type_without_an_input_is_refused_when_the_form_is_made(context: Context) -> None:
    class Odd(BaseModel):
        bytes_: bytes = b""

    with pytest.raises(TypeError, match="no input"):
        Form(Odd, context)


@pytest.mark.parametrize("kind", CONNECTION_KINDS)
def test_the_form_of_every_kind_fits_into_the_narrowest_window(context: Context, qtbot: QtBot, kind: str) -> None:
    form = Form(CONNECTION_KINDS[kind].settings, context)
    qtbot.addWidget(form)
    for more in form.findChildren(QPushButton):
        if more.text() == "Advanced settings":
            more.click()
    with qtbot.waitExposed(form):
        form.show()
    assert form.minimumSizeHint().width() <= 360
    form.resize(360, form.heightForWidth(360))
    qtbot.waitUntil(lambda: form.width() == 360)
    rows = [form.field(name) for name in form.field_names() if form.field(name).isVisible()]
    assert [row.spec.name for row in rows if row.height() < row.heightForWidth(row.width())] == []
