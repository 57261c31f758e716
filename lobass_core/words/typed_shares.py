"""Shares and numbers of rows as people type them, for the command line and the pages.

read_share("50 %")          0.5
read_share_or_rows("0,5")   0.5, half of the rows
read_share_or_rows("500")   500.0 rows
read_share_or_rows("1")     1.0, one row; "1.0" can mean one row or all, and 100% is all: both are refused
"""

from lobass_core.words.typed_numbers import NotANumber, read_number

A_SHARE = "must be a share above 0 and at most 1, such as 0.5 or 50%"
SHARE_OR_ROWS = "must be a share below 100 %, such as 0.02 or 2%, or a whole number of rows"


def read_share(text: str) -> float:
    """A share of the rows, above 0 and at most 1.

    Raises:
        NotANumber: it is none.
    """
    value = read_number(text)
    if not 0 < value <= 1:
        raise NotANumber(A_SHARE)
    return value


def read_share_or_rows(text: str) -> float:
    """A share below 1, or a whole number of rows; 0 is none.

    Raises:
        NotANumber: it is neither, or can mean both.
    """
    typed = text.strip()
    in_percent = typed.endswith("%")
    value = read_number(text, least=0)
    if value >= 1 and (in_percent or value != int(value)):
        raise NotANumber(SHARE_OR_ROWS)
    if value == 1 and typed != "1":
        raise NotANumber(f"{typed} can mean one row or all rows")
    return value
