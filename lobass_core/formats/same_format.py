"""Whether the files of one dataset are of one format; the sentence that names the odd one."""

from collections import Counter
from collections.abc import Sequence

from lobass_core.errors import InputFileError
from lobass_core.formats import FORMATS
from lobass_core.formats.classify import FAMILIES, classify
from lobass_core.formats.detect import Detection, fits
from lobass_core.formats.folders.data_files import DataFile
from lobass_core.formats.folders.file_set import FileSet
from lobass_core.formats.raw_records import BadRecord, RawRecord
from lobass_core.formats.record_set import leave_out
from lobass_core.formats.wrapped_rows import rows_of


def check_same_format(files: FileSet, heads: Sequence[list[RawRecord | BadRecord]], detection: Detection) -> None:
    """Refuse a set in which a file's first records speak for another family of formats than the detected one.

    Raises:
        InputFileError: names the file and what it holds.
    """
    for file, head in zip(files.files, heads, strict=True):
        rows = rows_of([record.value for record in head if isinstance(record, RawRecord)])
        if not rows:
            continue
        if detection.asked:
            if not any(fits(detection.format, row, detection.mapping) for row in rows):
                raise _odd(files, file, f"none of its first {len(rows):,} rows can be read as {detection.label}")
            continue
        readings = Counter(reading[0] for row in rows if (reading := classify(row)) is not None)
        if not readings:
            names = list(dict.fromkeys(key for row in rows for key in row))
            shown = ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")
            raise _odd(files, file, f"no known format fits its fields: {shown}")
        families = {FAMILIES[name] for name in readings}
        if FAMILIES[detection.format] not in families:
            label = FORMATS[readings.most_common(1)[0][0]].label
            raise _odd(files, file, f"it is read as {label}, other files as {detection.label}")


def _odd(files: FileSet, file: DataFile, what: str) -> InputFileError:
    configs = [name for name in files.configs if name]
    if len(configs) > 1:
        do = f"Import one config at a time, --config {file.config}, and the others: {', '.join(configs)}."
    else:
        do = f"Import it separately. {leave_out(file)}"
    return InputFileError(f"{file.name!r} does not match the other files: {what}", where=str(files.root), do=do)
