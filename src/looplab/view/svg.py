"""What is changed of the SVG that Rich and Textual write."""

from __future__ import annotations

import re


def tidy(svg: str) -> str:
    """Make it the same picture everywhere.

    Fonts come from the machine of whoever looks at it, and no host is named. Spaces are kept: a renderer that
    is no browser leaves out those at the beginning of a text, and moves all that stands behind them.
    """
    svg = re.sub(r"@font-face\s*{.*?}", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
