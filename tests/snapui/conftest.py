"""A journal in a fresh folder, and the environment that keeps gradio from calling anybody."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.catalog import ModelCard
from snapui.jobs import Journal
from snapui.schema import database_url
from snapui.supervisor import Supervisor

ROOT = Path(__file__).parents[2]
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def command(journal):
    """Return what starts a worker process with the pretended engine."""
    return [sys.executable, "-m", "tests.snapui.stand_in", "--database", journal.url,
            "--output-directory", str(journal.output_directory)]


@pytest.fixture
def journal(tmp_path):
    journal = Journal(database_url(None, tmp_path), tmp_path)
    yield journal
    journal.close()


@pytest.fixture
def with_upsampler(monkeypatch):
    """Let the shipped model have an upsampler of 288 rows."""
    _ship(monkeypatch, Card((16, 288)))


@pytest.fixture
def without_upsampler(monkeypatch):
    """Let the shipped model make drafts only."""
    _ship(monkeypatch, Card(None))


@dataclass(frozen=True)
class Card:
    """What the page asks of a model's card."""

    upsampler_size: tuple[int, int] | None
    name: str = "storybook"
    window_frames: int = 16
    sees_known_frames: bool = True
    need_upsampler = ModelCard.need_upsampler

    @property
    def upsampler_folder(self):
        """Where the upsampler would lie."""
        return self.upsampler_size and Path("upsampler")


def _ship(monkeypatch, card):
    monkeypatch.setattr("snapui.films.find_model", lambda *_: card)


@pytest.fixture
def supervised(journal, monkeypatch):
    """The journal, with a real worker process that is started again when it dies."""
    monkeypatch.chdir(ROOT)
    supervisor = Supervisor(journal, command(journal), 1)
    supervisor.start()
    yield journal
    supervisor.stop()


@pytest.fixture(autouse=True)
def no_loop_left_open(monkeypatch):
    """Close the event loops that gradio opens with every page and leaves to the collector."""
    opened, open_loop = [], asyncio.new_event_loop
    monkeypatch.setattr(asyncio, "new_event_loop",
                        lambda: opened.append(open_loop()) or opened[-1])
    yield
    for loop in opened:
        loop.close()
    if opened:
        asyncio.set_event_loop(None)
