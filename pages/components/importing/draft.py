"""The import that is being set up, as the spec that page and command line share."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from lobass_core.specs import ImportSpec
from pages.components.importing import score_draft

HOW, PATH, UPLOAD = "import.how", "import.path", "import.upload"
FORMAT, NAME, ENCODING = "import.format", "import.name", "import.encoding"
TEXT_ONLY, SKIP_LINES, ROW_LIST, SPEAKERS = "import.text_only", "import.skip_lines", "import.list", "import.speakers"
DOMAIN_HOW, DOMAIN, COLUMN, RULES = "import.domain_how", "import.domain", "import.column", "import.rules"
RULES_FIRST, RULES_KEPT = "import.rules-first", "import.rules-kept"
RULE_FIELDS = ("field", "is", "domain")
PICK, ROW = "import.pick", "import.row"
RESULT = "import.result"
# The folder that is to be imported as one dataset.
WHOLE = "import.whole"
SPLIT, CONFIG, EXCLUDE = "import.split", "import.config", "import.exclude"
# The Hub dataset that was fetched, the revision that was asked for, and the commit that it was.
HUB, ASKED_REVISION, REVISION = "import.hub", "import.asked_revision", "import.revision"
# The dataset that the files are a newer state of, and what an update did: path, name, counts.
TARGET, UPDATED = "import.target", "import.updated"

SERVER, SENT = "Server path", "Upload"
NEW = "New dataset"
SCORES = "Scores for rows you have"
ONE_NAME, A_FIELD, SOME_RULES = "One name", "A field", "Rules"
# What the preview reads under while no domain is named; the import itself waits for a name.
UNNAMED = "unnamed"

Rules = tuple[tuple[str, str, str], ...]


def mapping_key(field: str) -> str:
    """Session key of the column chosen for a field."""
    return f"import.map.{field}"


def chosen_mapping(fields: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """(field, column) of every field that was given a column by hand."""
    pairs = ((field, st.session_state.get(mapping_key(field))) for field in fields)
    return tuple((field, column) for field, column in pairs if column)


def role_key(speaker: str) -> str:
    """Session key of the role chosen for a speaker that no format knows."""
    return f"import.role.{speaker}"


def chosen_roles() -> tuple[tuple[str, str], ...]:
    """(speaker, role) of every unknown speaker that was given a role."""
    pairs = ((name, st.session_state.get(role_key(name))) for name in st.session_state.get(SPEAKERS) or ())
    return tuple((name, role) for name, role in pairs if role)


_OF_THE_FILE = (
    *(RULES, RULES_FIRST, RULES_KEPT, PICK, ROW, RESULT, SKIP_LINES, SPEAKERS, WHOLE, HUB, REVISION, UPDATED),
    *score_draft.OF_THE_FILE,
)
# A browser goes on to show what is only taken out of the session: widgets get their first value again.
_FIRST_VALUES: Mapping[str, object] = {
    FORMAT: "auto",
    ENCODING: "auto",
    **dict.fromkeys((NAME, ROW_LIST, SPLIT, CONFIG, EXCLUDE), ""),
    DOMAIN_HOW: ONE_NAME,
    **dict.fromkeys((DOMAIN, COLUMN)),
    TEXT_ONLY: False,
    TARGET: NEW,
    **score_draft.FIRST_VALUES,
}


def forget_file() -> None:
    """Another file: what was set for the last one, its domain too, says nothing about it."""
    forget_mapping()
    for key in _OF_THE_FILE:
        st.session_state.pop(key, None)
    for key, value in _FIRST_VALUES.items():
        if key in st.session_state:
            st.session_state[key] = value


def forget_mapping() -> None:
    """Columns and roles that were chosen by hand."""
    for key in [str(key) for key in st.session_state]:
        if key.startswith(("import.map.", "import.role.")):
            st.session_state[key] = None


def another() -> None:
    """Forget the file and its path: another one is to be chosen."""
    forget_file()
    st.session_state[PATH] = ""


def files_asked(path: Path) -> dict:
    """Which files are read, as fields of the spec; what is not chosen is left out."""
    chosen = {
        "path": str(path),
        "split": (st.session_state.get(SPLIT) or "").strip(),
        "config": (st.session_state.get(CONFIG) or "").strip(),
        "revision": (st.session_state.get(REVISION) or "") if st.session_state.get(HUB) == str(path) else "",
        "exclude": tuple((st.session_state.get(EXCLUDE) or "").split()),
    }
    return {name: value for name, value in chosen.items() if value}


def as_spec(asked: dict) -> ImportSpec:
    """The files alone as a spec, whatever becomes of their rows."""
    return ImportSpec(**asked, domain=UNNAMED)


def domain_settings() -> dict:
    """The three ways to a domain as fields of the spec; empty values where nothing is chosen yet."""
    how = st.session_state.get(DOMAIN_HOW) or ONE_NAME
    name = (st.session_state.get(DOMAIN) or "").strip()
    if how == ONE_NAME:
        return {"domain": name}
    if how == A_FIELD:
        return {"domain": name, "domain_column": st.session_state.get(COLUMN) or ""}
    return {"domain": name, "domain_rules": chosen_rules()}


def chosen_rules() -> Rules:
    """The rules of the editor; they outlive it, which leaves the session with its page."""
    edits = st.session_state.get(RULES)
    if edits is None:
        return tuple(st.session_state.get(RULES_KEPT, ()))
    st.session_state[RULES_KEPT] = chosen = rules(edits, first_rules())
    return chosen


def first_rules() -> Rules:
    """What the editor begins with in this visit: the rules that there were before it was drawn."""
    if RULES not in st.session_state:
        st.session_state[RULES_FIRST] = tuple(st.session_state.get(RULES_KEPT, ()))
    return tuple(st.session_state.get(RULES_FIRST, ()))


def rules(edits: object, first: Rules = ()) -> Rules:
    """(column, value, domain) of the filled rows: those that a data editor began with, changed as its state says."""
    rows: list[dict] = [dict(zip(RULE_FIELDS, rule, strict=True)) for rule in first] or [{}]
    if isinstance(edits, Mapping):
        for place, changed in (edits.get("edited_rows") or {}).items():
            rows[int(place)] |= changed
        gone = set(edits.get("deleted_rows") or ())
        rows = [row for place, row in enumerate(rows) if place not in gone] + list(edits.get("added_rows") or [])
    cells = (tuple(row.get(field) for field in RULE_FIELDS) for row in rows)
    return tuple((str(a), str(b), str(c)) for a, b, c in cells if a and b is not None and c)


def spec(path: Path, fields: tuple[str, ...] = ()) -> tuple[ImportSpec, bool]:
    """The spec, and whether its domain is settled; unsettled ones are previewed as `unnamed`."""
    domain = domain_settings()
    settled = bool(domain.get("domain") or domain.get("domain_column"))
    if not settled:
        domain["domain"] = UNNAMED
    made = ImportSpec(
        **files_asked(path),
        name=(st.session_state.get(NAME) or "").strip(),
        format=st.session_state.get(FORMAT) or "auto",
        mapping=chosen_mapping(fields),
        encoding=st.session_state.get(ENCODING) or "auto",
        roles=chosen_roles(),
        text_only=bool(st.session_state.get(TEXT_ONLY)),
        skip_lines=int(st.session_state.get(SKIP_LINES) or 0),
        row_list=(st.session_state.get(ROW_LIST) or "").strip(),
        **domain,
    )
    return made, settled
