"""What a driver says, as the error for it. A number that is known decides, because one SQLSTATE stands for many of them; without one the
drivers tell TLS, silence and refusal apart only in their words.
"""

import re
from dataclasses import dataclass

from dtaas_desktop.connectors.sqlserver.errors import LOST, NUMBERS, STATES, Known, NotEncrypted
from dtaas_desktop.domain.errors import AppError, PositionLost, UserError


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a driver said: SQLSTATE, the server's number (0: not from the server), and its words without secrets."""

    state: str
    number: int
    words: str


NAME_UNKNOWN = "08001: the name is not known"  # a state of our own
_TLS = re.compile(
    r"ssl|tls|certificate|encryption not supported|unsupported protocol|self.signed|schannel|secur(?:e|ity) channel",
    re.IGNORECASE,
)
_UNPROVEN = re.compile(
    r"verify|self.signed|not trusted|untrusted|authority|chain|issuer|expired|name.*(?:match|incorrect)|hostname", re.IGNORECASE
)
_REFUSED = re.compile(r"refused|0x274D|0x6F\b|10061|111\b", re.IGNORECASE)
_CUT = re.compile(r"0x68\b|0x20\b|0x2746|0x2745|1005[34]|reset by peer|broken pipe|forcibly closed", re.IGNORECASE)
_BEFORE_LOGIN = re.compile(r"before login|pre-?login|during the login process", re.IGNORECASE)
_SILENT = re.compile(r"timeout|timed out|0x274C|0x2B02|10060", re.IGNORECASE)
_NOT_THERE = re.compile(r"0x2AF9|0x2726|11001|name or service not known|no such host|could not be resolved", re.IGNORECASE)


def known_number(number: int) -> bool:
    return number in NUMBERS or number in LOST


def explained(complaint: Complaint, where: str) -> AppError:
    """The error for a complaint. `where` names the server, or the table at it, and begins a sentence."""
    words = brief(complaint.words)
    lost = LOST.get(complaint.number)
    if lost is not None:
        return PositionLost(lost.format(where=where), remedy="The table has to be read again.")
    known = NUMBERS.get(complaint.number)
    if known is None and (complaint.number <= 0 or complaint.state != "HY000"):
        known = _from_network(complaint) or STATES.get(complaint.state)
    if known is None:
        number = f" (error {complaint.number})" if complaint.number > 0 else f" ({complaint.state})" if complaint.state else ""
        return UserError(
            f"{where} could not be read: {words}{number}.", remedy="Check the table or query in another tool for SQL Server."
        )
    return known.kind(known.says.format(where=where, there=_inside(where), words=words), remedy=known.remedy)


def _from_network(complaint: Complaint) -> Known | None:
    """What a failed connection is about: the drivers tell TLS, silence and refusal apart only in their words."""
    if not complaint.state.startswith(("08", "HYT", "S1T")):
        return None
    if complaint.state == NAME_UNKNOWN or _NOT_THERE.search(complaint.words):
        return Known(UserError, "The name of {there} is not known to the network.", "Check the server's name.")
    if _TLS.search(complaint.words):
        if _UNPROVEN.search(complaint.words):
            return Known(
                NotEncrypted,
                "{where} encrypts, but its certificate proves nothing: {words}.",
                "Use the name that is in the certificate, install the authority that signed it, or switch on “Trust any certificate” if you "
                "trust the network.",
            )
        return Known(
            NotEncrypted,
            "No encrypted connection to {there} came about: {words}.",
            "Try another setting of “Encryption”; old servers know only old versions of TLS, which this computer may refuse.",
        )
    if not complaint.state.startswith("08001") and not complaint.state.startswith("HYT"):
        return None
    if _REFUSED.search(complaint.words):
        return NUMBERS[10061]
    if _BEFORE_LOGIN.search(complaint.words):
        return NUMBERS[233]
    if _CUT.search(complaint.words):
        return NUMBERS[10054]
    if _SILENT.search(complaint.words) and complaint.state != "HYT00":
        return NUMBERS[10060]
    return None


def _inside(where: str) -> str:
    """`where` in the middle of a sentence."""
    return f"table {where.removeprefix('Table ')}" if where.startswith("Table ") else where


_BRACKETS = re.compile(r"^(?:\s*\[[^\]]*\])+")


def brief(words: str) -> str:
    """A driver's message without the bracketed names in front, the call and the number behind, and a full stop."""
    text = words.strip().split("\n", 1)[0]
    text = _BRACKETS.sub("", text)
    text = re.sub(r"\s*\(-?\d+\)\s*(?:\(SQL\w+\))?\s*(?:;.*)?$", "", text, flags=re.DOTALL)
    text = text.strip().rstrip(".")
    return (text if len(text) <= 300 else f"{text[:300]}…") or "no reason was given"
