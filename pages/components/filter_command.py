"""The `lobass browse` command for a filter of Browse."""

import dataclasses
from pathlib import Path

from lobass_core.workflows.browse_filter import LISTS, BrowseFilter, cut_text, range_text
from pages.components import command_line, state

# Options of `lobass browse` that have another name than in the address.
OPTIONS = {"dataset": "datasets"}
# Measures whose ranges have an option of their own.
RANGE_OPTIONS = {
    "learnability": "score", "base-loss": "base-loss", "reference-loss": "reference-loss", "length": "tokens"
}  # fmt: skip


def command(root: Path, asked: BrowseFilter) -> str:
    """`lobass browse`, finding the same rows under the scores and datasets that the sidebar has."""
    chosen, run = state.chosen_datasets(), state.named_run()
    if chosen:
        both = tuple(name for name in asked.datasets or chosen if name in chosen)
        asked = dataclasses.replace(asked, datasets=both or asked.datasets)
    return command_line.plain("browse", root, *_command_groups(asked), *([["--run", run]] if run else []))


def _option(name: str) -> str:
    return f"--{OPTIONS.get(name, name)}"


def _range_option(name: str, text: str) -> str:
    short = RANGE_OPTIONS.get(name)
    return f"--{short}={text}" if short else f"--range={name}:{text}"


def _command_groups(asked: BrowseFilter) -> list[list[str]]:
    groups = [["--text", asked.text], ["--in", asked.scope]] if asked.text else []
    groups += [["--match-case"]] if asked.match_case and asked.text else []
    groups += [[_option(name), ",".join(values)] for name, field in LISTS.items() if (values := getattr(asked, field))]
    # One word each: a value that begins with a minus would read as an option.
    groups += [[_range_option(name, range_text(limits))] for name, limits in asked.ranges]
    groups += [[f"--cut={cut_text(cut)}"] for cut in asked.cuts]
    groups += [["--cut-by", asked.cut_by]] if asked.cut_by != "learnability" else []
    groups += [[f"--in-selection={name}"] for name in asked.in_selections]
    groups += [[f"--not-in-selection={name}"] for name in asked.not_in_selections]
    if asked.sort or asked.descending is not None:
        groups.append(["--sort", str(asked.to_query()["sort"])])
    return groups
