"""LoBaSS: which part of this instruction data is worth training on?"""

__version__ = "0.1.0"
