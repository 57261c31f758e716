"""The tables of a store of version 1; whatever came later is a step of `store/migrations.py`."""

# Row keys are sequential integers: a hash as primary key makes inserts four times slower. Times are ISO 8601 in UTC.
# Losses have no key: they arrive 2.7 times faster so, and ingestion keeps each one single. `tie_key` is the first 8
# bytes of the sample id: joins and orders by it read an eighth of the bytes.
FIRST_TABLES = """
CREATE TABLE meta (name VARCHAR, value VARCHAR);
CREATE TABLE datasets (
    dataset_id INTEGER, name VARCHAR, path VARCHAR, file_sha256 VARCHAR, format VARCHAR, container VARCHAR,
    encoding VARCHAR, mapping VARCHAR, spec VARCHAR, n_rows BIGINT, n_rejected BIGINT, imported_at VARCHAR);
CREATE TABLE samples (
    sample_key BIGINT, sample_id VARCHAR, tie_key UBIGINT, kind VARCHAR, turns VARCHAR, tools VARCHAR, rejected VARCHAR,
    system_text VARCHAR, prompt_text VARCHAR, response_text VARCHAR, n_chars BIGINT);
CREATE TABLE rows (
    row_key BIGINT, dataset_id INTEGER, row_index BIGINT, line BIGINT, sample_key BIGINT, domain VARCHAR,
    source VARCHAR, is_duplicate BOOLEAN);
CREATE TABLE rejects (dataset_id INTEGER, row_index BIGINT, line BIGINT, reason VARCHAR, source VARCHAR);
CREATE TABLE models (
    model_fp VARCHAR, name VARCHAR, path VARCHAR, adapter VARCHAR, part VARCHAR, info VARCHAR, made_at VARCHAR);
CREATE TABLE losses (
    sample_key BIGINT, model_fp VARCHAR, render_fp VARCHAR, loss_sum_nats DOUBLE, n_tokens INTEGER,
    n_prompt_tokens INTEGER, n_dropped_tokens INTEGER, status VARCHAR, run_id VARCHAR, shard VARCHAR);
CREATE TABLE ingested_shards (run_id VARCHAR, shard VARCHAR, n_rows BIGINT, sha256 VARCHAR);
CREATE TABLE scorings (
    scoring_id INTEGER, run_id VARCHAR, base_fp VARCHAR, reference_fp VARCHAR, render_fp VARCHAR, base_name VARCHAR,
    reference_name VARCHAR, spec VARCHAR, result VARCHAR, made_at VARCHAR);
CREATE TABLE scoring_runs (scoring_id INTEGER, run_id VARCHAR);
CREATE TABLE reference_models (reference_fp VARCHAR, fold INTEGER, model_fp VARCHAR);
CREATE TABLE reference_folds (reference_fp VARCHAR, sample_key BIGINT, fold INTEGER);
CREATE TABLE decisions (
    decision_number BIGINT, decision_id VARCHAR, sample_key BIGINT, verdict VARCHAR, reason VARCHAR,
    made_at VARCHAR, batch_id VARCHAR, undone_at VARCHAR);
CREATE TABLE tags (tag_id VARCHAR, sample_key BIGINT, tag VARCHAR, made_at VARCHAR, removed_at VARCHAR);
CREATE TABLE notes (note_id VARCHAR, sample_key BIGINT, note VARCHAR, made_at VARCHAR);
CREATE TABLE selections (
    selection_id INTEGER, name VARCHAR, scoring_id INTEGER, spec VARCHAR, result VARCHAR, n_kept BIGINT,
    tokens_kept BIGINT, made_at VARCHAR, deleted_at VARCHAR);
CREATE TABLE selection_picks (
    selection_id INTEGER, row_key BIGINT, sample_key BIGINT, pick_rank BIGINT, reason VARCHAR, score DOUBLE);
CREATE TABLE exports (
    export_id INTEGER, selection_name VARCHAR, format VARCHAR, folder VARCHAR, n_rows BIGINT, manifest VARCHAR,
    manifest_sha256 VARCHAR, made_at VARCHAR);
INSERT INTO meta VALUES ('schema_version', '1'), ('revision', '0');
"""
