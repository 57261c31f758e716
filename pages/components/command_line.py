"""The "Command" popover: the `lobass` command that does what the page does, quoted for a POSIX shell.

    from pages.components import command_line
    command_line.popover(command_line.select(project.root, spec, name="paper-6", run="r-0003"))

The lines are built from the same specs that the workflows take, and name only what differs from the defaults.
"""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import streamlit as st

from lobass_core.selection.order import usual_gates
from lobass_core.specs import (
    ExportSpec,
    Gates,
    ImportSpec,
    RenderSpec,
    ScoreFileSpec,
    ScoreSpec,
    SelectionSpec,
    SetDomainSpec,
    TrainReferenceSpec,
    ValidateSpec,
)
from lobass_core.workflows.browse_filter import range_text
from pages.components import state

# Each group is an option with its values; groups stay together when the line is broken.
Groups = list[list[str]]


def popover(line: str | Sequence[str], *, key: str | None = None) -> None:
    """The button with the line (or several lines, run one after the other) to copy."""
    text = line if isinstance(line, str) else "\n".join(line)
    with st.popover("Command", icon=":material/terminal:", help="The same from the command line", key=key):
        st.code(text, language="bash", wrap_lines=True)


def shell(command: str, groups: Iterable[Sequence[str]], *, width: int = 88) -> str:
    """`lobass command ...`, quoted, broken with backslashes before an option that would pass `width` columns."""
    lines = [f"lobass {command}"]
    for group in groups:
        words = shlex.join(group)
        if len(lines[-1]) + 1 + len(words) > width:
            lines.append("  " + words)
        else:
            lines[-1] += " " + words
    return " \\\n".join(lines)


def plain(command: str, root: Path | str, *groups: Sequence[str]) -> str:
    """A command without a spec: `plain("status", project.root)`, `plain("score", root, ["--resume", "r-0019"])`."""
    return shell(command, [["--project", str(root)], *groups])


def in_sight(command: str, root: Path | str, *groups: Sequence[str]) -> str:
    """A command without a spec, over the datasets and the scores that the sidebar has."""
    chosen, run = state.chosen_datasets(), state.named_run()
    shared: Groups = [["--datasets", ",".join(chosen)]] if chosen else []
    return plain(command, root, *groups, *shared, *([["--run", run]] if run else []))


def project_option(root: Path | str) -> str:
    """`--project ROOT`, quoted."""
    return shlex.join(["--project", str(root)])


def import_file(root: Path | str, spec: ImportSpec) -> str:
    """`lobass import`."""
    groups: Groups = [[spec.path, *spec.more_paths], ["--project", str(root)]]
    _add(groups, "--config", spec.config)
    _add(groups, "--split", spec.split)
    _add(groups, "--revision", spec.revision)
    groups += [["--exclude", pattern] for pattern in spec.exclude]
    _add(groups, "--domain", spec.domain)
    _add(groups, "--domain-column", spec.domain_column)
    for column, value, domain in spec.domain_rules:
        groups.append(["--domain-rule", f"{column}={value}:{domain}"])
    _add(groups, "--name", spec.name)
    _add(groups, "--format", spec.format, "auto")
    _add(groups, "--map", ",".join(f"{field}={column}" for field, column in spec.mapping))
    for spoken, role in spec.roles:
        groups.append(["--role", f"{spoken}={role}"])
    if spec.text_only:
        groups.append(["--text-only"])
    _add(groups, "--list", spec.row_list)
    _add(groups, "--skip-lines", str(spec.skip_lines), "0")
    _add(groups, "--max-record-mb", str(spec.max_record_mb), "0")
    _add(groups, "--encoding", spec.encoding, "auto")
    return shell("import", groups)


def update(root: Path | str, name: str, asked: dict) -> str:
    """`lobass import --update`; `asked` names the files, as fields of the spec."""
    groups: Groups = [[asked["path"]], ["--project", str(root)], ["--update", name]]
    for field in ("config", "split", "revision"):
        _add(groups, f"--{field}", asked.get(field, ""))
    groups += [["--exclude", pattern] for pattern in asked.get("exclude", ())]
    return shell("import", groups)


def import_scores(root: Path | str, spec: ScoreFileSpec) -> str:
    """`lobass import-scores`."""
    groups: Groups = [[spec.path], ["--project", str(root)], ["--name", spec.name]]
    _add(groups, "--key", spec.key, "sample-id")
    _add(groups, "--dataset", spec.dataset)
    _add(groups, "--column", spec.column, spec.name)
    _add(groups, "--higher-is", "better" if spec.higher_is_better else "worse", "better")
    _add(groups, "--unit", spec.unit)
    for option in ("split", "config", "revision"):
        _add(groups, f"--{option}", getattr(spec, option))
    groups += [[f"--{spec.if_named}"]] if spec.if_named != "refuse" else []
    return shell("import-scores", groups)


def set_domain(root: Path | str, name: str, spec: SetDomainSpec) -> str:
    """`lobass set-domain`."""
    groups: Groups = [[name], ["--project", str(root)]]
    _add(groups, "--domain", spec.domain)
    _add(groups, "--domain-column", spec.domain_column)
    groups += [["--domain-rule", f"{column}={value}:{domain}"] for column, value, domain in spec.domain_rules]
    return shell("set-domain", groups)


def score(root: Path | str, spec: ScoreSpec, reference: str, target: str = "") -> str:
    """`lobass score`; both names are what the person chose, a name, path or hub id (a spec holds one model a fold)."""
    groups: Groups = [["--project", str(root)], ["--base", spec.base.path], ["--reference", reference]]
    if any(model.adapter for model in spec.references) and reference == spec.references[0].adapter:
        groups.append(["--adapter"])
    _add(groups, "--target", target)
    _add(groups, "--revision", spec.base.revision)
    first = spec.references[0]
    _add(groups, "--reference-revision", first.adapter_revision if first.adapter else first.revision)
    groups += _render(spec.render)
    _add(groups, "--dtype", spec.dtype, "auto")
    _add(groups, "--device", spec.device, "auto")
    _add(groups, "--batch-tokens", str(spec.batch_tokens), "0")
    _add(groups, "--datasets", ",".join(spec.datasets))
    if spec.base.trust_remote_code:
        groups.append(["--trust-remote-code"])
    return shell("score", groups)


def train_reference(root: Path | str, spec: TrainReferenceSpec) -> str:
    """`lobass train-reference`."""
    groups: Groups = [["--project", str(root)], ["--base", spec.base.path], ["--name", spec.name]]
    _add(groups, "--datasets", ",".join(spec.datasets))
    _add(groups, "--method", spec.method, "full")
    _add(groups, "--folds", str(spec.folds), "1")
    _add(groups, "--epochs", f"{spec.epochs:g}", "1")
    groups += [["--keep-epochs"]] if spec.keep_epochs else []
    _add(groups, "--lr", f"{spec.learning_rate:g}", "0")
    _add(groups, "--seed", str(spec.seed), "0")
    _add(groups, "--seeds", str(spec.seeds), "1")
    _add(groups, "--target", spec.target)
    groups += _render(spec.render)
    _add(groups, "--device", spec.device, "auto")
    _add(groups, "--lora-rank", str(spec.lora_rank), "16")
    _add(groups, "--batch-tokens", str(spec.batch_tokens), "4096")
    _add(groups, "--revision", spec.base.revision)
    if spec.base.trust_remote_code:
        groups.append(["--trust-remote-code"])
    return shell("train-reference", groups)


def validate(root: Path | str, spec: ValidateSpec, *, run: str = "") -> str:
    """`lobass validate`."""
    usual = ValidateSpec()
    groups: Groups = [["--project", str(root)]]
    groups += [["--arms", ",".join(spec.arms)]] if spec.arms != usual.arms else []
    _add(groups, "--selections", ",".join(spec.selections))
    groups.append(["--budgets", ",".join(exact(share) for share in spec.budgets)])
    for name in (
        "draws",
        "seeds",
        "epochs",
        "equal",
        "method",
        "lora_rank",
        "batch_tokens",
        "held_out",
        "answers",
        "seed",
        "device",
    ):
        value, standard = getattr(spec, name), getattr(usual, name)
        option = f"--{name.replace('_', '-')}"
        _add(groups, option, *(exact(one) if isinstance(one, float) else str(one) for one in (value, standard)))
    _add(groups, "--lr", exact(spec.learning_rate), "0")
    _add(groups, "--evaluate", ",".join(spec.evaluate))
    _add(groups, "--datasets", ",".join(spec.datasets))
    _add(groups, "--run", run)
    return shell("validate", groups)


def select(root: Path | str, spec: SelectionSpec, *, name: str = "", run: str = "") -> str:
    """`lobass select`."""
    budget = {
        "ratio": ["--ratio", exact(spec.value)],
        "samples": ["--budget-samples", str(int(spec.value))],
        "tokens": ["--budget-tokens", str(int(spec.value))],
        "threshold": ["--threshold", exact(spec.value)],
    }[spec.budget]
    weights = ",".join(f"{domain}={exact(weight)}" for domain, weight in spec.weights)
    groups: Groups = [["--project", str(root)], budget, ["--balance", weights or spec.balance]]
    _add(groups, "--method", spec.method, "learnability")
    groups += gates(spec.gates, spec.method)
    _add(groups, "--datasets", ",".join(spec.datasets))
    _add(groups, "--seed", str(spec.seed), "0")
    _add(groups, "--name", name)
    _add(groups, "--run", run)
    return shell("select", groups)


def gates(spec: Gates, method: str) -> Groups:
    """The gate options of `lobass select`."""
    groups: Groups = []
    _add(groups, "--min-response-tokens", str(spec.min_response_tokens), "0")
    if spec.min_learnability is not None:
        groups.append(["--min-learnability", exact(spec.min_learnability)])
    by_default = usual_gates(method).exclude_worse_than_chance
    flags = {
        "--exclude-truncated": spec.exclude_truncated,
        "--exclude-negative": spec.exclude_negative,
        "--exclude-near-zero-base": spec.exclude_near_zero_base,
        "--exclude-overlap": spec.exclude_overlap,
        "--keep-duplicates": not spec.exclude_duplicates,
        "--exclude-worse-than-chance": spec.exclude_worse_than_chance and not by_default,
        "--keep-worse-than-chance": by_default and not spec.exclude_worse_than_chance,
    }
    bands = [[f"--band={measure}:{range_text((low, high))}"] for measure, low, high in spec.bands]
    return groups + [[flag] for flag, on in flags.items() if on] + bands


def export(root: Path | str, spec: ExportSpec) -> str:
    """`lobass export`."""
    groups: Groups = [
        ["--project", str(root)],
        ["--selection", spec.selection],
        ["--to", spec.to],
        ["--format", spec.format],
    ]
    if spec.with_dropped:
        groups.append(["--with-dropped"])
    _add(groups, "--license", spec.license)
    _add(groups, "--language", ",".join(spec.languages))
    if spec.validation:
        groups.append(["--validation", exact(spec.validation)])
        _add(groups, "--seed", str(spec.seed), "0")
    _add(groups, "--order", spec.order, "file")
    groups += [["--weight"]] if spec.weight else []
    groups += [["--replace"]] if spec.replace else []
    groups += [] if spec.check else [["--no-check"]]
    return shell("export", groups)


def exact(value: float) -> str:
    """The shortest text that reads back as the same number; 0.06 stays 0.06, 1.0 becomes 1."""
    return repr(float(value)).removesuffix(".0")


def _render(spec: RenderSpec) -> Groups:
    groups: Groups = []
    _add(groups, "--template", spec.template)
    _add(groups, "--max-tokens", str(spec.max_tokens), "0")
    _add(groups, "--mask", spec.mask_rule, "all")
    return groups


def _add(groups: Groups, option: str, value: str, default: str = "") -> None:
    if value and value != default:
        groups.append([option, value])
