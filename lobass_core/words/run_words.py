"""The kinds of runs as people call them."""

RUN_WORDS = {
    "score": "scoring",
    "preflight": "preview",
    "render": "rendering",
    "train_reference": "training",
    "train_base": "training of a base",
    "check_export": "check of an export",
    "validate": "experiment",
    "planted": "self-test",
}


def run_word(kind: str) -> str:
    """The word for a kind of run; a kind that this version does not know is named as it is."""
    return RUN_WORDS.get(kind, kind)


def a_run(kind: str) -> str:
    """The word with its article: a scoring, an experiment."""
    word = run_word(kind)
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"
