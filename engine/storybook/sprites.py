"""The storybook's cast: animated subjects with a name, a way of moving and a natural place.

A sprites folder holds `animated/` with its `animated.tsv` and `still/` with its `still.tsv`. Side
views face left as drawn. Some nouns are shared by several files (five yellow faces), so every
subject also gets a unique `name`, the one that captions, splits and scenes use.
"""

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DataError
from engine.storybook.pyramid import Pyramid

FRAMES_PER_SECOND = 1000 / 42

CORE_12 = (
    ("dog", None),
    ("horse", None),
    ("penguin", None),
    ("butterfly", None),
    ("blue fish", None),
    ("red car", None),
    ("rocket", None),
    ("ghost", None),
    ("red heart", None),
    ("yellow star", None),
    ("snowman", None),
    ("panda", None),
)
CORE_20 = (
    *CORE_12,
    ("cat", None),
    ("zebra", None),
    ("bee", None),
    ("octopus", None),
    ("green frog", None),
    ("steam train", None),
    ("sailboat", None),
    ("yellow face", "grinning"),
)
CORE_40 = (
    *CORE_20,
    ("tiger", None),
    ("kangaroo", None),
    ("white dove", None),
    ("eagle", None),
    ("dolphin", None),
    ("red crab", None),
    ("turtle", None),
    ("fox", None),
    ("lion", None),
    ("bunny", None),
    ("chick", None),
    ("fire truck", None),
    ("orange bus", None),
    ("helicopter", None),
    ("flying saucer", None),
    ("sun", "pulsing"),
    ("cloud", "raining"),
    ("tornado", None),
    ("fire", None),
    ("alarm clock", None),
)
_CASTS = {"core12": CORE_12, "core20": CORE_20, "core40": CORE_40}

# (noun, motion) in the table -> (unique name, motion the name leaves unsaid): where several files
# share a noun, and where a phrase reads or fits badly.
_NAMES = {
    ("sun", "hiding behind a cloud"): ("sun behind a cloud", ""),
    ("cloud", "raining"): ("raining cloud", ""),
    ("cloud", "snowing"): ("snowing cloud", ""),
    ("yellow face", "grinning"): ("grinning yellow face", ""),
    ("yellow face", "laughing with tears"): ("laughing yellow face", ""),
    ("yellow face", "crying"): ("crying yellow face", ""),
    ("yellow face", "wearing sunglasses"): ("yellow face with sunglasses", ""),
    ("yellow face", "with heart eyes"): ("yellow face with heart eyes", ""),
    ("yellow face", "winking"): ("winking yellow face", ""),
    ("yellow face", "sleeping"): ("sleeping yellow face", ""),
    ("yellow face", "with its head exploding"): ("yellow face with an exploding head", ""),
    ("hand", "giving a thumbs up"): ("thumbs-up hand", ""),
    # "Standing in falling snow in the snow" says it twice.
    ("snowman", "standing in falling snow"): ("snowman", "standing"),
    # A longer look: it rolls over in one place.
    ("dolphin", "leaping"): ("dolphin", "turning a somersault"),
    ("person", "running"): ("runner", "running"),
    ("person", "walking"): ("person", "walking"),
    ("person", "riding a bicycle"): ("cyclist", "riding a bicycle"),
    ("person", "swimming"): ("swimmer", "swimming"),
    ("person", "skiing"): ("skier", "skiing"),
    ("person", "surfing"): ("surfer", "surfing"),
    ("person", "doing a cartwheel"): ("acrobat", "doing a cartwheel"),
    ("person", "lifting weights"): ("weightlifter", "lifting weights"),
}


@dataclass(frozen=True, eq=False)
class Sprite:
    """One subject.

    name: unique, used in captions. motion: what it does, as a phrase ("walking"), "" when unsaid.
    facing: "left", "front", "up-right", ... as drawn. place: "ground", "air", "water", "any",
    "none" or "tile". frames: its pyramid of premultiplied RGBA levels.
    """

    name: str
    noun: str
    motion: str
    category: str
    facing: str
    place: str
    frames: Pyramid
    frames_per_second: float = FRAMES_PER_SECOND

    @property
    def aspect(self) -> float:
        """Visible width over visible height."""
        return self.frames.visible_width / self.frames.visible_height


def load_sprites(
    folder: Path,
    subjects: str | Sequence[str] = "core40",
    report: Callable[[str], None] | None = None,
    *,
    cache: Path | None = None,
) -> tuple[Sprite, ...]:
    """Read the cast from a sprites folder.

    subjects: some of "core12", "core20", "core40", "all" (that move), "still" (the single
    pictures), nouns and names; a string has commas between them. report: receives one sentence for
    each picture that cannot be read and is skipped. cache: folder for decoded levels.
    Raises: DataError when the folder or its table is missing, when a name is nobody's, or when
    nothing can be read.
    """
    folder = Path(folder)
    names = subjects.split(",") if isinstance(subjects, str) else subjects
    asked = {name.strip() for name in names} - {""}
    rows = []
    if asked != {"still"}:
        rows += _rows_of(asked - {"still"}, _read_table(folder, "animated"))
    if "still" in asked:
        rows += _read_table(folder, "still")
    sprites: dict[str, Sprite] = {}
    for row in rows:
        sprite = _open_sprite(folder, row, cache, report)
        if sprite is not None:
            # A still may repeat an animated subject: the first one keeps the name.
            sprites.setdefault(sprite.name, sprite)
    if not sprites:
        raise DataError(f"No subject could be read from {folder}: check the names and the files.")
    return tuple(sprites.values())


def by_name(sprites: Sequence[Sprite]) -> Mapping[str, Sprite]:
    """Return the cast as a mapping from name to sprite, as `render` takes it."""
    return {sprite.name: sprite for sprite in sprites}


def _read_table(folder: Path, kind: str) -> list[dict[str, str]]:
    """Read animated.tsv or still.tsv; rows get the fields a still does not have."""
    path = folder / f"{kind}.tsv"
    if not path.is_file() or not (folder / kind).is_dir():
        raise DataError(
            f"No sprites in {folder}: expected {kind}.tsv beside a folder {kind}/. "
            "Point --sprites at the folder that holds them."
        )
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    still = {"motion": "", "category": "thing", "facing": "front", "place": "none"}
    rows = [{**still, **row, "kind": kind} for row in rows]
    if any(not row.get("file") or not row.get("noun") for row in rows):
        raise DataError(f"{path} needs the columns file and noun in every row.")
    return rows


def _name_and_motion(row: Mapping[str, str]) -> tuple[str, str]:
    return _NAMES.get((row["noun"], row["motion"]), (row["noun"], row["motion"]))


def _rows_of(asked: Collection[str], rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Choose rows by names of casts, nouns or unique names. Raises: DataError for another name."""
    known = {"all", *_CASTS, *(name for row in rows for name in _names_of(row))}
    if strangers := sorted(set(asked) - known):
        raise DataError(f"No subject is called {', '.join(strangers)}: give "
                        f"{', '.join(_CASTS)}, all, still, or nouns of animated.tsv.")
    return [row for row in rows if _is_wanted(row, asked)]


def _names_of(row: Mapping[str, str]) -> set[str]:
    return {row["noun"], _name_and_motion(row)[0]}


def _is_wanted(row: Mapping[str, str], asked: Collection[str]) -> bool:
    """Match a row with the names of casts, nouns or unique names; "all" is every row."""
    if "all" in asked:
        return True
    pairs = [pair for name in asked for pair in _CASTS.get(name, ((name, None),))]
    names = _names_of(row)
    # A pair without a motion means the plain noun, so "sun" must not bring every other sun.
    return any(noun in names and motion in (None, row["motion"]) for noun, motion in pairs)


def _open_sprite(
    folder: Path,
    row: Mapping[str, str],
    cache: Path | None,
    report: Callable[[str], None] | None,
) -> Sprite | None:
    """Open one row's picture; a damaged one is reported and skipped."""
    path = folder / row["kind"] / row["file"]
    try:
        frames = Pyramid.open(path, cache=cache, still=row["kind"] == "still")
    except DataError as problem:
        if report is not None:
            report(f"Skipped the subject {row['noun']}: {problem}")
        return None
    name, motion = _name_and_motion(row)
    return Sprite(
        name=name,
        noun=row["noun"],
        motion=motion,
        category=row["category"],
        facing=row["facing"],
        place=row["place"],
        frames=frames,
    )
