"""A journal in a fresh folder, and the environment that keeps gradio from calling anybody."""

import asyncio
import os

import pytest

from snapui.jobs import Journal
from snapui.schema import database_url

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


@pytest.fixture
def journal(tmp_path):
    journal = Journal(database_url(None, tmp_path), tmp_path)
    yield journal
    journal.close()


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
