"""One settings dataclass per action: validated when built, used by page and command line, saved with the result."""

from lobass_core.specs.base import unknown_settings
from lobass_core.specs.experiments import DEFAULT_ARMS, ValidateSpec
from lobass_core.specs.exports import WEIGHTED_FORMATS, ExportFormat, ExportOrder, ExportSpec
from lobass_core.specs.imports import DEFAULT_RECORD_MB, MOST_RECORD_MB, FormatName, ImportSpec, SetDomainSpec
from lobass_core.specs.runs import (
    MaskRule,
    ModelSpec,
    NamedReference,
    RenderSpec,
    ScoreSpec,
    SmallBaseSizes,
    TrainMethod,
    TrainReferenceSpec,
)
from lobass_core.specs.score_files import IfNamed, ScoreFileSpec
from lobass_core.specs.selections import PAPER_RATIOS, Balance, Band, BudgetKind, Gates, SelectionSpec

__all__ = [
    "DEFAULT_ARMS", "DEFAULT_RECORD_MB", "MOST_RECORD_MB", "PAPER_RATIOS", "WEIGHTED_FORMATS", "Balance", "Band",
    "BudgetKind", "ExportFormat", "ExportOrder", "ExportSpec", "FormatName", "Gates", "IfNamed", "ImportSpec",
    "MaskRule", "ModelSpec", "NamedReference", "RenderSpec", "ScoreFileSpec", "ScoreSpec", "SelectionSpec",
    "SetDomainSpec", "SmallBaseSizes", "TrainMethod", "TrainReferenceSpec", "ValidateSpec", "unknown_settings",
]  # fmt: skip
