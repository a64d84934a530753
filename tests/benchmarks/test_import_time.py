"""What `python -m benchmarks import` counts, with a stand-in for the program."""

import time
from argparse import Namespace
from contextlib import contextmanager

from benchmarks import import_time


def test_the_first_page_s_figure_is_from_the_start_to_the_answer_and_not_to_the_end(monkeypatch):
    folders = []

    @contextmanager
    def program(folder):
        folders.append(folder)
        time.sleep(0.05)
        yield "http://127.0.0.1:1"
        time.sleep(0.5)

    monkeypatch.setattr(import_time, "program", program)
    monkeypatch.setattr(import_time, "_imported", lambda modules: (0.1, False))
    rows = {row.what: row for row in import_time.measure(Namespace(repeats=2)).rows}
    page = rows["first page of app.py"]
    assert 0.05 <= page.value < 0.5 and page.target == "< 6 s"
    assert len(set(folders)) == 2 and not any(folder.exists() for folder in folders)
