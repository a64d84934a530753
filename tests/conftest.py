"""For all tests: what compiles or writes goes into folders of the run's own, not the user's."""

import os

import pytest

from snapui import quick_start

quick_start.leave_out_stubs()  # gradio would write some beside our own components too


@pytest.fixture(scope="session", autouse=True)
def compiled_networks(tmp_path_factory):
    """Share compiled networks among the tests of a run and the programs they start."""
    os.environ["SNAPUI_CACHE"] = str(tmp_path_factory.mktemp("compiled"))
