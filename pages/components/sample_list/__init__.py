"""List and sample side by side in one component: moves and marks in the browser, acts in a queue that is never lost.

    sample_list.show(payload.build(...), key="browse.list", on_change=handle)      # inside a fragment
    message = sample_list.message("browse.list")                                   # inside `handle`

Texts of samples only ever become text nodes. What the browser sends is checked here before anybody uses it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lobass_core.errors import RequestError
from lobass_core.workflows.decide import Act, ActKind

_FOLDER = Path(__file__).parent
# One module in the browser: each file is plain functions, the last one has the entry point.
_SCRIPTS = (
    "../domain_colours.js", "../when_gone.js", "text.js", "find.js", "code.js", "math.js", "markdown.js", "reading.js",
    "heat.js", "list.js", "history.js", "sample.js", "remembered.js", "held.js", "outbox.js", "acts.js", "toolbar.js",
    "keys.js", "walk.js", "paint.js", "app.js", "mount.js",
)  # fmt: skip


def katex_file() -> str:
    """Name of the KaTeX that this Streamlit serves beside its main script, empty where it has none."""
    folder = Path(st.__file__).parent / "static" / "static" / "js"
    # One name with a hash; "rehype-katex" is another file.
    names = sorted(path.name for path in folder.glob("katex.*.js"))
    return names[0] if len(names) == 1 else ""


_KATEX = f"const KATEX_FILE = {json.dumps(katex_file())}"
_MOUNT = st.components.v2.component(
    "lobass_sample_list",
    html='<div class="browser"></div>',
    css=(_FOLDER / "sample_list.css").read_text(encoding="utf-8"),
    js="\n".join([_KATEX, *((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)]),
)
# More acts than a person makes between two answers; what is beyond waits in the browser for the next.
MOST_ACTS = 500


@dataclass(frozen=True, slots=True)
class RangeAct:
    """An act on the rows of a list from one place to another, both included and counted from 0."""

    act_id: str
    kind: ActKind
    text: str
    view: str
    first: int
    last: int

    def on(self, sample_keys: Sequence[int]) -> Act:
        """The act on the samples that stand there.

        Raises:
            RequestError: no sample, or an act that cannot be meant for several.
        """
        return Act(self.act_id, self.kind, text=self.text, sample_keys=tuple(sample_keys))


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
    acts: tuple[Act | RangeAct, ...]
    refused: tuple[tuple[str, str], ...]


def show(data: dict[str, object], *, key: str, on_change: Callable[[], None]) -> None:
    """Mount the component; `on_change` runs before the page does, whatever the page then does."""
    _MOUNT(key=key, data=data, width="stretch", height="content", on_ui_change=on_change)


def message(key: str) -> Message | None:
    """The browser's last message, None before the first; a malformed one counts as none."""
    sent = getattr(st.session_state.get(key), "ui", None)
    if not isinstance(sent, dict):
        return None
    acts, refused = read_acts(sent.get("acts"))
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


def read_acts(sent: object) -> tuple[tuple[Act | RangeAct, ...], tuple[tuple[str, str], ...]]:
    """Acts that can be meant, and (id, why) of those that cannot."""
    acts: list[Act | RangeAct] = []
    refused = []
    for item in list(sent)[:MOST_ACTS] if isinstance(sent, list) else []:
        try:
            acts.append(_act(item))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        except RequestError as error:
            refused.append((str(item["id"])[:64], error.what))
    return tuple(acts), tuple(refused)


def _act(item: dict) -> Act | RangeAct:
    act_id, kind, text = str(item["id"])[:64], item["kind"], str(item.get("text") or "")
    if "view" in item:
        return RangeAct(act_id, kind, text, str(item["view"]), int(item["first"]), int(item["last"]))
    if "keys" in item:
        return Act(act_id, kind, text=text, sample_keys=tuple(int(key) for key in item["keys"]))
    return Act(act_id, kind, int(item["key"]), text)
