"""Models that have scored samples or were trained here."""

import json
from dataclasses import dataclass

import duckdb


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model by its fingerprint, with how many losses it has and their mean in nats a response token."""

    model_fp: str
    name: str
    path: str
    adapter: str
    part: str
    info: dict
    made_at: str
    n_losses: int
    mean_nats: float | None


def list_models(cursor: duckdb.DuckDBPyConnection) -> list[KnownModel]:
    """All models, bases first, then by name."""
    rows = cursor.execute(
        """
        SELECT m.model_fp, m.name, m.path, m.adapter, m.part, m.info, m.made_at, coalesce(l.n_losses, 0), l.mean_nats
        FROM models m LEFT JOIN (
            SELECT model_fp, count(*) AS n_losses, sum(loss_sum_nats) / nullif(sum(n_tokens), 0) AS mean_nats
            FROM losses GROUP BY model_fp) l USING (model_fp)
        ORDER BY m.part, m.name
        """
    ).fetchall()
    return [
        KnownModel(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]), row[6], row[7], row[8]) for row in rows
    ]
