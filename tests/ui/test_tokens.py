"""The tokens: what is written can be read."""

import re
from pathlib import Path
from typing import get_args

import pytest

from dtaas_desktop.services.resources import resources_folder
from dtaas_desktop.ui.tokens import DARK, LIGHT, Tokens, Tone, contrast

LEAST = 4.5  # WCAG 2, level AA
BOTH = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@BOTH
def test_texts_can_be_read_on_every_ground(tokens: Tokens) -> None:
    for ground in ("bg", "panel", "raised", "soft"):
        for ink in ("text", "dim", "faint", "accent", "red"):
            found = contrast(getattr(tokens, ink), getattr(tokens, ground))
            assert found >= LEAST, f"{ink} on {ground}: {found:.2f}"
    assert contrast(tokens.on_primary, tokens.primary) >= LEAST
    assert contrast(tokens.text, tokens.accent_fill) >= LEAST


@BOTH
def test_every_tone_can_be_read_on_its_fill(tokens: Tokens) -> None:
    for tone in get_args(Tone):
        found = contrast(tokens.ink(tone), tokens.fill(tone))
        assert found >= LEAST, f"{tone}: {found:.2f}"


@BOTH
def test_lines_of_charts_stand_out_from_their_card(tokens: Tokens) -> None:
    assert len(set(tokens.series)) == len(tokens.series)
    for colour in tokens.series:
        assert contrast(colour, tokens.panel) >= 3  # WCAG's bound for graphics


def test_the_style_sheet_uses_only_tokens_for_colours() -> None:
    sheet = (resources_folder() / "theme.qss").read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", sheet)
    for image in re.findall(r'url\("\$icons/([^"]+)"\)', sheet):
        for mode in ("dark", "light"):
            assert (Path(resources_folder()) / "icons" / image.replace("$mode", mode)).is_file()
