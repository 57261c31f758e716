"""No text of Streamlit's own reaches a person: each that we replace is there to be replaced, and no other is new."""

import re

import pytest

from pages.serving import own_words

# Prose names Streamlit with another word beside it; identifiers do not.
PROSE = re.compile(r"\w Streamlit\b|\bStreamlit(?:’s)? [a-z(]|streamlit run ")
# Features that are off (skills, deploying), mistakes in a page's Python code, and the console.
UNREACHABLE = re.compile(r"skills|[Dd]eploy|community|Community Cloud|st\.toast|setComponentReady|alt:|\.warn\(")


@pytest.mark.parametrize("name", own_words.SCRIPTS)
def test_every_text_to_replace_is_in_the_script(name: str):
    text = own_words.scripts()[name].read_text(encoding="utf-8")
    for theirs, ours in own_words.SCRIPTS[name]:
        assert len(re.findall(theirs, text)) == 1, theirs
        assert "Streamlit" not in ours


def test_no_other_text_of_a_script_names_streamlit():
    replaced = {path: own_words.reworded(path, own_words.SCRIPTS[name]) for name, path in own_words.scripts().items()}
    left = []
    for path in sorted((own_words.STATIC / "static" / "js").glob("*.js")):
        text = replaced[path].decode() if path in replaced else path.read_text(encoding="utf-8")
        around = [text[max(0, found.start() - 80) : found.end() + 80] for found in PROSE.finditer(text)]
        left += [f"{path.name}: {text}" for text in around if not UNREACHABLE.search(text)]
    assert left == []


def test_the_front_page_is_ours_before_anything_is_drawn():
    page = own_words.reworded(own_words.STATIC / "index.html", own_words.FRONT_PAGE).decode()
    assert "<title>LoBaSS</title>" in page
    shown = re.sub(r"(?s)<!--.*?-->|<link [^>]*>|<script.*?</script>", "", page)
    assert "treamlit" not in shown and "openapi" not in page
    assert page.index('<script src="./lobass/steps.js">') < page.index("<body>")
    assert "/lobass/steps.js" in [route.path for route in own_words.routes()]
