"""A scored project that names its own models and exports by full paths, and then lies elsewhere."""

import json
import shutil
from pathlib import Path

from lobass_core.project import Project
from lobass_core.specs import ExportSpec
from lobass_core.store.connection import release
from lobass_core.workflows.export import export
from tests.pages.projects import scored_project
from tests.scored_files import select_best


def whole_project(root: Path, n_rows: dict[str, int] | None = None) -> Project:
    """Scored rows, a selection `best`, an export of it in the project, and the reference `ref`, trained here."""
    project = scored_project(root, n_rows or {"conversation": 30, "math": 12})
    _name_models(project)
    folder = project.models_dir / "ref"
    folder.mkdir()
    spec = {"base": {"path": str(project.models_dir / "base-7b")}, "name": "ref"}
    recipe = {"spec": spec, "base": spec["base"]["path"], "method": "full", "made_at": "2020-01-01T00:00:00+00:00"}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    (folder / "config.json").write_text("{}")
    select_best(project, 5)
    export(project, ExportSpec(selection="best", to=str(project.exports_dir / "best"), check=False))
    release(project.store_path)
    return project


def _name_models(project: Project) -> None:
    """Give the models of the scoring full paths into the project, as a scoring with its own reference has them."""
    spec_path = project.runs_dir / "r-0001" / "spec.json"
    ours = (('"models/', f'"{project.models_dir}/'), ('"ref-1ep"', '"ref"'))
    text = spec_path.read_text()
    with project.store() as store, store.transaction() as cursor:
        for old, new in ours:
            text = text.replace(old, new)
            cursor.execute("UPDATE scorings SET spec = replace(spec, ?, ?)", [old, new])
        cursor.execute("UPDATE loss_columns SET model_name = 'ref' WHERE name = 'reference'")
        cursor.execute(
            "UPDATE models SET path = ? || CASE part WHEN 'base' THEN '/base-7b' ELSE '/ref' END",
            [str(project.models_dir)],
        )
    spec_path.write_text(text)


def moved_copy(project: Project, to: Path) -> Project:
    """The project in another folder; its old place, and the files that it was imported from, are gone."""
    release(project.store_path)
    shutil.copytree(project.root, to)
    shutil.rmtree(project.root)
    for source in project.root.parent.glob("*.json"):
        source.unlink()
    return Project.open(to)
