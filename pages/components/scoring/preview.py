"""The preview before scoring: a short run in the background, and its result."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_results import PreflightResult
from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.words.loss_columns import label_of_column
from lobass_core.words.plural import plural
from lobass_core.workflows import preflight
from pages.components import parts, theme, view
from pages.components.parts import KeyNumber
from pages.components.scoring import tokens
from pages.components.view import Node, el

PREVIEW = "score.preview"
TICK_SECONDS = 0.6
# One sample of 12,000 tokens would press all others into one bar.
TAIL = 0.005
EXAMPLES = ("Shortest", "Typical", "Longest", "Multi-turn")
EXAMPLE = "score.example"


@dataclass(slots=True)
class Preview:
    """One preflight of this session: running (`run_id`), done (`result`) or refused (`error`)."""

    key: str
    run_id: str = ""
    result: PreflightResult | None = None
    error: LobassError | None = None

    @property
    def is_pending(self) -> bool:
        return bool(self.run_id)


def key_of(spec: ScoreSpec, content: str) -> str:
    """What decides a preview: the settings and the state of the store."""
    return hashlib.sha256(json.dumps([spec.to_dict(), content], sort_keys=True).encode()).hexdigest()


def start(project: Project, spec: ScoreSpec, key: str) -> Preview:
    """The preview under this key: the one there is, or one that starts now; an older one is stopped."""
    now = st.session_state.get(PREVIEW)
    if isinstance(now, Preview) and now.key == key:
        return now
    stop(project)
    preview = Preview(key)
    try:
        preview.run_id = preflight.start(project, spec)
    except LobassError as error:
        preview.error = error
    st.session_state[PREVIEW] = preview
    return preview


def stop(project: Project) -> None:
    """Stop a preview that nobody waits for: the models' memory and cores are needed."""
    now = st.session_state.pop(PREVIEW, None)
    if isinstance(now, Preview) and now.run_id:
        preflight.discard(project, now.run_id)


def watch(project: Project, preview: Preview) -> None:
    """While the preview goes on, ask for it twice a second; the page is drawn anew when it has ended."""

    @st.fragment(run_every=TICK_SECONDS)
    def tick() -> None:
        try:
            answer = preflight.poll(project, preview.run_id)
        except LobassError as error:
            preview.error, preview.run_id = error, ""
            st.rerun()
        if isinstance(answer, Progress):
            _waiting(answer)
            return
        preview.result, preview.run_id = answer, ""
        st.rerun()

    tick()


def _waiting(progress: Progress) -> None:
    done = f"{theme.count(progress.n_done)} of {theme.count(progress.n_total)} rows" if progress.n_total else ""
    view.show(
        [
            parts.key_numbers([KeyNumber(name, "…") for name in ("Samples", "To do", "Cached", "Forecast", "Device")]),
            el(
                "div",
                el("span", el("span", cls="dot hollow"), "Preview: ", progress.phase or "starting"),
                el("span", done, cls="muted"),
                cls="row",
            ),
        ],
        key="score-preview",
        label="Preview",
    )


def show(result: PreflightResult, n_rows: int) -> None:
    """The preview: counts, what truncation costs, what the models will read; `n_rows` hold the samples."""
    view.show([key_numbers(result, n_rows)], key="score-preview", label="Preview")
    left, right = st.columns([11, 13], gap="medium")
    with left:
        view.show(
            [*_already_there(result), *_lengths(result)], key="score-preview-left", label="Cached losses and lengths"
        )
    with right:
        _examples(result)


def key_numbers(result: PreflightResult, n_rows: int) -> Node:
    """Samples, to do, cached, forecast, device."""
    models = result.models
    to_do, known = result.n_to_do, sum(model.n_known for model in models)
    carried = sum(model.n_carried for model in models)
    same = "same weights, template and limit"
    rate = result.tokens_per_second
    cut = result.n_truncated
    return parts.key_numbers(
        [
            KeyNumber(
                "Samples", theme.count(result.n_samples), note=f"in {plural(n_rows, 'row')}; duplicates are scored once"
            ),
            KeyNumber("To do", theme.count(to_do), unit="losses", note=f"{len(models)} models", tinted=True),
            KeyNumber(
                "Cached",
                theme.count(known),
                unit="losses",
                note=f"{theme.count(carried)} more carried over" if carried else same,
            ),
            KeyNumber(
                "Forecast",
                theme.duration(result.forecast_seconds) if to_do else "nothing to do",
                note=f"at {theme.count(rate)} tokens/s, measured now" if rate else "all losses are cached",
            ),
            KeyNumber("Device", result.device, note=f"{result.dtype}, {theme.count(cut)} cut at the limit"),
        ]
    )


def _already_there(result: PreflightResult) -> list[Node]:
    lines = [parts.heading("Cached losses", "reused, not computed again")]
    for model in result.models:
        n, part = model.n_known + model.n_carried + model.n_to_do, label_of_column(model.part)
        fold = "" if model.fold is None or part != model.part else f", fold {model.fold + 1}"
        how = "adapter on the base" if model.adapter else result.dtype
        title = el("span", el("b", part.capitalize()), f" {model.name}{fold} · {how}")
        counts = el(
            "span",
            f"{theme.count(model.n_known)} cached · ",
            f"{theme.count(model.n_carried)} carried over · " if model.n_carried else "",
            el("b", f"{theme.count(model.n_to_do)} to do"),
            cls="end muted",
        )
        bar = parts.bar((n - model.n_to_do) / n if n else 0.0, tone="half", thick=True, label=f"{part} cached")
        lines.append(el("div", el("div", title, counts, cls="row"), bar, cls="stack"))
    return lines


def _lengths(result: PreflightResult) -> list[Node]:
    limit, histogram = result.max_tokens, result.length_histogram
    fit = result.n_samples - result.n_truncated - result.n_no_response
    share = result.n_truncated / max(result.n_samples, 1)
    lost = result.n_dropped_response_tokens
    lost_share = lost / max(lost + result.n_response_tokens, 1)
    checks = [
        parts.check(
            "note" if result.n_truncated else "good",
            theme.count(result.n_truncated),
            "responses are cut at the limit",
            f"{theme.percent(share)}, {theme.percent(lost_share)} of the response tokens lost; flagged truncated",
        ),
        parts.check(
            "note" if result.n_no_response else "good",
            theme.count(result.n_no_response),
            "have no response tokens left",
            "not scored" if result.n_no_response else "",
        ),
        parts.check("good", theme.count(fit), "fit completely"),
        *_doubts(result),
    ]
    drawing = histogram_of(histogram.edges, histogram.counts, limit)
    return [
        el(
            "div",
            parts.heading("Length", f"prompt and response, tokens; limit {theme.count(limit)}"),
            drawing,
            cls="stack",
        ),
        el("div", *checks),
        *[parts.notice("Note.", warning, tone="amber") for warning in result.warnings],
    ]


def _doubts(result: PreflightResult) -> list[Node]:
    """Rows whose scores will mislead, as far as the preview can tell."""
    lines = []
    if chance := result.chance:
        lines.append(
            parts.check(
                "note" if chance.n_worse else "good",
                theme.count(chance.n_worse),
                f"of {theme.count(chance.n_rows)} sampled rows are worse than chance",
                "for the base" if chance.n_worse else "",
            )
        )
    if result.n_unseen is not None:
        lines.append(
            parts.check(
                "note" if result.n_unseen else "good",
                theme.count(result.n_unseen),
                "are not in the reference's training data",
                "they will score lower" if result.n_unseen else "",
            )
        )
    return lines


def histogram_of(edges: Sequence[float], counts: Sequence[int], limit: int) -> Node | None:
    """Bars of lengths, those beyond the limit hatched, and the limit as a line; a long tail is said in words."""
    n_shown = _bars_in_sight(edges, counts, limit)
    if not n_shown:
        return None
    width, height, span = 560.0, 84.0, edges[n_shown]
    top = max(counts[:n_shown]) or 1
    bars = [
        el(
            "rect",
            x=f"{width * low / span:.1f}", y=f"{height - height * n / top:.1f}",
            width=f"{max(width * (high - low) / span - 1, 0.5):.1f}", height=f"{height * n / top:.1f}",
            cls="kept-fill" if low < limit else "", fill=None if low < limit else "url(#hatch)",
        )
        for low, high, n in zip(edges[:n_shown], edges[1 : n_shown + 1], counts[:n_shown], strict=True)
    ]  # fmt: skip
    place = width * min(limit / span, 1.0)
    marks = [el("line", x1="0", x2=str(width), y1=str(height), y2=str(height), cls="axis")]
    if limit < span:
        marks.append(el("line", x1=f"{place:.1f}", x2=f"{place:.1f}", y1="-4", y2=str(height), cls="cut"))
    beyond = sum(counts[n_shown:])
    end = f"{theme.count(beyond)} over {theme.count(span)}" if beyond else theme.count(span)
    drawing = el(
        "svg", *bars, *marks, viewBox=f"0 -6 {width:g} {height + 7:g}", width="100%", height=f"{height + 7:g}",
        preserveAspectRatio="none", role="img",
        aria_label=f"Lengths up to {theme.count(span)} tokens, limit {theme.count(limit)}",
    )  # fmt: skip
    return el("div", drawing, el("div", el("span", "0"), el("span", end, cls="end"), cls="row muted"))


def _bars_in_sight(edges: Sequence[float], counts: Sequence[int], limit: int) -> int:
    """How many bars to draw: up to the limit at least, and up to the last half per cent of the samples."""
    running, total = 0, sum(counts)
    for place, n in enumerate(counts):
        running += n
        if running >= (1 - TAIL) * total and edges[place + 1] >= limit:
            return place + 1
    return len(counts)


def _examples(result: PreflightResult) -> None:
    rows = tokens.examples(result.preview)
    names = [name for name in EXAMPLES if name in rows]
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        view.show(parts.heading("Model input", "scored tokens are tinted"), key="score-read-title")
        if st.session_state.get(EXAMPLE) not in names:
            st.session_state[EXAMPLE] = "Typical" if "Typical" in names else names[0]
        chosen = st.segmented_control(
            "Example", names, key=EXAMPLE, required=True, label_visibility="collapsed", width="content"
        )
    row = rows[chosen or names[0]]
    template = f"Template {result.template}, {result.template_reason or result.template_source}"
    n_rendered, n_with_response = len(result.preview), sum(item.status != "no_response" for item in result.preview)
    view.show(
        [
            tokens.legend(row),
            tokens.tokens(row),
            el(
                "p",
                f"{template}. Both models read exactly this text. Only tinted tokens count toward the loss.",
                cls="muted",
            ),
            parts.heading("Checks", f"{theme.count(n_rendered)} rendered rows"),
            el(
                "div",
                parts.plain_check(
                    "good" if n_with_response == n_rendered else "note",
                    "Response found",
                    f"in {n_with_response} of {n_rendered} rows",
                ),
                parts.plain_check("good", "Same tokenizer", f"base and reference share {result.vocabulary}"),
                parts.plain_check("good", "Only responses scored", tokens.mask_sentence(result.mask_rule)),
            ),
        ],
        key="score-read",
        label="Model input",
    )
