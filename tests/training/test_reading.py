"""A reader of other words is taught by what the rest of the network makes of captions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import checkpoint
from engine.model import FIT
from engine.presets import PRESETS
from engine.stage import load_stage
from engine.training import hearing, reading
from engine.training.hearing import Difference, Question
from engine.training.reading import ReadingTrainer, paired, with_reader
from engine.training.truth import UNKNOWN
from engine.vocabulary import vocabulary_of
from tests.training.stand_ins import HashedText

BARE = replace(PRESETS["tiny"], network=replace(PRESETS["tiny"].network, text_layers=0))
MEANT = ("a dog going left", "a red heart", "a fish in the sea", "a ghost at night")
SAID = {"a dog going left": "this hound heads west", "a red heart": "one valentine"}
OPEN = "a ghost at night"      # says nothing of its way


class Paraphrases:
    """Says a caption in its other words, if it has any."""

    def paraphrase(self, rng):
        """Pair as engine.training.storybook.StorybookSource does."""
        meant = MEANT[rng.integers(len(MEANT))]
        number = MEANT.index(meant)
        answers = (UNKNOWN, UNKNOWN) if meant == OPEN else (number, number % 2)
        return SAID.get(meant, meant), meant, answers


def shaken(network: FIT) -> FIT:
    """A network whose every matrix says something, as of a trained one."""
    torch.manual_seed(5)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return network


@torch.no_grad()
def misheard(trainer):
    """How far everything said is from what it means, as it is heard."""
    pairs = trainer.pairs
    meant, *rest = trainer._told(pairs.meant, pairs.which)
    tokens, mask = reading._cut(pairs.said, torch.arange(len(pairs)))
    said = replace(meant, text_tokens=tokens, text_mask=mask)
    return trainer._distance(trainer.hearing(trainer.reader(said), *rest),
                             trainer.hearing(meant, *rest)).item()


@pytest.fixture
def model(tmp_path):
    """The folder of a stage without a reader."""
    folder = tmp_path / "base"
    folder.mkdir()
    checkpoint.write_config(BARE, folder / checkpoint.CONFIG_NAME)
    network = shaken(FIT(BARE.network))
    checkpoint.save_weights(network.state_dict(), folder / checkpoint.WEIGHTS_NAME)
    return folder


@pytest.fixture
def pairs():
    return paired(Paraphrases(), HashedText(384, 8), 64, seed=0)


def test_a_stage_is_given_a_reader_that_changes_nothing(model):
    stage, before = with_reader(model), load_stage(model)
    assert stage.network.reader is not None and before.network.reader is None
    own = stage.network.state_dict()
    assert all(torch.equal(own[name], p) for name, p in before.network.state_dict().items())
    assert not own["reader.out.weight"].any()


def test_a_stage_whose_patches_hear_no_text_is_refused(model):
    config = replace(BARE, network=replace(BARE.network, modulated=False, overview=False))
    checkpoint.write_config(config, model / checkpoint.CONFIG_NAME)
    checkpoint.save_weights(FIT(config.network).state_dict(), model / checkpoint.WEIGHTS_NAME)
    with pytest.raises(reading.DataError, match="told of no text"):
        with_reader(model)


def test_captions_said_alike_are_encoded_once(pairs):
    assert len(pairs) == 64 and len(pairs.meant.mask) == len(MEANT)
    assert pairs.said.tokens.dtype == torch.float16


def test_every_direction_of_a_difference_counts_alike():
    meant = torch.randn(4096, 3, generator=torch.Generator().manual_seed(0)) \
        * torch.tensor([10.0, 1.0, 1.0])
    difference, none = Difference(meant), torch.zeros(1, 3)
    wide = difference(torch.tensor([[10.0, 0, 0]]), none)
    narrow = difference(torch.tensor([[0, 1.0, 0]]), none)
    assert wide == pytest.approx(1 / 3, rel=0.1)
    assert narrow == pytest.approx(1 / 3 * 1 / (1 + hearing.FLOOR * 102 / 3), rel=0.1)
    assert difference(meant, meant) == 0


def test_other_words_come_to_be_heard_as_what_they_mean_and_nothing_else_changes(
        model, pairs, monkeypatch):
    monkeypatch.setattr(reading, "BATCH", 16)
    stage = with_reader(model)
    trainer = ReadingTrainer(stage, pairs, steps=100)
    frozen = {name: p.clone() for name, p in stage.network.state_dict().items()
              if not name.startswith("reader.")}
    first = misheard(trainer)
    while trainer.step < trainer.steps:
        trainer.train_step()
    assert misheard(trainer) < 0.2 * first
    own = stage.network.state_dict()
    assert all(torch.equal(own[name], p) for name, p in frozen.items())


def test_what_is_said_is_blurred_each_caption_by_its_own_measure(model, pairs):
    trainer = ReadingTrainer(with_reader(model), pairs, steps=1)
    tokens = torch.zeros(64, 6, 384)
    measures = trainer._unsettled(tokens).std(dim=(1, 2))
    assert measures.max() < 1.05 * reading.BLUR and measures.min() < 0.1 * reading.BLUR
    assert measures.mean() == pytest.approx(reading.BLUR / 2, rel=0.2)


def test_other_captions_states_are_mixed_into_what_is_said(model, pairs, monkeypatch):
    monkeypatch.setattr(reading, "BLUR", 0.0)
    trainer = ReadingTrainer(with_reader(model), pairs, steps=1)
    own = torch.eye(64)[:, None].expand(64, 6, 64)         # each caption has a channel of its own
    mixed = trainer._unsettled(own)
    assert torch.allclose(mixed.sum(2), torch.ones(64, 6))
    kept = mixed[torch.arange(64), 0, torch.arange(64)]
    assert kept.min() > 1 - reading.MIXED - 1e-6 and kept.max() <= 1
    assert (1 - kept).mean() == pytest.approx(reading.MIXED / 2, rel=0.3)


def test_an_answer_is_read_from_what_is_told_and_an_unsure_one_costs():
    generator = torch.Generator().manual_seed(0)
    answers = torch.arange(300) % 3 * 2                    # 0, 2 and 4
    centres = torch.tensor([[4.0, 0], [0, 4], [-4, -4]])
    heard = centres[answers // 2] + 0.5 * torch.randn(300, 2, generator=generator)
    question = Question(heard, answers)
    assert (question.known[question(heard).argmax(1)] == answers).all()
    sure = question.loss(centres, torch.tensor([0, 2, 4]))
    between = question.loss((centres + centres.roll(1, 0)) / 2, torch.tensor([0, 2, 4]))
    assert between > 0.5 > 5 * sure
    assert question.loss(centres, torch.full((3,), UNKNOWN)) == 0


def test_a_question_with_one_answer_costs_nothing():
    question = Question(torch.randn(8, 2), torch.zeros(8, dtype=torch.long))
    assert question.loss(torch.randn(4, 2), torch.zeros(4, dtype=torch.long)) == 0


def test_answers_are_learnt_from_captions_that_leave_none_open(model, pairs):
    trainer = ReadingTrainer(with_reader(model), pairs, steps=1)
    assert [[len(question.known) for question in asked] for asked in trainer.questions] \
        == (2 + trainer.stage.config.network.blocks) * [[3, 2]]


def test_what_latents_read_is_asked_of_every_block(model, pairs):
    stage = with_reader(model)
    trainer = ReadingTrainer(stage, pairs, steps=1)
    network = stage.network
    told, c_noise, chosen = trainer._told(pairs.meant, torch.arange(4))
    heard = trainer.hearing(told, c_noise, chosen)
    assert [one.shape for one in heard] == [
        (4, network.config.context_width), (4, network.config.latent_width),
        *2 * [(4, reading.QUERIES, network.config.latent_width)]]
    assert [len(queries) for queries in trainer.hearing.queries] == \
        2 * [reading.RUNS * hearing.RUN_STEPS * network.config.n_latents]
    with torch.no_grad():
        network.blocks[1].context_read.to_out.weight.zero_()
    again = trainer.hearing(told, c_noise, chosen)
    assert torch.equal(again[2], heard[2]) and not again[3].any()


def test_the_command_writes_a_stage_that_reads_more(model, tmp_path, monkeypatch):
    class Source(Paraphrases):
        FPS = (6.0, 12.0, 24.0)

        def __init__(self, sprites, subjects, recipe):
            assert (sprites.name, subjects) == ("sprites", "core12")
            assert recipe.free_wording == reading.FREE_SHARE

        def vocabulary(self):
            return vocabulary_of(SAID.values(), MEANT)

    monkeypatch.setattr(reading, "StorybookSource", Source)
    monkeypatch.setattr(reading, "encoder_of", lambda *_: HashedText(384, 8))
    out = tmp_path / "more" / "base"
    monkeypatch.setattr("sys.argv", [
        "reading", "--model", str(model), "--sprites", str(tmp_path / "sprites"), "--subjects",
        "core12", "--out", str(out), "--steps", "3", "--pairs", "16"])
    assert reading.main() == 0
    made = load_stage(out)
    assert made.network.reader.out.weight.any()
    assert "valentine" in (out / "vocabulary.json").read_text()
    assert np.allclose(made.network.latents.detach(), load_stage(model).network.latents.detach(),
                       atol=1e-3)


@pytest.mark.parametrize(("more", "sentence"), [
    ((), "There is no"), (("--steps", "0"), "--steps must be 1 or more, not 0"),
    (("--threads", "-1"), "--threads must be 1 or more, not -1"),
    (("--pairs", "1"), "--pairs must be 16 or more, not 1"),
    (("--seed", "-1"), "--seed must be 0 or more, not -1")])
def test_what_cannot_be_is_a_sentence(tmp_path, monkeypatch, capsys, more, sentence):
    monkeypatch.setattr("sys.argv", ["reading", "--model", str(tmp_path / "none"), "--sprites",
                                     str(tmp_path), "--out", str(tmp_path / "out"), *more])
    assert reading.main() == 1
    assert sentence in capsys.readouterr().err
