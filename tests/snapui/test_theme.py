"""The look of the page: what can be said of it without a browser."""

import re

import pytest

from snapui.theme import PAPER, css, theme


def luminance(colour):
    """Return the relative luminance of "#rrggbb" or "white". Source: WCAG 2.2."""
    digits = "ffffff" if colour == "white" else colour.removeprefix("#")
    parts = [int(digits[place:place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
                        for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_the_guidelines_do():
    assert contrast("white", "#000000") == pytest.approx(21)
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)


def test_no_rule_lists_two_dark_selectors_of_which_gradio_would_lose_one():
    lists = re.findall(r"(\.dark [^{}]*)\{", css())
    assert len(lists) > 10 and [one for one in lists if one.count(".dark ") > 1] == []


@pytest.mark.parametrize("look", ["", "_dark"])
@pytest.mark.parametrize(("text", "ground"), [
    ("input_placeholder_color", "input_background_fill"),
    ("body_text_color_subdued", "body_background_fill"),
    ("block_info_text_color", "block_background_fill")])
def test_every_quiet_text_can_be_read(look, text, ground):
    made = theme()

    def colour(name):
        value = getattr(made, name + look)
        step = re.fullmatch(r"\*neutral_(\d+)", value)
        return getattr(PAPER, f"c{step[1]}") if step else value

    assert contrast(colour(text), colour(ground)) >= 4.5
