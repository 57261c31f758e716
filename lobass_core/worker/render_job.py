"""The short run behind `lobass doctor --render`: a few samples as tokens, with what would be scored."""

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import PreviewRow, PreviewToken, RenderResult
from lobass_core.jobs.run_specs import RenderRun
from lobass_core.rendering.notes import counted, sentences
from lobass_core.rendering.render import Rendered, Renderer, resolve_max_tokens
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.model_files import config_of, find_model, position_limit
from lobass_core.scoring.models import load_tokenizer
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.samples import read_samples


def run(run: RunFolder, report: Reporter) -> RenderResult:
    """Render the run's samples, and return text, tokens and mask of each.

    Raises:
        LobassError: the tokenizer or the template cannot be used.
    """
    asked = run.spec_as(RenderRun)
    spec, render = asked.tokenizer, asked.render
    report.update(phase="loading the tokenizer")
    tokenizer = load_tokenizer(spec)
    template = load_template(render.template, tokenizer)
    limit = position_limit(config_of(find_model(spec))) if spec.path else None
    max_tokens = resolve_max_tokens(render.max_tokens, limit)
    renderer = Renderer(tokenizer, template, render.mask_rule, max_tokens, report.check_cancel)
    report.update(phase="rendering")
    preview: list[PreviewRow] = []
    for chunk in read_samples(run.input_path, ("domain",)):
        rendered = renderer.render([sample for sample, _ in chunk])
        preview += [preview_row(item, extra["domain"]) for item, (_, extra) in zip(rendered, chunk, strict=True)]
    return RenderResult(
        template=template.label,
        template_source=template.source,
        template_reason=template.default_reason,
        mask_rule=render.mask_rule,
        max_tokens=max_tokens,
        preview=tuple(preview),
    )


def preview_row(item: Rendered, domain: str | None) -> PreviewRow:
    """One rendered sample as a page or a terminal shows it."""
    tokens = zip(item.offsets.tolist(), item.input_ids.tolist(), item.response_mask.tolist(), strict=True)
    return PreviewRow(
        sample_id=item.sample_id,
        domain=domain or "",
        text=item.text,
        tokens=tuple(PreviewToken(start, end, token_id, response) for (start, end), token_id, response in tokens),
        status=item.status,
        reason=item.reason,
        n_dropped_tokens=item.n_dropped_tokens,
        notes=tuple(sentences(counted([item.notes]))),
    )
