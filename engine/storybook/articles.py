"""Which article a name takes."""

_NO_ARTICLE = ("hands", "santa claus")
_THE = ("sun",)


def with_article(name: str) -> str:
    """Return "a dog", "an octopus", "the sun", "hands"."""
    if name in _NO_ARTICLE:
        return name
    if name in _THE:
        return f"the {name}"
    return f"{indefinite_article(name)} {name}"


def indefinite_article(name: str) -> str:
    """Return "an" before a vowel as it is spoken, else "a"."""
    is_spoken = name[0] in "aeiou" and not name.startswith(("uni", "one", "ufo"))
    return "an" if is_spoken else "a"
