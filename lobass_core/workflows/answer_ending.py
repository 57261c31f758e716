"""The token that closes an answer under the template of a scoring, read from the scored tokens."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from lobass_core.jobs.token_files import KeptText, TokenFiles
from lobass_core.project import Project

ROWS_LOOKED_AT = 50
# Shorter ones are letters and marks that an answer may end with by chance.
LEAST_CHARS = 3


def answer_ending(project: Project, render_fp: str, template: str, sample_ids: Sequence[str]) -> str:
    """What most of the first answers end with, if the template writes it itself; "" where it does not."""
    wanted = sample_ids[:ROWS_LOOKED_AT]
    return common_ending(TokenFiles(project.runs_dir, render_fp, wanted).read_texts(wanted), template)


def common_ending(texts: Iterable[KeptText | None], template: str) -> str:
    """The last scored token of more than half of the rows that were not cut, if it stands in the template."""
    endings: Counter[str] = Counter()
    for kept in texts:
        if kept is None or not kept.response_mask.any() or kept.offsets[-1, 1] < len(kept.text):
            continue
        start, end = kept.offsets[np.flatnonzero(kept.response_mask)[-1]]
        endings[kept.text[start:end].strip()] += 1
    ending, n_rows = endings.most_common(1)[0] if endings else ("", 0)
    return ending if len(ending) >= LEAST_CHARS and ending in template and 2 * n_rows > endings.total() else ""
