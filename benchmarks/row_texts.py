"""What rows of the benchmark project look like in each domain, and texts for them, put together from phrases."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class DomainShape:
    """How rows of a domain look: share, median response words and spread, mean and spread of base loss and score."""

    name: str
    share: float
    words: float
    words_sigma: float
    base: float
    learnability: float
    spread: float
    questions: tuple[str, ...]
    sentences: tuple[str, ...]


CONVERSATION = (
    "Create two additional questions for a customer survey about {}.",
    "Write a polite reply that declines the invitation to {}.",
    "Explain to a new colleague what {} is good for.",
    "Suggest a name for a small company that sells {}.",
    "What should I pack for a week of {} in late October?",
)
CONVERSATION_TEXT = (
    "Thank you for asking about {}; here is what I would do first.",
    "Start with the part that matters most to the reader, and leave {} for later.",
    "Most people find that {} takes longer than they planned.",
    "You could also ask a friend who has done {} before.",
    "In short, {} is worth the effort if you have a free weekend.",
)
MATH = (
    "Mike spent 37 dollars on {}. How many could he buy at 4 dollars each, and what is left?",
    "A train leaves at 9:40 and travels 132 km to see {}; how fast must it go to arrive at 11:10?",
    "Palmer took 50 pictures of {} in the first week and 100 in the second. How many is that in all?",
    "There are 200 more red apples than green ones beside {}. Together there are 480; how many are green?",
)
MATH_TEXT = (
    "Let x be the number of {}, so that 3x + 12 = 60.",
    "Subtracting 12 on both sides gives 3x = 48, and x = 16.",
    "That means 12*5=<<12*5=60>>60 for {}.",
    "He paid 3*$4=$<<3*4=12>>12 for {} and kept the rest.",
    "#### 16",
)
CODE = (
    "Write a Python function that counts {} in a list.",
    "Refactor this loop over {} so that it streams the rows.",
    "Why does my SQL query for {} return each row twice?",
)
CODE_TEXT = (
    "def count(rows):\n    return sum(1 for row in rows if row.kind == '{}')",
    "Use a generator here, so that {} never have to fit into memory.",
    "The join has no key: add `ON a.id = b.id`, and each of the {} comes back once.",
    "Here is a test that fails before the change and passes after it, with {}.",
)
TOPICS = (
    "notebooks", "garden tools", "old maps", "winter coats", "tomato plants", "travel insurance", "board games",
    "bread ovens", "film cameras", "train tickets", "language courses", "mountain huts", "tax forms", "violin strings",
    "bicycle lamps", "tea cups", "night shifts", "paper boats", "museum visits", "chess openings",
)  # fmt: skip

SHAPES = (
    DomainShape("conversation", 0.60, 60, 0.8, 1.6, 0.22, 0.18, CONVERSATION, CONVERSATION_TEXT),
    DomainShape("math", 0.25, 75, 0.5, 1.1, 0.50, 0.16, MATH, MATH_TEXT),
    DomainShape("code", 0.12, 110, 0.9, 1.3, 0.45, 0.25, CODE, CODE_TEXT),
    DomainShape("safety", 0.03, 30, 0.6, 1.9, 0.15, 0.12, CONVERSATION, CONVERSATION_TEXT),
    DomainShape("roleplay", 0.10, 140, 0.7, 2.1, 0.18, 0.15, CONVERSATION, CONVERSATION_TEXT),
    DomainShape("science", 0.08, 90, 0.6, 1.4, 0.33, 0.20, MATH, CONVERSATION_TEXT),
    DomainShape("translation", 0.06, 45, 0.5, 1.8, 0.38, 0.14, CONVERSATION, CONVERSATION_TEXT),
    DomainShape("tables", 0.04, 55, 0.9, 1.0, 0.28, 0.30, CODE, CODE_TEXT),
)


def texts_of(
    shapes: Sequence[DomainShape], code: np.ndarray, keys: np.ndarray, n_words: np.ndarray, random: np.random.Generator
) -> tuple[list[str], list[str]]:
    """A prompt and a response for each row, of about `n_words` words."""
    # One number a row picks the topics and sentences; drawing each would take minutes at a million rows.
    picks = random.integers(0, 2**31, len(keys)).tolist()
    prompts, responses = [], []
    for shape_code, key, words, pick in zip(code.tolist(), keys.tolist(), n_words.tolist(), picks, strict=True):
        shape = shapes[shape_code]
        topic = TOPICS[pick % len(TOPICS)]
        prompts.append(f"{shape.questions[pick % len(shape.questions)].format(topic)} [{key}]")
        parts, length = [], 0
        while length < words:
            pick = (pick * 1103515245 + 12345) % 2**31
            sentence = shape.sentences[(pick >> 8) % len(shape.sentences)].format(TOPICS[(pick >> 4) % len(TOPICS)])
            parts.append(sentence)
            length += sentence.count(" ") + 1
        responses.append("\n".join(parts))
    return prompts, responses
