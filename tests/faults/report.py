"""Write the tables of docs/reliability.md from the outcomes on record: python -m tests.faults.report"""

import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.faults.load import LoadResult, read_load
from tests.faults.records import read_records, records_path
from tests.faults.trial import SEED, Outcome

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "docs" / "reliability.md"
BEGIN, END = "<!-- begin: {} -->", "<!-- end: {} -->"
HEAD = (
    "| fault | stage or file | times | lost | doubled | stuck | computed again (mean, most) | message |",
    "|---|---|---:|---:|---:|---:|---|---|",
)
ORDER = ("kill", "two kills", "disk full", "read-only project", "cut off", "one bit flipped", "two at once")
# What a person is told of a fault: the first of these that the first command to name one says.
TELLING = (
    r"error: .*?\.(?= |$)",
    r"\S+ of run \S+ (?:cannot be used|is damaged).*?\.(?= |$)",
    r"Run r-\d+ .*?\.(?= |$)",
    r"warning: the project is read-only.*$",
    r"Added [\d,]+ losses computed by run \S+\.",
    # What stands in the log of a worker that could not even write its progress.
    r"(?:OSError|PermissionError): \[Errno \d+\] [\w ]+?(?= During|:|$)",
    r"Waiting for the project's store, in use by .*?\.(?= |$)",
    r"\S+ already contains this file; nothing was imported",
    r"\d+ tensors after \d+ kills",
)
LONGEST = 150


def faults_table(outcomes: Sequence[Outcome]) -> str:
    """One row a fault and stage."""
    groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.fault, outcome.stage].append(outcome)
    return "\n".join([*HEAD, *(_row(*key, groups[key]) for key in sorted(groups, key=lambda key: ORDER.index(key[0])))])


def _row(fault: str, stage: str, group: Sequence[Outcome]) -> str:
    lost, doubled, stuck = (sum(bool(getattr(one, name)) for one in group) for name in ("lost", "doubled", "stuck"))
    shares = [one.again for one in group]
    again = f"{sum(shares) / len(shares):.0%}, {max(shares):.0%}" if fault == "kill" else "–"
    message, _ = Counter(telling(one.said) for one in group).most_common(1)[0]
    return f"| {fault} | {stage} | {len(group)} | {lost} | {doubled} | {stuck} | {again} | {message} |"


def telling(said: Sequence[str]) -> str:
    """The sentence about the fault; numbers and paths that differ from time to time are left out."""
    for words in said:
        for pattern in TELLING:
            if found := re.search(pattern, words):
                sentence = re.sub(r"/\S*?/place/", "", found[0])
                sentence = re.sub(r"\S+\.parquet", "NAME.parquet", sentence)
                sentence = re.sub(r"\d[\d,.]*\d|(?<![-\w])\d(?!\w)", "N", sentence).replace("|", "\\|")
                return sentence if len(sentence) <= LONGEST else sentence[:LONGEST].rsplit(" ", 1)[0] + " ..."
    return "none: the next command does the work"


def load_table(result: LoadResult) -> str:
    """The load test's figures."""
    rows = [
        ("browsers, minutes", f"{result.n_browsers}, {result.minutes:g}"),
        ("pages opened", f"{result.n_opened:,}"),
        ("until a page is there, median, 95th percentile", _both(result.opened_median_ms, result.opened_p95_ms)),
        ("decisions made and saved", f"{result.n_saved:,}"),
        ("until a decision is saved, median, 95th percentile", _both(result.saved_median_ms, result.saved_p95_ms)),
        ("answers that did not come within two minutes", f"{result.n_unanswered}"),
        ("connections that were lost and made again", f"{result.n_reconnected}"),
        ("server's memory at start, at end", f"{result.start_mb:,.0f} MB, {result.end_mb:,.0f} MB"),
        ("decisions made in the browsers, found in the store", f"{result.n_decided:,}, {result.n_found:,}"),
        ("decisions lost", f"{result.n_decided - result.n_found:,}"),
        ("imports beside it, refused", f"{result.n_imports}, {result.n_imports_refused}"),
        ("losses that a run wrote and the project holds", f"{result.n_losses_written:,}, {result.n_losses_held:,}"),
        ("load of the machine (1 minute) at start and end", f"{result.load_start:.1f}, {result.load_end:.1f}"),
    ]
    return "\n".join(["| measured | value |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)])


def _both(median_ms: float | None, p95_ms: float | None) -> str:
    return "–" if median_ms is None else f"{median_ms:,.0f} ms, {p95_ms:,.0f} ms"


def put_between(text: str, name: str, content: str) -> str:
    """The document with other content between its two markers."""
    begin, end = BEGIN.format(name), END.format(name)
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n{content}\n{end}{tail}"


def main() -> None:
    """Write both tables; what is not on record leaves its table as it is."""
    path = records_path()
    assert path is not None, "LOBASS_FAULT_RECORDS names no file of outcomes"
    text = DOCUMENT.read_text(encoding="utf-8")
    if outcomes := read_records(path):
        n_kills = sum(one.fault == "kill" for one in outcomes)
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout.strip()
        line = f"{n_kills} kills and {len(outcomes) - n_kills} other faults, seed {SEED}, written at commit {commit}."
        text = put_between(text, "faults", f"{line}\n\n{faults_table(outcomes)}")
    if result := read_load(path.with_name("load.json")):
        text = put_between(text, "load", load_table(result))
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
