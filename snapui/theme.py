"""The look of the page: paper and ink, one warm accent, the fonts the machine already has."""

from pathlib import Path

import gradio as gr
from gradio.themes.utils.colors import Color

STATIC = Path(__file__).parent / "static"
HEAD = ("memory.js", "live.js", "page.js", "write.js", "drop.js")
PAPER = Color(c50="#fdfbf7", c100="#f7f3ec", c200="#e9e2d6", c300="#d5cbba", c400="#a79c8b",
              c500="#766c60", c600="#5d554b", c700="#433d37", c800="#2b2825", c900="#1f1d1c",
              c950="#161515", name="paper")
EMBER = Color(c50="#fff4ed", c100="#ffe4d3", c200="#fdc6a5", c300="#fba06d", c400="#f58a4b",
              c500="#dc5f1b", c600="#b8480f", c700="#983a10", c800="#7a3114", c900="#642b14",
              c950="#361307", name="ember")
SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans",
        "Liberation Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "Liberation Mono", "monospace")


def theme() -> gr.themes.Base:
    """Return the theme, light and dark."""
    return gr.themes.Base(
        primary_hue=EMBER, secondary_hue=EMBER, neutral_hue=PAPER, radius_size="md",
        font=SANS, font_mono=MONO,
    ).set(
        body_text_color_subdued="*neutral_500", body_text_color_subdued_dark="*neutral_400",
        input_placeholder_color="*neutral_500", input_placeholder_color_dark="*neutral_400",
        input_border_width="1px", input_border_width_dark="1px",
        body_background_fill="*neutral_100", body_background_fill_dark="*neutral_950",
        block_background_fill="*neutral_50", block_background_fill_dark="*neutral_900",
        block_border_width="0px", block_shadow="none", block_shadow_dark="none",
        block_label_text_color="*neutral_600", block_info_text_color="*neutral_500",
        block_title_text_color="*neutral_800", block_title_text_color_dark="*neutral_100",
        block_info_text_color_dark="*neutral_400", block_title_text_weight="600",
        input_background_fill="white", input_background_fill_dark="*neutral_800",
        input_border_color="*neutral_300", input_border_color_dark="*neutral_700",
        input_border_color_focus="*primary_500", input_border_color_focus_dark="*primary_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*primary_400",
        button_primary_background_fill_hover_dark="*primary_300",
        button_primary_text_color_dark="*neutral_950",
        button_secondary_background_fill="*neutral_200",
        button_secondary_background_fill_hover="*neutral_300",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        slider_color="*primary_600", slider_color_dark="*primary_400",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_400",
    )


def css() -> str:
    """Return the rules the theme's variables cannot express: the page's, then each part's."""
    parts = sorted(STATIC.glob("*.css"), key=lambda path: path.name != "page.css")
    return "\n".join(path.read_text(encoding="utf-8") for path in parts)


def scripts(*names: str) -> str:
    """Return scripts of the static folder as one text."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def head() -> str:
    """Return the page's own script, inline: nothing is fetched from elsewhere."""
    return ('<meta name="color-scheme" content="light dark">'
            f'<script>{scripts(*HEAD)}</script>')
