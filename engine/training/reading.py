"""`python -m engine.training.reading`: teach a trained model to read other words as its captions.

All but the text's reader stays as it is, so whatever the model draws it goes on drawing. What the
frozen rest makes of a caption is the lesson: of the same scene in other words it should make the
same. No clip is painted, so a lesson costs a thousandth of a clip's.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW

from engine import checkpoint
from engine.errors import DataError, SnapError
from engine.model import Conditions
from engine.stage import Stage, load_stage
from engine.text import EncodedText, TextEncoder
from engine.training.__main__ import encoder_of, make_folder, say
from engine.training.hearing import (
    Difference,
    Hearing,
    Question,
    collected_queries,
    summed_up,
)
from engine.training.loop import LOG_STEPS
from engine.training.recipe import Recipe
from engine.training.storybook import StorybookSource
from engine.training.truth import UNKNOWN
from engine.vocabulary import VOCABULARY_NAME

LAYERS = 1
PAIRS = 40_000
FEWEST_PAIRS = 16     # of fewer, nothing says how far captions are apart
FREE_SHARE = 0.75
BATCH = 128
STEPS = 1500
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.05
WARMUP = 100
ENCODED = 256         # captions that are encoded at once
QUERIES = 64          # of a step's latents, for all of its captions
QUESTIONED = 4096     # captions that answers are read from
RUNS = 4              # clips made to collect them
BLUR = 0.4            # most noise on a state, which is about as large: near words are read alike
MIXED = 0.4           # most that other words' states are mixed in, for the same


@dataclass(frozen=True)
class Pairs:
    """States of captions, half precision: as people might say them, and as they are meant.

    said: n of them; meant: of fewer, and which of those each said one means, (n,) long.
    answers: what each meant one says, a column a question, (m, questions).
    """

    said: EncodedText
    meant: EncodedText
    which: Tensor
    answers: Tensor

    def __len__(self) -> int:
        return len(self.which)


def paired(source: StorybookSource, encoder: TextEncoder, count: int, seed: int) -> Pairs:
    """Word `count` training-split scenes twice and encode what was said."""
    rng = np.random.default_rng(seed)
    pairs = [source.paraphrase(rng) for _ in range(count)]
    answers = {meant: answer for _, meant, answer in pairs}
    numbers = {meant: number for number, meant in enumerate(answers)}
    return Pairs(_encoded(encoder, [said for said, *_ in pairs]), _encoded(encoder, list(numbers)),
                 torch.tensor([numbers[meant] for _, meant, _ in pairs]),
                 torch.tensor(list(answers.values())))


def _encoded(encoder: TextEncoder, captions: Sequence[str]) -> EncodedText:
    parts = [encoder.encode(captions[start:start + ENCODED])
             for start in range(0, len(captions), ENCODED)]
    return EncodedText(torch.cat([part.tokens.half() for part in parts]),
                       torch.cat([part.mask for part in parts]))


def _cut(text: EncodedText, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Take some captions' states and mask, no longer than the longest of them."""
    mask = text.mask[rows]
    longest = int(mask.sum(1).max())
    return text.tokens[rows, :longest].float(), mask[:, :longest]


class ReadingTrainer:
    """Teaches the reader of a stage; its other parts are frozen and are the teacher."""

    def __init__(self, stage: Stage, pairs: Pairs, steps: int, seed: int = 0):
        self.stage, self.pairs, self.steps = stage, pairs, steps
        network = stage.network
        network.eval().requires_grad_(False)
        self.reader = network.reader.requires_grad_(True)
        self.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.optimizer = AdamW(self.reader.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        with torch.no_grad():
            some = self._conditions(pairs.meant, self._numbers(len(pairs.meant.mask), RUNS))
            self.hearing = Hearing(network, collected_queries(stage, some))
            self.differences = self._differences()
            self.questions = self._questions()
        self.step = 0

    def _differences(self) -> list[Difference]:
        """Measure how far captions are apart in each place of hearing."""
        rows = self._numbers(len(self.pairs.meant.mask), min(4 * BATCH, len(self.pairs.meant.mask)))
        meant = self.hearing(*self._told(self.pairs.meant, rows))
        return [Difference((one - one.mean(0)).reshape(-1, one.shape[-1])) for one in meant]

    def _questions(self) -> list[list[Question]]:
        """Learn to answer every question in each place of hearing."""
        full = (self.pairs.answers != UNKNOWN).all(1).nonzero()[:, 0]
        full = full[torch.randperm(len(full), generator=self.generator)[:QUESTIONED]]
        heard = zip(*([summed_up(one) for one in self.hearing(*self._told(self.pairs.meant, rows))]
                      for rows in full.split(BATCH)), strict=True)
        return [[Question(torch.cat(parts), answers) for answers in self.pairs.answers[full].T]
                for parts in heard]

    def _numbers(self, size: int, count: int) -> Tensor:
        return torch.randint(size, (count,), generator=self.generator)

    def _conditions(self, text: EncodedText, rows: Tensor) -> Conditions:
        count, (tokens, mask) = len(rows), _cut(text, rows)
        fps = torch.tensor(StorybookSource.FPS)[self._numbers(3, count)]
        return Conditions(tokens, mask, torch.ones(count, dtype=torch.bool), fps,
                          torch.tensor([[288.0, 512.0]]).expand(count, 2))

    def _told(self, text: EncodedText, rows: Tensor) -> tuple[Conditions, Tensor, Tensor]:
        sigma = (0.5 + 1.5 * torch.randn(len(rows), generator=self.generator)).exp()
        return (self._conditions(text, rows), self.stage.preconditioning.c_noise(sigma),
                self._numbers(len(self.hearing.queries[0]), QUERIES))

    def _unsettled(self, tokens: Tensor) -> Tensor:
        """Mix other captions' states into those of each, (b, l, width), and add noise; of one a
        little, of one much.
        """
        shares = torch.rand(2, len(tokens), 1, 1, generator=self.generator)
        captions, places = (torch.randperm(n, generator=self.generator) for n in tokens.shape[:2])
        mixed = torch.lerp(tokens, tokens[captions][:, places], MIXED * shares[0])
        return mixed + BLUR * shares[1] * torch.randn(tokens.shape, generator=self.generator)

    def train_step(self) -> float:
        """Learn from one batch of pairs. Returns: the loss."""
        rows = self._numbers(len(self.pairs), BATCH)
        meaning = self.pairs.which[rows]
        meant, c_noise, chosen = self._told(self.pairs.meant, meaning)
        tokens, mask = _cut(self.pairs.said, rows)
        said = replace(meant, text_tokens=self._unsettled(tokens), text_mask=mask)
        with torch.no_grad():
            lesson = self.hearing(meant, c_noise, chosen)
        heard = self.hearing(self.reader(said), c_noise, chosen)
        loss = self._distance(heard, lesson) + self._mistakes(heard, self.pairs.answers[meaning])
        rate = min(1.0, (self.step + 1) / WARMUP) * (1 - self.step / self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = LEARNING_RATE * rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def _distance(self, heard: list[Tensor], lesson: list[Tensor]) -> Tensor:
        return sum(difference(one, other) for difference, one, other in zip(
            self.differences, heard, lesson, strict=True)) / len(lesson)

    def _mistakes(self, heard: list[Tensor], answers: Tensor) -> Tensor:
        losses = [question.loss(summed_up(one), answer)
                  for questions, one in zip(self.questions, heard, strict=True)
                  for question, answer in zip(questions, answers.T, strict=True)]
        return sum(losses) / len(losses)


def with_reader(folder: Path, layers: int = LAYERS) -> Stage:
    """Load a stage, with a reader that changes nothing yet if it has none.

    Raises: DataError if its patches are told of no text, ModelError if it cannot be loaded.
    """
    stage = load_stage(folder)
    if stage.network.describing_text is None:
        raise DataError(f"The patches of {folder} are told of no text (`modulated`), so there is "
                        "nothing a reader could teach them.")
    if stage.network.reader is not None:
        return stage
    config = replace(stage.config, network=replace(stage.config.network, text_layers=layers))
    grown = Stage(config, is_short=stage.is_short)
    own = grown.network.state_dict()
    grown.network.load_state_dict({**own, **stage.network.state_dict()})
    return grown


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog="python -m engine.training.reading",
                                description=__doc__.split(": ")[1].split("\n")[0])
    p.add_argument("--model", type=Path, required=True, help="folder of a model's base stage")
    p.add_argument("--sprites", type=Path, required=True, help="folder of the storybook sprites")
    p.add_argument("--subjects", default="core40", help="those that the model was taught")
    p.add_argument("--out", type=Path, required=True, help="folder for the stage that reads more")
    p.add_argument("--steps", type=int, default=STEPS,
                   help=f"of {BATCH} captions (default: {STEPS})")
    p.add_argument("--pairs", type=int, default=PAIRS, help=f"of captions (default: {PAIRS})")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, help="processor threads; all of them by default")
    return p


def main() -> int:
    """Run the command line. Returns: the exit code."""
    options = parser().parse_args()
    torch.set_flush_denormal(True)    # what grows from zero would crawl through them
    try:
        teach(options)
        return 0
    except SnapError as error:
        say(str(error))
    except KeyboardInterrupt:
        say("Stopped; nothing was written.")
        return 130
    return 1


def teach(options: argparse.Namespace) -> None:
    """Teach a reader and write the stage it belongs to. Raises: SnapError with a sentence."""
    for name, least in (("steps", 1), ("pairs", FEWEST_PAIRS), ("threads", 1), ("seed", 0)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise DataError(f"--{name} must be {least} or more, not {value}.")
    torch.set_num_threads(options.threads or torch.get_num_threads())
    make_folder(options.out)
    stage = with_reader(options.model)
    source = StorybookSource(options.sprites, options.subjects, Recipe(free_wording=FREE_SHARE))
    encoder = encoder_of(stage.config, "cpu")
    say(f"Encoding {options.pairs} pairs of captions.")
    pairs = paired(source, encoder, options.pairs, options.seed)
    trainer = ReadingTrainer(stage, pairs, options.steps, options.seed)
    begun, recent = time.monotonic(), []
    while trainer.step < options.steps:
        recent.append(trainer.train_step())
        if trainer.step % LOG_STEPS == 0:
            left = (time.monotonic() - begun) / trainer.step * (options.steps - trainer.step)
            say(f"step {trainer.step}  loss {np.mean(recent):.4f}  {left / 60:.0f} min left")
            recent = []
    checkpoint.write_config(stage.config, options.out / checkpoint.CONFIG_NAME)
    checkpoint.write_config(source.vocabulary(), options.out / VOCABULARY_NAME)
    checkpoint.save_weights({name: tensor.half() for name, tensor
                             in stage.network.state_dict().items()},
                            options.out / checkpoint.WEIGHTS_NAME)


if __name__ == "__main__":
    sys.exit(main())
