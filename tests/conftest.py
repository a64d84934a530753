"""For all tests: networks are compiled into a folder of the run's own, not the user's."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def compiled_networks(tmp_path_factory):
    """Share compiled networks among the tests of a run and the programs they start."""
    os.environ["SNAPUI_CACHE"] = str(tmp_path_factory.mktemp("compiled"))
