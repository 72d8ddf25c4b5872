"""transformers' continuous batching as the engine's loop.

It and `transformers_batch` are the two files that reach into the library. Tested with the releases
that `supported` names.
"""

# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import inspect
from typing import Any

from transformers import AttentionInterface, GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching.continuous_api import (
    ContinuousBatchingManager,
    ContinuousBatchProcessor,
)
from transformers.generation.continuous_batching.model_runner import (
    infer_max_single_request_tokens,
)

from t2l_fast.adapters import Adapters
from t2l_fast.attention import packable
from t2l_fast.serve.config import EngineConfig
from t2l_fast.serve.engine.loop import LoopThread, Owner
from t2l_fast.serve.engine.paged_attention import ATTENTION, EAGER, attend_eager, attend_paged
from t2l_fast.serve.engine.transformers_batch import Feed, Router, SlotIOs, SlotRunner

START_SECONDS = 10.0
"""For the loop to turn once."""


class SlotManager(ContinuousBatchingManager):
    """The loop: takes requests of `owner`, runs them, and gives back what they generate.

    Blocks of the cache are never shared: the library would find equal prompts by their tokens, and
    give one adapter's keys and values to another. Batches are prepared one after the other, without
    graphs. Whatever ends the loop unasked is kept as `failure`, and told to `owner`.
    """

    def __init__(
        self, model: Any, adapters: Adapters, config: EngineConfig, *, owner: Owner
    ) -> None:
        self._thread = LoopThread(self._serve, owner)
        self._attention_before = model.config._attn_implementation
        try:
            self._prepare(model, adapters, config, owner)
        except BaseException:
            self._restore(model)
            raise

    def _prepare(self, model: Any, adapters: Adapters, config: EngineConfig, owner: Owner) -> None:
        self._paged = packable(model) and "flash" not in (model.config._attn_implementation or "")
        self._adapters, self._owner = adapters, owner
        super().__init__(
            model,
            GenerationConfig(do_sample=False, eos_token_id=-1),
            ContinuousBatchingConfig(
                page_size=config.page_size,
                num_blocks=config.cache_tokens // config.page_size,
                max_batch_tokens=config.max_batch_tokens,
                max_requests_per_batch=config.max_active,
                max_blocks_per_request=0,
                allow_block_sharing=False,
                use_async_batching=False,
                use_cuda_graph=False,
                auto_switch_to_flash=False,
            ),
        )
        self.input_queue = Feed(owner, self)
        self.output_router = Router(owner, self)
        self.batch_processor = self._create_batch_processor()

    @property
    def longest(self) -> int:
        """See `Loop.longest`."""
        return infer_max_single_request_tokens(self.batch_processor.cache)

    @property
    def step_tokens(self) -> int:
        """See `Loop.step_tokens`."""
        return self.batch_processor.max_batch_tokens

    @step_tokens.setter
    def step_tokens(self, tokens: int) -> None:
        self.batch_processor.max_batch_tokens = tokens

    @property
    def failure(self) -> BaseException | None:
        """See `Loop.failure`."""
        return self._thread.failure

    def cancel(self, key: str) -> None:
        """Implement `Loop.cancel`."""
        self.cancel_request(key)
        self._unblock()

    def _unblock(self) -> None:
        """Let requests that gave up their pages come back: the library does when one finishes, and
        forgets to when one leaves in another way."""
        self.batch_processor.scheduler.block_new_requests = False

    def wake(self) -> None:
        """Implement `Loop.wake`."""
        self._wake_up_loop.set()

    def start(self) -> None:
        """Implement `Loop.start`."""
        self.background_thread_status.clear()
        self.wake()  # it is not to wait for requests in its first turn
        self._generation_thread = self._thread.thread
        self._thread.start(START_SECONDS, lambda ends: self.stop(block=ends, hard_stop=True))

    def close(self) -> None:
        """Implement `Loop.close`."""
        self.stop(block=True)

    def stop(self, *args: Any, **options: Any) -> None:
        """End the loop, as the library does; that is no failure."""
        self._thread.stopping = True
        super().stop(*args, **options)
        self._restore(self.model)

    def _restore(self, model: Any) -> None:
        if model.config._attn_implementation != self._attention_before:
            model.set_attn_implementation(self._attention_before)

    def _serve(self) -> None:
        known = inspect.signature(self._run_generation_loop).parameters
        # since 5.24 it is told; before, a new thread was never in inference mode
        options = {"use_inference_mode": False} if "use_inference_mode" in known else {}
        self._run_generation_loop(**options)

    def _generation_loop_body(self, *args: Any, **options: Any) -> bool:
        goes_on = super()._generation_loop_body(*args, **options)
        self._thread.turned.set()
        return goes_on

    def switch_to_cb_friendly_attn(self, model: Any, auto_switch_to_flash: bool = True) -> None:
        """Switch to our paged attention where it runs, else as transformers does."""
        if not self._paged:
            super().switch_to_cb_friendly_attn(model, auto_switch_to_flash)
            return
        AttentionInterface.register(ATTENTION, attend_paged)
        self._original_attn_impl = model.config._attn_implementation
        model.set_attn_implementation(ATTENTION)

    def _create_batch_processor(self) -> ContinuousBatchProcessor:
        if self.batch_processor is not None:
            return self.batch_processor
        processor = super()._create_batch_processor()
        io = SlotIOs(
            slot_of=self._owner.slot_of,
            cache=processor.cache,
            config=processor.config,
            continuous_batching_config=processor.cb_config,
            device=processor.model_device,
            model_dtype=processor.model_dtype,
            logit_processor=processor.logit_processor,
        )
        processor.inputs_and_outputs = io
        processor.offloading_manager._compute_stream = io.compute_stream
        processor.model_runner = SlotRunner(
            adapters=self._adapters,
            owner=self._owner,
            paged=self._paged,
            logit_processor=processor.logit_processor,
            cb_config=processor.cb_config,
            cache=processor.cache,
            inputs_and_outputs=io,
            do_sample=False,
            return_logprobs=False,
        )
        if self.model.config._attn_implementation == "paged|eager":
            # it makes masks by that name; they are there now
            AttentionInterface.register(EAGER, attend_eager)
            self.model.set_attn_implementation(EAGER)
        return processor

    def _generation_step(self) -> None:
        """One step; an error ends the requests in it, and no others."""
        try:
            super()._generation_step()
        except Exception as error:
            self._owner.step_failed(error)
            self.batch_processor.handle_batch_error(error)
            self.batch_processor.inputs_and_outputs.requests_in_batch = []
            self._unblock()

    def _handle_critical_error(self, error: Exception, *args: Any) -> None:
        self._thread.lost(error)
        super()._handle_critical_error(error, *args)
