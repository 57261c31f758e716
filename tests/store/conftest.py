"""A small store with two files, made by hand."""

import pytest

from lobass_core.project import Project
from lobass_core.records import Sample, Turn
from lobass_core.store.connection import Store
from lobass_core.store.dataset_writer import (
    DatasetInfo,
    DatasetWriter,
    ImportedRow,
    RejectedRow,
)


def sample(question: str, answer: str) -> Sample:
    """One question and its answer."""
    return Sample.of([Turn("user", question), Turn("assistant", answer)])


def add_file(store: Store, name: str, domain: str, pairs: list[tuple[str, str]], rejects: tuple[RejectedRow, ...] = ()):
    """Import (question, answer) pairs as the file `name`, and return the counts."""
    with store.transaction() as cursor:
        info = DatasetInfo(name, f"{name}.jsonl", f"sha of {name}", "prompt-completion", "jsonl", "utf-8", "{}", "{}")
        writer = DatasetWriter(cursor, info)
        writer.add(
            [
                ImportedRow(index, index + 1, sample(*pair), domain, f'{{"q": "{pair[0]}"}}')
                for index, pair in enumerate(pairs)
            ]
        )
        writer.add_rejects(rejects)
        return writer.finish()


@pytest.fixture
def store(project: Project):
    """The project's store, held for the length of a test."""
    with project.store() as held:
        yield held
