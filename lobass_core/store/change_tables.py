"""The tables of what is done to a dataset after its import: updates from newer files, domains set by rules."""

# former_rows, one a row that the update touched:
#   kept      an unchanged row whose place, domain or other fields differ; `source` null where the record does not
#   changed   another text came in its place, the row `new_key`
#   gone      nothing came in its place
#   undone    the update brought it and was taken back; kept where a selection picked it
# `domain` is the imported one, whatever was set by hand since.
FORMER_STATES = """
ALTER TABLE datasets ADD COLUMN import_spec VARCHAR;
CREATE TABLE dataset_updates (
    update_id INTEGER, dataset_id INTEGER, made_at VARCHAR, made_by VARCHAR, undone_at VARCHAR, counts VARCHAR,
    first_row BIGINT);
CREATE TABLE former_datasets (
    update_id INTEGER, path VARCHAR, file_sha256 VARCHAR, format VARCHAR, container VARCHAR, encoding VARCHAR,
    mapping VARCHAR, spec VARCHAR, n_rows BIGINT, n_rejected BIGINT, import_spec VARCHAR);
CREATE TABLE former_files (
    update_id INTEGER, file_number INTEGER, name VARCHAR, path VARCHAR, file_sha256 VARCHAR, container VARCHAR,
    encoding VARCHAR, first_row BIGINT, n_rows BIGINT, n_rejected BIGINT);
CREATE TABLE former_rejects (update_id INTEGER, row_index BIGINT, line BIGINT, reason VARCHAR, source VARCHAR);
CREATE TABLE former_rows (
    update_id INTEGER, row_key BIGINT, row_index BIGINT, line BIGINT, sample_key BIGINT, domain VARCHAR,
    source VARCHAR, fate VARCHAR, new_key BIGINT);
"""
SET_DOMAINS = """
CREATE TABLE imported_domains (row_key BIGINT, domain VARCHAR);
CREATE TABLE domain_changes (
    change_id INTEGER, dataset_id INTEGER, made_at VARCHAR, made_by VARCHAR, undone_at VARCHAR, spec VARCHAR,
    n_rows BIGINT);
"""
