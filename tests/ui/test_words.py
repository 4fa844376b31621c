"""Figures and times in words."""

import datetime

import pytest

from dtaas_desktop.ui import words


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (7.25, "7.2"),
        (12, "12"),
        (999, "999"),
        (1000, "1 k"),
        (1234, "1.2 k"),
        (12_500, "12.5 k"),
        (480_000, "480 k"),
        (999_499, "999 k"),
        (999_500, "1 M"),
        (12_480_112, "12.48 M"),
        (1_000_000_000, "1 G"),
        (2_340_000_000_000, "2.34 T"),
        (-1500, "-1.5 k"),
    ],
)
def test_figures_are_shortened_where_they_are_glanced_at(number: float, text: str) -> None:
    assert words.short(number) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (812, "812 B"), (3_400_000, "3.4 MB"), (999_600, "1.0 MB"), (150_000_000, "150 MB"), (1.9e9, "1.9 GB")],
)
def test_sizes(count: float, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (0.42, "0.4 s"),
        (12.4, "12 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (3599, "1 h"),
        (11_520, "3 h 12 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


def test_how_long_ago() -> None:
    noon = datetime.datetime(2026, 11, 21, 12, 0).astimezone().timestamp()
    assert words.ago(noon - 10, noon) == "just now"
    assert words.ago(noon - 840, noon) == "14 min ago"
    assert words.ago(noon - 3 * 3600, noon) == "3 h ago"
    assert words.ago(noon - 20 * 3600, noon) == "yesterday"
    assert words.ago(noon - 5 * 86_400, noon) == "16 Nov"
    assert words.ago(noon - 400 * 86_400, noon) == "17 Oct 2025"


def test_every_state_of_a_run_has_a_word() -> None:
    for state in (
        "running",
        "done",
        "failed",
        "partly failed",
        "paused",
        "cancelled",
        "interrupted",
        "waiting",
        "following",
        None,
    ):
        word, tone = words.state_words(state)
        assert word[0].isupper()
        assert tone
