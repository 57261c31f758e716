"""Final answers of worked solutions, as they are compared: exact but for how a number is written."""

import pytest

from lobass_core.validation.final_answers import final_answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 * 14 = 42\n#### 42", "42"),
        ("#### $1,000.00", "1000"),
        ("#### 1000", "1000"),
        ("#### 20%", "20"),
        ("#### -3.50", "-7/2"),
        ("#### .5", "1/2"),
        ("#### 7.", "7"),
        # A model that goes on with another question has answered by then.
        ("#### 42\n\nQuestion: 1 + 1?\n#### 2", "42"),
        (r"so \boxed{\frac{1}{2}}.", "1/2"),
        (r"first \boxed{3}, then \boxed{0.5}", "1/2"),
        (r"\boxed{\left( x^{2} + 1 \right)}", "( x^{2} + 1 )"),
        (r"\boxed{\text{Blue}}", "blue"),
        (r"\boxed{20\%}", "20"),
        # Not the same as 42 alone: the comparison is exact.
        ("#### 42 apples", "42 apples"),
        # Two readings of a comma are none.
        ("#### 1,0", "1,0"),
        ("#### 3/0", "3/0"),
        ("The sky is blue.", ""),
        ("####", ""),
        (r"\boxed{", ""),
        (r"\boxed{1", ""),
        ("#### " + "9" * 5000, "9" * 5000),
    ],
)
def test_the_final_answer(text, expected):
    assert final_answer(text) == expected
