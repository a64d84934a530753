"""What a storybook clip shows, as one small frozen record, and the words it is made of."""

from dataclasses import dataclass

from engine.errors import DataError
from engine.storybook.places import PAINTED, PLAIN_COLOURS

TRAVELS = (
    "in place",
    "left",
    "right",
    "up",
    "down",
    "bouncing",
    "growing",
    "shrinking",
    "spinning",
)
CAMERAS = ("still", "follow", "zoom")


@dataclass(frozen=True)
class Scene:
    """One subject, somewhere, doing something, seen by a camera.

    subject: a sprite's name. place: a plain colour or a painted place. travel: one of TRAVELS.
    size: visible height as a fraction of the frame's height at time 0. x, y: centre at time 0,
    fractions of the frame's width and height. speed: fractions of the width (left, right) or
    height (up, down, bouncing) a second; doublings a second (growing, shrinking); turns a second
    (spinning). phase: seconds into the animation loop at time 0. place_seed: variety of the
    place. mirrored: draw the subject flipped.
    Raises: DataError for an unknown place, travel or camera, or a size that is not positive.
    """

    subject: str
    place: str
    travel: str
    size: float
    x: float
    y: float
    speed: float
    camera: str = "still"
    phase: float = 0.0
    place_seed: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        for field, value, known in (
            ("place", self.place, (*PLAIN_COLOURS, *PAINTED)),
            ("travel", self.travel, TRAVELS),
            ("camera", self.camera, CAMERAS),
        ):
            if value not in known:
                raise DataError(f"Unknown {field} {value!r}; use one of: {', '.join(known)}.")
        if not 0 < self.size <= 4:
            raise DataError(f"A subject's size must be above 0 and at most 4, got {self.size}.")
