"""Remedies are worded for the window and the command line alike; here the options are named that do what they say."""

import re

_OPTIONS: tuple[tuple[str, str], ...] = (
    (r"a full reload", "--full-reload"),
    (r"[Ss]witch (?:the|their|its) capture on(?: again)?", "--enable-capture"),
    (r"what it does to the source is shown", "--show-capture"),
    (r"to take over “[^”]*”", "--take-over"),
    (r"[Cc]heck the task", "--check-task"),
    (r"or pause it", "--pause-task"),
    (r"Run it from the beginning", "--run-task"),
    (r"store the secret anew|store a local secret", "--set-secret"),
)


def with_options(text: str) -> str:
    """The text, with the option behind each act that it names: “a full reload (--full-reload)”."""
    for pattern, option in _OPTIONS:
        text = re.sub(pattern, rf"\g<0> ({option})", text)
    return text
