"""Counts and rates of a scoring run, as the dashboard and the command line show them."""

import time
from collections import deque

import torch

from lobass_core.jobs.progress import ModelProgress
from lobass_core.worker.reporter import Reporter

WINDOW_SECONDS = 30.0


class ScoreProgress:
    """Adds up batches; the time left is the tokens left at the rate of the last half minute.

    Samples come longest first, and long ones are the dearest a token, so the estimate errs to the long side.
    """

    def __init__(self, report: Reporter, device: torch.device) -> None:
        self._report, self._device = report, device
        self._models: list[ModelProgress] = []
        self._recent: deque[tuple[float, int, int]] = deque([(time.monotonic(), 0, 0)])
        self._n_samples = self._n_tokens = self._n_run = self._n_read = 0
        self._n_tokens_total = 0

    def add_model(self, name: str, part: str, *, n_known: int, n_to_do: int, n_tokens: int) -> int:
        """Enter a model with what it has to do, and return its place."""
        self._models.append(ModelProgress(name, part, n_known, n_known + n_to_do))
        self._n_tokens_total += n_tokens
        return len(self._models) - 1

    def advance(
        self, model: int, *, n_samples: int, n_tokens: int, n_run: int = 0, n_read: int = 0, resumed: bool = False
    ) -> None:
        """Count finished samples; `resumed` ones were there already and say nothing about the rate."""
        entry = self._models[model]
        self._models[model] = ModelProgress(entry.name, entry.part, entry.n_done + n_samples, entry.n_total)
        if resumed:
            self._n_tokens_total -= n_tokens
        else:
            self._n_samples += n_samples
            self._n_tokens += n_tokens
            self._n_run += n_run
            self._n_read += n_read
            self._recent.append((time.monotonic(), self._n_samples, self._n_tokens))
            while len(self._recent) > 2 and self._recent[-1][0] - self._recent[0][0] > WINDOW_SECONDS:
                self._recent.popleft()
        self.show()

    def restart_clock(self) -> None:
        """Leave the time that loading a model took out of the rate."""
        self._recent = deque([(time.monotonic(), self._n_samples, self._n_tokens)])

    def show(self) -> None:
        """Hand the state to the reporter."""
        samples, tokens = self.rates()
        left = self._n_tokens_total - self._n_tokens
        self._report.update(
            n_done=sum(model.n_done for model in self._models),
            n_total=sum(model.n_total for model in self._models),
            n_tokens_done=self._n_tokens,
            n_samples_done=self._n_samples,
            samples_per_second=samples,
            tokens_per_second=tokens,
            seconds_left=left / tokens if tokens else None,
            padding_share=self.padding_share,
            models=tuple(self._models),
            **self._device_memory(),
        )

    def rates(self) -> tuple[float | None, float | None]:
        """Samples and tokens a second over the window; None before the first batch."""
        (then, samples, tokens), (now, samples_now, tokens_now) = self._recent[0], self._recent[-1]
        seconds = now - then
        return ((samples_now - samples) / seconds, (tokens_now - tokens) / seconds) if seconds > 0 else (None, None)

    @property
    def padding_share(self) -> float | None:
        """Share of the tokens run that were padding."""
        return 1 - self._n_read / self._n_run if self._n_run else None

    def _device_memory(self) -> dict:
        if self._device.type != "cuda":
            return {}
        return {
            "peak_bytes": torch.cuda.max_memory_allocated(self._device),
            "memory_total_bytes": torch.cuda.mem_get_info(self._device)[1],
        }
