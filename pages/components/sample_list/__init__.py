"""List and sample side by side in one component: moves and marks in the browser, acts in a queue that is never lost.

    sample_list.show(payload.build(...), key="browse.list", on_change=handle)      # inside a fragment
    message = sample_list.message("browse.list")                                   # inside `handle`

Texts of samples only ever become text nodes. What the browser sends is checked here before anybody uses it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lobass_core.errors import RequestError
from lobass_core.workflows.decide import Act

_FOLDER = Path(__file__).parent
# One module in the browser: each file is plain functions, the last one has the entry point.
_SCRIPTS = ("text.js", "heat.js", "list.js", "sample.js", "main.js")
_MOUNT = st.components.v2.component(
    "lobass_sample_list",
    html='<div class="browser"></div>',
    css=(_FOLDER / "sample_list.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS),
)
# More acts than a person makes between two answers; what is beyond waits in the browser for the next.
MOST_ACTS = 500


@dataclass(frozen=True, slots=True)
class Message:
    """What the browser shows and wants; `seq` counts its messages.

    `have` are the pages it holds, `tokens` and `full` rows that it asks for.
    """

    seq: int
    view: str
    page: int
    have: frozenset[int]
    at: int | None
    tokens: int | None
    full: int | None
    acts: tuple[Act, ...]
    refused: tuple[tuple[str, str], ...]


def show(data: dict[str, object], *, key: str, on_change: Callable[[], None]) -> None:
    """Mount the component; `on_change` runs before the page does, whatever the page then does."""
    _MOUNT(key=key, data=data, width="stretch", height="content", on_ui_change=on_change)


def message(key: str) -> Message | None:
    """The browser's last message, None before the first; a malformed one counts as none."""
    sent = getattr(st.session_state.get(key), "ui", None)
    if not isinstance(sent, dict):
        return None
    acts, refused = _acts(sent.get("acts"))
    try:
        return Message(
            seq=int(sent.get("seq") or 0),
            view=str(sent["view"]),
            page=max(1, int(sent["page"])),
            have=frozenset(int(page) for page in sent.get("have") or ()),
            at=_key(sent.get("at")),
            tokens=_key(sent.get("tokens")),
            full=_key(sent.get("full")),
            acts=acts,
            refused=refused,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _key(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _acts(sent: object) -> tuple[tuple[Act, ...], tuple[tuple[str, str], ...]]:
    """Acts that can be meant, and (id, why) of those that cannot."""
    acts, refused = [], []
    for item in list(sent)[:MOST_ACTS] if isinstance(sent, list) else []:
        try:
            acts.append(Act(str(item["id"])[:64], item["kind"], int(item["key"]), str(item.get("text") or "")))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        except RequestError as error:
            refused.append((str(item["id"])[:64], error.what))
    return tuple(acts), tuple(refused)
