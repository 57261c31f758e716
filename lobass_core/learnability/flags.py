"""What is odd about a row's losses, as bits of one number."""

import math

import numpy as np

NEGATIVE = 1
NEAR_ZERO_BASE = 2
SHORT = 4
TRUNCATED = 8
NON_FINITE = 16
DUPLICATE = 32
NO_RESPONSE = 64
NOT_SCORED = 128
WORSE_THAN_CHANCE = 256
UNSEEN_BY_REFERENCE = 512
IN_EVALUATION = 1024

FLAG_NAMES = {
    NEGATIVE: "negative",
    NEAR_ZERO_BASE: "near_zero_base",
    SHORT: "short",
    TRUNCATED: "truncated",
    NON_FINITE: "non_finite",
    DUPLICATE: "duplicate",
    NO_RESPONSE: "no_response",
    NOT_SCORED: "not_scored",
    WORSE_THAN_CHANCE: "worse_than_chance",
    UNSEEN_BY_REFERENCE: "unseen_by_reference",
    IN_EVALUATION: "in_evaluation",
}

# Under 0.05 nats per token the base gives each response token 95 % on average: nothing is left to learn, and the
# division by the base loss blows small differences up.
NEAR_ZERO_BASE_NATS = 0.05

# A mean over fewer tokens is mostly the end token and one word.
SHORT_RESPONSE_TOKENS = 5

# Shares of the scored rows from which on a page says so: a handful of broken rows stands in every data set, and a
# reference trained here leaves out 2 % to be measured on.
WORSE_THAN_CHANCE_SHARE = 0.01
UNSEEN_SHARE = 0.03

# What a guess that gives every byte the same chance costs.
NATS_A_BYTE_BY_CHANCE = math.log(256)


def names(bits: int) -> str:
    """The flags as text, lowest bit first: 9 -> "negative,truncated"; 0 -> ""."""
    return ",".join(name for bit, name in FLAG_NAMES.items() if int(bits) & bit)


def loss_flags(
    base_loss: np.ndarray,
    reference_loss: np.ndarray,
    n_tokens: np.ndarray,
    *,
    truncated: np.ndarray,
    non_finite: np.ndarray,
    no_response: np.ndarray,
    not_scored: np.ndarray,
    duplicate: np.ndarray,
    worse_than_chance: np.ndarray,
    unseen_by_reference: np.ndarray,
    in_evaluation: np.ndarray,
) -> np.ndarray:
    """uint16[n] of flags from mean losses (nats per response token, NaN = none) and boolean columns."""
    has_response = n_tokens > 0
    conditions = {
        NEGATIVE: reference_loss > base_loss,
        NEAR_ZERO_BASE: base_loss < NEAR_ZERO_BASE_NATS,
        SHORT: has_response & (n_tokens < SHORT_RESPONSE_TOKENS),
        TRUNCATED: truncated,
        NON_FINITE: non_finite,
        DUPLICATE: duplicate,
        NO_RESPONSE: no_response,
        NOT_SCORED: not_scored,
        WORSE_THAN_CHANCE: worse_than_chance,
        UNSEEN_BY_REFERENCE: unseen_by_reference,
        IN_EVALUATION: in_evaluation,
    }
    bits = np.zeros(len(n_tokens), np.uint16)
    for bit, holds in conditions.items():
        bits[holds] |= np.uint16(bit)
    return bits


def above_chance(
    base_loss: np.ndarray, n_tokens: np.ndarray, n_bytes: np.ndarray, vocabulary_size: np.ndarray | int
) -> np.ndarray:
    """bool[n]: rows whose base loss is above that of a blind guess, over the vocabulary or over the response's bytes.

    A model that is so wrong does not read this text at all, and what a reference gains on it says nothing about what
    there is to learn. Bytes or sizes of 0 and below are unknown: that rule then flags no row. NaN is no loss.
    """
    size = np.asarray(vocabulary_size, np.float64)
    nats_a_token = np.log(size, out=np.full(size.shape, np.inf), where=size > 0)
    of_bytes = np.where(n_bytes > 0, n_bytes * NATS_A_BYTE_BY_CHANCE, np.inf)
    with np.errstate(invalid="ignore"):
        return (base_loss > nats_a_token) | (base_loss * n_tokens > of_bytes)
