"""The design tokens of both themes, as colours in #rrggbb."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["accent", "violet", "green", "amber", "red", "quiet"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """One theme. A tone's text colour on its fill reaches a contrast of 4.5 : 1, and so do text, dim and faint on bg and panel."""

    dark: bool
    bg: str
    panel: str
    raised: str
    line: str
    soft: str
    text: str
    dim: str
    faint: str
    accent: str
    accent_fill: str
    primary: str
    on_primary: str
    violet: str
    violet_fill: str
    green: str
    green_fill: str
    amber: str
    amber_fill: str
    red: str
    red_fill: str
    series: tuple[str, ...]  # charts: none of them says good or bad

    def ink(self, tone: Tone) -> str:
        """The colour of a tone's text and marks."""
        return self.dim if tone == "quiet" else str(getattr(self, tone))

    def fill(self, tone: Tone) -> str:
        """The colour behind them."""
        return self.soft if tone == "quiet" else str(getattr(self, f"{tone}_fill"))


DARK = Tokens(
    dark=True,
    bg="#0c1120",
    panel="#121a2e",
    raised="#18223a",
    line="#243150",
    soft="#1b2640",
    text="#e6ebf5",
    dim="#9dabc6",
    faint="#7f8dad",
    accent="#7fb0ff",
    accent_fill="#1d3a70",
    primary="#2f6fe4",
    on_primary="#ffffff",
    violet="#b9a3ff",
    violet_fill="#2b2350",
    green="#34c77b",
    green_fill="#123527",
    amber="#f0a93b",
    amber_fill="#3b2c12",
    red="#ff8a93",
    red_fill="#401d26",
    series=("#7fb0ff", "#d48be0", "#4dbfc0", "#d9b36a", "#8fa3f5", "#c9859b"),
)

LIGHT = Tokens(
    dark=False,
    bg="#f4f6fa",
    panel="#ffffff",
    raised="#ffffff",
    line="#dfe5ef",
    soft="#eef2f8",
    text="#131a2b",
    dim="#4d5a73",
    faint="#5f6c85",
    accent="#1d4fd0",
    accent_fill="#dbe7ff",
    primary="#2563eb",
    on_primary="#ffffff",
    violet="#5b39cc",
    violet_fill="#ebe5ff",
    green="#0c6b3c",
    green_fill="#dcf5e7",
    amber="#8a4f00",
    amber_fill="#fdeed3",
    red="#b3222f",
    red_fill="#fde4e6",
    series=("#1d4fd0", "#a63fb5", "#12797b", "#8a6a1f", "#4a5bd0", "#a04a68"),
)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
