"""The README's commands are ones that the programs understand."""

import re
import shlex
from pathlib import Path

import pytest

from engine import cli
from engine.evaluation import __main__ as evaluation
from engine.evaluation import longer, sweep
from engine.training import __main__ as training
from engine.training import reading

README = Path(__file__).parents[1] / "README.md"
PARSERS = {"engine": cli._parser, "engine.training": training.parser,
           "engine.training.reading": reading.parser,
           "engine.evaluation": evaluation.parser, "engine.evaluation.longer": longer.parser,
           "engine.evaluation.sweep": sweep.parser}
COMMANDS = [line for line in README.read_text().splitlines()
            if re.match(r"(python|torchrun) .*-m engine", line)]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_understood(line):
    words = shlex.split(line.partition(" > ")[0], comments=True)
    place = max(at for at, word in enumerate(words) if word == "-m") + 1
    told = PARSERS[words[place]]().parse_args(words[place + 1:])
    if getattr(told, "sprites", None):
        learnt = "core40" if "forty" in line else "core12"
        assert told.subjects == learnt, "the subjects that the shipped model has learned"


def test_there_are_commands_of_every_program():
    assert all(any(f"-m {name} " in line for line in COMMANDS) for name in PARSERS)
