"""Finding by a few letters: the letters in their order, wherever they stand."""

_START_OF_WORD = 8.0
_IN_A_ROW = 6.0
_FIRST = 4.0
_SKIPPED = 0.15


def score(letters: str, text: str) -> float | None:
    """How well `text` answers to `letters`, higher is better; None if it lacks one of them. Case and blanks in `letters` do not matter.

    Letters in a row and at the starts of words count most: “rns” finds “Run Nightly sales” before “Open settings”.
    """
    wanted = "".join(letters.casefold().split())
    folded = text.casefold()
    if not wanted:
        return 0.0
    whole = folded.find(letters.casefold().strip())
    bonus = 0.0 if whole < 0 else 20.0 + (10.0 if whole == 0 or not folded[whole - 1].isalnum() else 0.0)
    found = _best(wanted, folded)
    return None if found is None else found + bonus - _SKIPPED * len(folded)


def _best(wanted: str, text: str) -> float | None:
    """The best way to find all letters in order: for each place of a letter, the best score that ends there."""
    ends: dict[int, float] = {-1: _FIRST if text.startswith(wanted[0]) else 0.0}
    for letter in wanted:
        following: dict[int, float] = {}
        places = [at for at, one in enumerate(text) if one == letter]
        for at in places:
            before = [(value + (_IN_A_ROW if end == at - 1 and end >= 0 else 0.0)) for end, value in ends.items() if end < at]
            if before:
                starts = at == 0 or not text[at - 1].isalnum()
                following[at] = max(before) + (_START_OF_WORD if starts else 0.0)
        if not following:
            return None
        ends = following
    return max(ends.values())
