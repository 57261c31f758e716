"""Text from data in a form that a terminal shows and does not obey."""

import re

# Control characters but for line feed and tab: ESC and the C1 controls begin sequences that move the cursor, set links
# or write to the clipboard. Marks that turn the direction of text, and characters that nobody can see, hide what a row
# says. The joiners U+200C and U+200D belong to Persian and to emoji, and stay.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    r"""The text with every such character as its escape: `\x1b`, `\u202e`, `\U000e0041`."""
    return _UNSAFE.sub(lambda match: _escape(ord(match.group())), text)


def printable_json(document: str) -> str:
    r"""A JSON document with the same characters as JSON's own escapes; it holds the same values."""
    return _UNSAFE.sub(lambda match: _json_escape(ord(match.group())), document)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def shortened(text: str, n_chars: int = 300) -> str:
    """The text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= n_chars else f"{line[:n_chars]} … ({len(text):,} characters)"
