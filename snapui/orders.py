"""What jobs ask for besides their request: an extension, an edit, or how drafts begin.

An order is complete but for the clip it starts from, which is its job's source. It travels as JSON
in the journal and inside the files it makes.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from engine.errors import RequestError
from engine.extension.plan import Layout
from engine.extension.request import FITS, ExtensionRequest
from engine.extension.segments import until
from snapui.schema import LONG, Job

EDITS = {"trim": "Trimmed", "colour": "Colours matched", "dissolve": "Joins dissolved"}


@dataclass(frozen=True)
class Order:
    """What an extension asks for.

    start_picture, end_picture, video: given files inside the output folder, or nothing.
    is_upscale: whether the clip it starts from is a finished draft, which is only made large.
    redo_of: the clip that is made again, if no source says where it belongs.
    """

    request: ExtensionRequest
    start_picture: str = ""
    end_picture: str = ""
    video: str = ""
    is_upscale: bool = False
    redo_of: int | None = None

    @property
    def given_names(self) -> list[str]:
        """The names of the given files."""
        return [Path(one).name for one in (self.start_picture, self.end_picture, self.video) if one]

    @property
    def name(self) -> str:
        """What the order makes, in a word or two; nothing for a plain segment."""
        if self.is_upscale:
            return "Upscaled"
        if self.request.in_between > 1:
            return f"Smoother ×{self.request.in_between}"
        return "Loop" if self.request.is_loop else ""

    def to_json(self) -> str:
        """Return the order as one line of JSON."""
        return json.dumps(asdict(self) | {"request": self.request.to_json()}, sort_keys=True,
                          ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Order":
        """Read back what `to_json` wrote."""
        values = json.loads(text)
        return cls(**values | {"request": ExtensionRequest.from_json(values["request"])})


@dataclass(frozen=True)
class Edit:
    """What an edit asks for: one of EDITS. frames: how many a trim leaves. Raises: RequestError."""

    what: str
    frames: int = 0

    def __post_init__(self) -> None:
        if self.what not in EDITS:
            raise RequestError(f"A clip is edited by {', '.join(EDITS)}, not by {self.what!r}.")

    @property
    def name(self) -> str:
        """What was done, in a word or two."""
        return EDITS[self.what]

    def to_json(self) -> str:
        """Return the edit as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Edit":
        """Read back what `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Opening:
    """The start picture of drafts, a given file inside the output folder. Raises: RequestError."""

    picture: str
    fit: str = FITS[0]

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise RequestError(f"Fit must be one of {', '.join(FITS)}, not {self.fit!r}.")

    @property
    def name(self) -> str:
        """The name of the file."""
        return Path(self.picture).name

    def to_json(self) -> str:
        """Return the opening as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)


def opening_of(job: Job) -> Opening | None:
    """Return how a job's drafts begin, or the drafts it upscales; None if with nothing given."""
    return Opening(**json.loads(job.order)) if job.order and job.kind not in LONG else None


def order_from(kind: str, text: str) -> Order | Edit:
    """Return the order of a job or clip of one of the long kinds."""
    return (Edit if kind == "edit" else Order).from_json(text)


@dataclass(frozen=True)
class Take:
    """One segment an order makes: the frame after its last one, and its prompt."""

    end_frame: int
    prompt: str


def takes_of(request: ExtensionRequest, layout: Layout, given_frames: int) -> list[Take]:
    """Return the segments that are new. given_frames: how many the video before them has."""
    if request.in_between > 1:
        return [Take(layout.frames, request.clip.prompt)]
    starts = [given_frames, *(join for join in layout.joins if join > given_frames)]
    ends = [*starts[1:], layout.frames]
    return [Take(end, _prompt_at(request, start)) for start, end in zip(starts, ends, strict=True)]


def _prompt_at(request: ExtensionRequest, frame: int) -> str:
    """Return what is shown from a frame on."""
    shown = request.timeline
    begun = [prompt for prompt, start in zip(shown.prompts, shown.starts_seconds, strict=True)
             if round(start * request.clip.fps) <= frame]
    return begun[-1]


def made_anew(order: Order, seed: int, *, frames: int, is_first: bool, is_last: bool) -> Order:
    """Return the order that makes one segment of an order again, with another seed.

    frames: how many the clip has at the segment's end. is_first, is_last: whether the order made
    no segment before it, and none after it; it then starts and ends as the order does.
    """
    request = replace(order.request, clip=replace(order.request.clip, seed=seed))
    if not is_first:
        order = replace(order, start_picture="", video="")
    if not is_last:
        seconds = frames / request.clip.fps
        request = replace(request, seconds=seconds, is_loop=False,
                          segments=until(request.segments, seconds))
        order = replace(order, end_picture="")
    return replace(order, request=request)
