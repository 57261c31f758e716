"""Samples as the store keeps them: each once, found by the first bytes of its id."""

import re
from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from lobass_core.records import Sample, turns_to_json
from lobass_core.store.sequences import take_ids

_SURROGATE = re.compile("[\ud800-\udfff]")
_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("tie_key", pa.uint64()),
        ("kind", pa.string()),
        ("turns", pa.string()),
        ("tools", pa.string()),
        ("rejected", pa.string()),
        ("system_text", pa.string()),
        ("prompt_text", pa.string()),
        ("response_text", pa.string()),
        ("n_chars", pa.int64()),
    ]
)


def known_keys(cursor: duckdb.DuckDBPyConnection, sample_ids: Iterable[str]) -> dict[str, int]:
    """sample_id -> sample_key of those that the store holds; one pass over 8 bytes a stored sample."""
    ids = list(sample_ids)
    asked = pa.table({"sample_id": pa.array(ids, pa.string()), "tie_key": pa.array(map(tie_key, ids), pa.uint64())})
    cursor.register("asked", asked)
    keys = cursor.execute(
        """
        SELECT s.sample_id, s.sample_key
        FROM samples s JOIN asked a USING (tie_key) WHERE s.sample_id = a.sample_id
        """
    ).fetchall()
    cursor.unregister("asked")
    return dict(keys)


def insert_samples(cursor: duckdb.DuckDBPyConnection, samples: Sequence[Sample]) -> dict[str, int]:
    """Store samples that the store does not hold, under new keys; returns sample_id -> sample_key.

    Not by `register`: a registered batch stays in memory until the transaction ends, 1.8 GB for a million rows.
    """
    if not samples:
        return {}
    first_key = take_ids(cursor, "sample_keys", len(samples))
    cursor.from_arrow(sample_table(samples, first_key)).insert_into("samples")
    return {sample.sample_id: first_key + number for number, sample in enumerate(samples)}


def sample_table(samples: Sequence[Sample], first_key: int) -> pa.Table:
    """Samples in the columns of the table `samples`, in its order, under keys from `first_key` on."""
    table = pa.Table.from_pylist([_record(sample) for sample in samples], schema=_SCHEMA)
    keys = pa.array(range(first_key, first_key + len(samples)), pa.int64())
    return table.add_column(0, "sample_key", keys)


def _record(sample: Sample) -> dict:
    system = "\n\n".join(turn.content for turn in sample.turns if turn.role == "system")
    answers = (text for turn in sample.turns if turn.is_answer for text in (*turn.thoughts.values(), turn.content))
    prompt = "\n\n".join(turn.content for turn in sample.turns if turn.role in ("user", "tool"))
    return {
        "sample_id": sample.sample_id,
        "tie_key": tie_key(sample.sample_id),
        "kind": sample.kind,
        "turns": storable(turns_to_json(sample.turns)),
        "tools": storable(sample.tools) if sample.tools else None,
        "rejected": storable(turns_to_json(sample.rejected)) if sample.rejected else None,
        "system_text": storable(system),
        "prompt_text": storable(prompt),
        "response_text": storable("\n\n".join(answers)),
        "n_chars": sum(len(text) for turn in sample.turns for text in (*turn.thoughts.values(), turn.content)),
    }


def drop_unused_samples(cursor: duckdb.DuckDBPyConnection) -> None:
    """Remove the samples that no row has and nothing else refers to."""
    cursor.execute(
        """
        DELETE FROM samples WHERE sample_key NOT IN (
            SELECT sample_key FROM rows UNION SELECT sample_key FROM losses UNION SELECT sample_key FROM decisions
            UNION SELECT sample_key FROM tags UNION SELECT sample_key FROM notes
            UNION SELECT sample_key FROM reference_folds UNION SELECT sample_key FROM selection_picks
            UNION SELECT sample_key FROM former_rows UNION SELECT sample_key FROM score_values
            UNION SELECT sample_key FROM earlier_samples UNION SELECT earlier_key FROM earlier_samples)
        """
    )


def tie_key(sample_id: str) -> int:
    """The first 8 bytes of the sample id: the short key of joins, and what breaks ties between equal scores."""
    return int(sample_id[:16], 16)


def storable(text: str) -> str:
    """Text as UTF-8 can hold it: an unpaired surrogate, which no database can, becomes its JSON escape."""
    if text.isascii():
        return text
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
