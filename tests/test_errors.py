"""What a library's exception becomes: one sentence with the cause, never its advice or its first line alone."""

import pytest

from lobass_core.errors import MOST_CHARACTERS, cause_of, out_of_memory

_CHECKPOINT = (
    "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
    "Number of tensors saved during forward: 6\nNumber of tensors saved during recomputation: 5.\n"
    "Tip: To see a more detailed error, either pass `debug=True`\n\nTraceback (most recent call last):\n  x = y\n" * 3
)
_SIZES = (
    "Error(s) in loading state_dict for Llama:\n\tsize mismatch for lm_head.weight: copying a param with shape "
    "torch.Size([602, 32]) from checkpoint, the shape in current model is torch.Size([600, 32])."
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("metadata"), "'metadata' is missing"),
        (
            ModuleNotFoundError("No module named 'bnb'", name="bitsandbytes"),
            "the Python package bitsandbytes is not installed",
        ),
        (FileNotFoundError(2, "No such file or directory", "/x/y"), "No such file or directory: /x/y"),
        (
            RuntimeError(_CHECKPOINT),
            "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
            "recomputation. Number of tensors saved during forward: 6 Number of tensors saved during recomputation: 5.",
        ),
        (RuntimeError(_SIZES), "lm_head.weight has the size 602 x 32 in the file and 600 x 32 in the model"),
        (
            RuntimeError(
                "\x1b[31mCUDA error: out of range\x1b[0m\nCUDA kernel errors might be reported later\nCompile"
            ),
            "CUDA error: out of range",
        ),
        (ValueError("No file. Please check the name."), "No file."),
        (ValueError(""), "ValueError"),
    ],
)
def test_the_cause_in_one_sentence(error: Exception, said: str):
    assert cause_of(error) == said


def test_an_error_that_points_elsewhere_brings_what_it_points_at():
    try:
        try:
            raise KeyError("lm_head")
        except KeyError as inner:
            raise RuntimeError("The weights do not load. For details look at the above report!") from inner
    except RuntimeError as outer:
        assert cause_of(outer) == "The weights do not load: 'lm_head' is missing"


def test_a_long_text_is_cut_between_words():
    said = cause_of(ValueError("word " * 400))
    assert len(said) <= MOST_CHARACTERS and said.endswith("word...")


def test_memory_of_host_and_gpu():
    assert out_of_memory(MemoryError()) and out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    assert not out_of_memory(RuntimeError("shapes differ")) and not out_of_memory(ValueError("out of memory"))
