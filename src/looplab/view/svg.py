"""What is changed of the SVG that Rich and Textual write."""

from __future__ import annotations

import re


def tidy(svg: str) -> str:
    """Take out what names another host: fonts come from the machine of whoever looks at it."""
    svg = re.sub(r"@font-face\s*{.*?}", "", svg, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
