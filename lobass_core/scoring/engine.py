"""Run batches through a model and hand back the loss of every response token."""

import contextlib
import ctypes
import ctypes.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psutil
import torch

from lobass_core.errors import MemoryShortError, out_of_memory
from lobass_core.scoring.batch_plan import Batch, fill_batches
from lobass_core.scoring.last_layer import only_at
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.prefix_cache import PrefixCaches
from lobass_core.scoring.response_nll import response_nll
from lobass_core.scoring.shared_prefixes import find_prefixes, no_prefixes
from lobass_core.scoring.token_table import TokenTable

# A core is fastest at about 1,024 tokens a batch (a 5.4M Llama: 6,886 tokens a CPU second; 6,487 at 2,048 and 5,729 at
# 4,096): the activations of more no longer fit its caches.
MOST_TOKENS_A_THREAD = 1024
MOST_TOKENS_CUDA = 32768
LEAST_TOKENS = 64
MEMORY_SHARE = 0.5
# A kept token costs a row its keys and values of one layer at a time, a token that is read all activations of a layer.
KEPT_TOKENS_A_TOKEN = 16

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Losses:
    """What one batch gave: for each sample, the losses of its response tokens in order, float32, in nats."""

    indices: np.ndarray
    token_nlls: list[np.ndarray]
    n_tokens_run: int
    n_tokens_read: int


@dataclass(frozen=True, slots=True)
class InFlight:
    """A batch that the device works on: where its losses arrive on the host, and the event that says so (GPUs)."""

    batch: Batch
    n_shared: int
    n_tokens_run: int
    sizes: list[int]
    nlls: torch.Tensor
    arrived: torch.cuda.Event | None


class Engine:
    """Scores samples of one token table with one model; finds and remembers the batch size that memory allows."""

    def __init__(self, loaded: LoadedModel, table: TokenTable, batch_tokens: int = 0) -> None:
        """Prepare to score; `batch_tokens` 0: as free memory allows."""
        self.loaded, self.table = loaded, table
        self.batch_tokens = batch_tokens or default_budget(loaded)
        self._caches = PrefixCaches(loaded.body, loaded.causal_lm.config, loaded.device)
        # Kept keys need a mask, which may cost a GPU its fastest attention: there, samples are read whole.
        limit = loaded.same_up_to
        self._alone = loaded.head is None or (limit is not None and int(table.lengths.max(initial=0)) > limit)
        shares = not self._alone and loaded.device.type == "cpu" and self._caches.fits
        self._prefixes = find_prefixes(table) if shares else no_prefixes(table)
        keep_freed_memory()

    def score(self, order: np.ndarray) -> Iterator[Losses]:
        """Score samples in the given order (longest first), one batch at a time; those that begin alike together.

        Out of memory: the batch is halved and so is the budget, for all batches that follow.

        Raises:
            MemoryShortError: one sample alone does not fit into memory.
        """
        in_flight: InFlight | None = None
        with torch.inference_mode(), self.loaded.active():
            for launched in self._launched(order):
                # The next batch is on the device before the losses of the last one are waited for.
                if in_flight:
                    yield self._collect(in_flight)
                in_flight = launched
            if in_flight:
                yield self._collect(in_flight)

    def _launched(self, order: np.ndarray) -> Iterator[InFlight]:
        for group, members in self._prefixes.parts(order):
            n_shared = int(self._prefixes.n_tokens[group])
            kept = n_shared // KEPT_TOKENS_A_TOKEN
            # Of the members alone: the table may be a million samples long, and a shard is a few hundred.
            lengths = self.table.lengths[members] - n_shared + kept
            position = 0
            while position < len(members):
                places = np.arange(position, len(members))
                batch = next(fill_batches(places, lengths, self._rows_budget()))
                launched = self._halving(Batch(members[batch.indices], batch.width - kept), n_shared)
                if launched:
                    position += len(batch.indices)
                    yield launched

    def _collect(self, in_flight: InFlight) -> Losses:
        """The losses of a batch, once they are there: the one place where the host waits for the device."""
        if in_flight.arrived:
            in_flight.arrived.synchronize()
        indices = in_flight.batch.indices
        nlls = np.split(in_flight.nlls.numpy(), np.cumsum(in_flight.sizes)[:-1])
        n_read = int((self.table.lengths[indices] - in_flight.n_shared - 1).sum())
        return Losses(indices, nlls, in_flight.n_tokens_run, n_read)

    def _rows_budget(self) -> int:
        return 1 if self._alone else self.batch_tokens

    def _halving(self, batch: Batch, n_shared: int) -> InFlight | None:
        """The batch on its way, or None after memory ran out and the budget was halved."""
        try:
            return self._batched(batch, n_shared) if self.loaded.head else self._plain(batch)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            reason = str(error)
        if self.loaded.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(batch.indices) == 1:
            raise MemoryShortError(
                f"a sample of {n_shared + batch.width + 1:,} tokens does not fit into memory",
                where=reason.splitlines()[0][:200] if reason else str(self.loaded.device),
                do="Lower --max-tokens, or use a machine with more memory.",
            )
        width = batch.width + n_shared // KEPT_TOKENS_A_TOKEN
        self.batch_tokens = max(1, width * len(batch.indices) // 2)
        return None

    def _batched(self, batch: Batch, n_shared: int) -> InFlight:
        """Right-padded rows without an attention mask: causality keeps the padding from the tokens before it.

        input_ids      [BOS] What is 2+2 ? [/INST]  4   0   0      (the last token is only predicted, never read)
        response_mask    0    0   0   0  0    0     1   .   .
        predicted at                          *                    hidden state of the token before

        The first `n_shared` tokens, the same in every row, are not among the inputs: their keys and values are kept.
        """
        inputs, places, targets, sizes = self._gather(batch, n_shared)
        device = self.loaded.device
        shared = self._caches.of(self.table.ids_of(batch.indices[0])[:n_shared]) if n_shared else None
        predicts = torch.from_numpy(places).to(device, non_blocking=True)
        with only_at(self.loaded.body, predicts):
            hidden = self.loaded.body(
                input_ids=torch.from_numpy(inputs).to(device, non_blocking=True),
                attention_mask=None,
                use_cache=False,
                **{self._caches.argument: shared},
            ).last_hidden_state
        predicting = hidden.reshape(-1, hidden.shape[-1])[predicts]
        del hidden
        head = self.loaded.head
        assert head is not None
        nlls = response_nll(predicting, torch.from_numpy(targets).to(device, non_blocking=True), head)
        return InFlight(batch, n_shared, inputs.size, sizes, *_copy_to_host(nlls))

    def _gather(self, batch: Batch, n_shared: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
        """input_ids [rows, width]; flat places that predict; the tokens they predict; how many a sample."""
        inputs = np.zeros((len(batch.indices), batch.width), dtype=np.int64)
        places, targets, sizes = [], [], []
        for row, index in enumerate(batch.indices):
            ids, mask = self.table.ids_of(index)[n_shared:], self.table.mask_of(index)[n_shared:]
            inputs[row, : len(ids) - 1] = ids[:-1]
            responses = np.flatnonzero(mask)
            places.append(row * batch.width + responses - 1)
            targets.append(ids[responses])
            sizes.append(len(responses))
        return inputs, np.concatenate(places), np.concatenate(targets).astype(np.int64), sizes

    def _plain(self, batch: Batch) -> InFlight:
        """One sample, unpadded, through the model's own forward pass: right for every causal LM."""
        (index,) = batch.indices
        ids, mask = self.table.ids_of(index), self.table.mask_of(index)
        device = self.loaded.device
        inputs = torch.from_numpy(ids[None, :-1].astype(np.int64)).to(device)
        logits = self.loaded.model(input_ids=inputs, use_cache=False).logits[0]
        responses = np.flatnonzero(mask)
        logits = logits[torch.from_numpy(responses - 1).to(device)].float()
        targets = torch.from_numpy(ids[responses].astype(np.int64)).to(device)
        nlls = torch.logsumexp(logits, dim=1) - logits.gather(1, targets.unsqueeze(1)).squeeze(1)
        return InFlight(batch, 0, inputs.numel(), [len(responses)], *_copy_to_host(nlls))


def _copy_to_host(nlls: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event | None]:
    """Losses on their way to the host; a GPU copies them behind its own work, into memory that it reaches itself."""
    if nlls.device.type != "cuda":
        return nlls.cpu(), None
    host = torch.empty(nlls.shape, dtype=nlls.dtype, pin_memory=True)
    host.copy_(nlls, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record(torch.cuda.current_stream(nlls.device))
    return host, arrived


def default_budget(loaded: LoadedModel) -> int:
    """Tokens a batch: as many as half of the free memory holds, up to what still makes it faster."""
    config = loaded.causal_lm.config.get_text_config()
    width = int(getattr(config, "hidden_size", 0) or 1024)
    # Widest moment of a layer: the residual, the normed input, q, k, v, and the two halves of the MLP at its usual 4x.
    bytes_per_token = 16 * width * torch.finfo(loaded.dtype).bits // 8
    if loaded.device.type == "cuda":
        free, most = torch.cuda.mem_get_info(loaded.device)[0], MOST_TOKENS_CUDA
    else:
        free, most = psutil.virtual_memory().available, MOST_TOKENS_A_THREAD * torch.get_num_threads()
    return int(min(most, max(LEAST_TOKENS, MEMORY_SHARE * free / bytes_per_token)))


def keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks: fetching them again costs page faults (a 131 MB exp: from 100 to 28 ms)."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(ctypes.util.find_library("c"))
        libc.mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)
