"""What the user asks for: one frozen, validated dataclass that travels as JSON inside every file.

A request is complete: the same request gives the same frames. Field metadata (label, help, range)
is the only list of user-facing fields; the page, the command line and the file reader use it.
"""

import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from engine.errors import RequestError

QUALITY_STEPS = {"Draft": 12, "Standard": 24, "Fine": 64}
SAMPLERS = ("dpmpp_2m", "heun", "euler")
MAX_PROMPT_CHARACTERS = 2_000
MAX_SEED = 2**63 - 1


def _field(default: Any, label: str, help_text: str, **limits: Any) -> Any:
    return field(default=default, metadata={"label": label, "help": help_text, **limits})


@dataclass(frozen=True)
class GenerationRequest:
    """Everything that decides the frames of a generation.

    Raises: RequestError naming the field, what was given and what is allowed.
    """

    prompt: str = _field("", "Prompt", "What the clip shows, in plain words.")
    negative_prompt: str = _field("", "Negative prompt", "What the clip should keep away from.")
    seed: int = _field(0, "Seed", "The same seed and settings make the same clip.",
                       minimum=0, maximum=MAX_SEED)
    drafts: int = _field(1, "Drafts", "How many clips to make, each with the next seed.",
                         minimum=1, maximum=8)
    steps: int = _field(24, "Steps", "More steps take longer and look cleaner.",
                        minimum=1, maximum=256)
    guidance: float = _field(1.5, "Guidance", "How closely the clip follows the prompt; 0 is off.",
                             minimum=0.0, maximum=30.0)
    fps: float = _field(12.0, "Frames per second", "How fast the clip plays and things move.",
                        minimum=1.0, maximum=60.0)
    sampler: str = _field("dpmpp_2m", "Sampler", "The solver of the denoising equation.",
                          choices=SAMPLERS)
    oscillating: bool = _field(False, "Oscillating guidance",
                               "Alternate strong and weak guidance: livelier, less even colours.")
    model: str = _field("storybook", "Model", "A shipped model's name or a model folder.")
    upscale: bool = _field(False, "Upscale", "Also make the 512x288 clip.")
    upscale_steps: int = _field(4, "Upscale steps", "Steps of the high-resolution stage.",
                                minimum=1, maximum=256)
    upscale_noise: float = _field(0.1, "Upscale freedom",
                                  "Noise added to the draft before upscaling: 0 keeps it exactly.",
                                  minimum=0.0, maximum=1.0)

    def __post_init__(self) -> None:
        for spec in fields(self):
            object.__setattr__(self, spec.name, _checked(spec, getattr(self, spec.name)))
        if not self.prompt.strip():
            raise RequestError('The prompt is empty: say what the clip shows, for example '
                               '"a dog walking to the left in the meadow".')
        if self.draft_seeds[-1] > MAX_SEED:
            raise RequestError(f"{self.drafts} drafts need as many seeds, so Seed must be at most "
                               f"{MAX_SEED - self.drafts + 1}, not {self.seed}.")

    @property
    def draft_seeds(self) -> range:
        """Seeds of the drafts: the request's seed and the ones after it."""
        return range(self.seed, self.seed + self.drafts)

    def single(self, seed: int) -> "GenerationRequest":
        """Return the request that makes the one draft of this seed alone."""
        return replace(self, seed=seed, drafts=1)

    def to_json(self) -> str:
        """Return the request as one line of JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "GenerationRequest":
        """Read a request back from untrusted JSON. Raises: RequestError."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RequestError("The settings in this file are not valid JSON, "
                               "so they cannot be restored.") from error
        if not isinstance(values, dict):
            raise RequestError("The settings in this file are not a list of named fields.")
        unknown = sorted(set(values) - {spec.name for spec in fields(cls)})
        if unknown:
            raise RequestError(f"This file names settings this version does not know: "
                               f"{', '.join(map(str, unknown))[:200]}. Update the program.")
        return cls(**values)


def _checked(spec: Any, value: Any) -> Any:
    """Return the value of one field in its own type, or raise a sentence about it."""
    label = spec.metadata["label"]
    if spec.type is str:
        return _checked_text(spec, label, value)
    if spec.type is bool:
        if not isinstance(value, bool):
            raise RequestError(f"{label} must be true or false, not {value!r}.")
        return value
    return _checked_number(spec, label, value)


def _checked_text(spec: Any, label: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{label} must be text, not {type(value).__name__}.")
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise RequestError(f"{label} is {len(value)} characters long; "
                           f"shorten it to {MAX_PROMPT_CHARACTERS} or fewer.")
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise RequestError(f"{label} holds characters that are not valid text; type it again.")
    choices = spec.metadata.get("choices")
    if choices and value not in choices:
        raise RequestError(f"{label} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def _checked_number(spec: Any, label: str, value: Any) -> int | float:
    low, high = spec.metadata["minimum"], spec.metadata["maximum"]
    whole = spec.type is int
    try:
        if isinstance(value, bool):
            raise ValueError
        number = int(value) if whole else float(value)
        if not math.isfinite(number) or (whole and not isinstance(value, str) and number != value):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        kind = "a whole number" if whole else "a number"
        raise RequestError(f"{label} must be {kind} from {low} to {high}, "
                           f"not {str(value)[:40]!r}.") from None
    if not low <= number <= high:
        raise RequestError(f"{label} must be from {low} to {high}, not {number}.")
    return number
