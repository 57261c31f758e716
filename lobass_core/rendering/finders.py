"""The finder of a template: in this process for a built-in one, in its own process for any other."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lobass_core.errors import RenderError
from lobass_core.rendering.spans import Marked, ResponseFinder
from lobass_core.rendering.template_process import OnWait, Overrun, overrun_error, template_process
from lobass_core.rendering.template_rows import FAILED, REFUSED, Row, find_in
from lobass_core.rendering.templates import BUILT_IN, Template


class TrustedFinder:
    """Renders a template of our own."""

    def __init__(self, finder: ResponseFinder) -> None:
        self._finder, self.keys = finder, finder.keys

    def find_all(self, rows: Iterable[tuple[str, Row]]) -> Iterator[Marked | str]:
        """Text and spans of each (sample id, row) in order, or why it has none."""
        return (find_in(self._finder, row) for _, row in rows)


class StrangersFinder:
    """Renders a template that came with a model or from a file; `on_wait` is called while it renders."""

    def __init__(
        self, template: Template, variables: dict, special: Sequence[str], tools: list[Any] | None, on_wait: OnWait
    ) -> None:
        self._template, self._on_wait = template, on_wait
        self._opening = (template.name, template.text, template.source, variables, list(special), tools)
        with template_process("find", self._opening) as process:
            try:
                opened = process.opened(on_wait)
            except Overrun as overrun:
                raise overrun_error(overrun.limit, template.name, template.source, "") from None
        if opened.kind == FAILED:
            what, where, do = map(str, json.loads(opened.text))
            raise RenderError(what, where=where, do=do)
        keys = json.loads(opened.text)
        self.keys: frozenset[str] | None = None if keys is None else frozenset(map(str, keys))

    def find_all(self, rows: Iterable[tuple[str, Row]]) -> Iterator[Marked | str]:
        """Text and spans of each (sample id, row) in order, or why it has none; some rows are asked for ahead.

        Raises:
            RenderError: the template goes beyond a limit; it and the sample are named.
        """
        asked: list[str] = []

        def noted() -> Iterator[Row]:
            for sample_id, row in rows:
                asked.append(sample_id)
                yield row

        with template_process("find", self._opening) as process:
            try:
                process.opened(self._on_wait)
                for answer in process.answers(noted(), self._on_wait):
                    yield answer.text if answer.kind == REFUSED else Marked(answer.text, answer.spans)
            except Overrun as overrun:
                sample = asked[overrun.row] if 0 <= overrun.row < len(asked) else ""
                raise overrun_error(overrun.limit, self._template.name, self._template.source, sample) from None


Finder = TrustedFinder | StrangersFinder


def finder_of(
    template: Template, variables: dict[str, str], special: Sequence[str], tools: list[Any] | None, on_wait: OnWait
) -> Finder:
    """The finder of a template, tried on two exchanges, with `tools` where it is made for rows that offer some.

    Raises:
        RenderError: it cannot render them, hides where a response lies, or goes beyond a limit.
    """
    if template.text in BUILT_IN.values():
        return TrustedFinder(ResponseFinder(template, variables, special, tools))
    return StrangersFinder(template, variables, special, tools, on_wait)
