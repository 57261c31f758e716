"""The workshop of the faults' tests."""

from pathlib import Path

import pytest

from tests.faults.trial import Workshop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """One for the session: prepared projects and twins are made once."""
    return Workshop(Path(tmp_path_factory.mktemp("faults")))
