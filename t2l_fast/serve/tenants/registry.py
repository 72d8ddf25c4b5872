"""Registry: each tenant's adapters by name, over one bank."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import dropwhile, islice
from typing import Literal, TypeVar

import torch
from torch import Tensor

from t2l_fast.adapters import AdapterBank, AdapterId, LoraWeights
from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.encoders.base import prepare
from t2l_fast.errors import (
    AdapterInUse,
    AdapterMismatch,
    ArgumentError,
    NotAllowed,
    UnknownAdapter,
)
from t2l_fast.serve.config import Limits
from t2l_fast.serve.engine.engine import Engine
from t2l_fast.serve.tenants.mixtures import parsed
from t2l_fast.serve.tenants.retire import retire

T = TypeVar("T")
Kind = Literal["generated", "trained"]

INLINE = "t2l:"
"""Before a description in place of an adapter's name."""
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_NAME = re.compile(rf"(?=.{{1,256}}\Z){_PART}(/{_PART})*")
_ROUTES = ("/download",)
"""Ends of paths that mean something else."""
_DIGITS = 18  # of the bank's own numbers
_AT_ONCE = 16


class Registry:
    """Names of a tenant's adapters, and the bank's ids behind them.

    With tenants, ids are `tenant/name`: a name says nothing about what other tenants have. Without
    (tenant ""), they are the bank's own, numbers and slashes included. What the generator or the
    store do runs in the engine's thread, tenants by turns.

    Args:
        engine: whose bank it is.
        limits: of registrations.
        base: the base model's name, which no adapter may take.
        tenants: whether ids begin with a tenant's name.
    """

    def __init__(self, engine: Engine, limits: Limits, base: str, *, tenants: bool) -> None:
        self.limits = limits
        self._engine, self._base, self._tenants = engine, base, tenants
        self._bank: AdapterBank = engine.bank
        self._of: dict[str, dict[AdapterId, None]] = {}
        self._trained: Counter[str] = Counter()
        for adapter in self._bank:
            self._add(adapter)

    def resolve(self, tenant: str, name: str) -> AdapterId:
        """Return the bank's id of a tenant's adapter.

        Raises:
            UnknownAdapter: the tenant has none of that name.
        """
        own = self._of.get(tenant, {})
        wanted: AdapterId = _id(tenant, name)
        if wanted not in own and not tenant and name.isdecimal() and name.isascii():
            wanted = int(name[:_DIGITS]) if len(name) <= _DIGITS else -1
        if wanted not in own:
            raise UnknownAdapter(
                f"a model must be the base model, a registered adapter, or {INLINE}<description>, "
                f"got {name!r}: register it first"
            )
        return wanted

    def model(self, tenant: str, name: str) -> AdapterKey:
        """Return what a request's `model` names: an adapter, else a mixture of the tenant's own.

        Raises:
            UnknownAdapter: the tenant has none of that name, or none of a mixture's.
            ArgumentError: as `mixtures.parsed`.
        """

        def find(part: str) -> AdapterId | None:
            try:
                return self.resolve(tenant, part)
            except UnknownAdapter:
                return None

        exact = find(name)
        mixture = parsed(name, find) if exact is None else exact
        return self.resolve(tenant, name) if mixture is None else mixture

    def knows(self, tenant: str, name: str) -> bool:
        """Return whether a tenant has an adapter of this name."""
        return _id(tenant, name) in self._of.get(tenant, {})

    async def inline(self, tenant: str, description: str) -> AdapterId:
        """Return the adapter of a description in a request, generated if it is new.

        Raises:
            NotAllowed, EncoderError, AdapterMismatch: as `register_texts`.
        """
        self._check_texts([description])
        generator = self._bank.generator
        # under another generator it is another adapter
        identity = f"{generator and generator.fingerprint} {prepare(description)}"
        name = f"t2l-{sha256(identity.encode()).hexdigest()[:32]}"
        if _id(tenant, name) not in self._of.get(tenant, {}):
            try:
                await self.register_texts(tenant, [description], [name])
            except ArgumentError:  # another request was faster
                return self.resolve(tenant, name)
        return self.resolve(tenant, name)

    async def register_texts(
        self, tenant: str, texts: Sequence[str], names: Sequence[str] | None
    ) -> list[str]:
        """Register descriptions, all or none; their names, once they are durable.

        Raises:
            NotAllowed: more than the tenant may register.
            ArgumentError: a description too long, or names that are taken or unfit.
            EncoderError: a description can't be encoded.
            AdapterMismatch: there is no generator.
            QueueFull: too much waits for the engine.
            EngineError: the engine is closed.
        """
        self._check_texts(texts)
        ids = self._new_ids(tenant, names, len(texts))
        codes = await self._encoded(tenant, texts)
        return await self._register(
            tenant, ids, lambda: self._bank.register(codes=torch.stack(codes), names=ids)
        )

    async def register_weights(self, tenant: str, weights: LoraWeights, name: str | None) -> str:
        """Register a trained adapter; its name. As `register_texts`."""
        self._check_uploads(tenant, True)
        ids = self._new_ids(tenant, None if name is None else [name], 1)
        names = await self._register(
            tenant, ids, lambda: self._bank.register(weights=[weights], names=ids)
        )
        return names[0]

    async def put_text(self, tenant: str, name: str, text: str) -> bool:
        """Register a description under a name, or replace what has it; return whether it is new.

        Raises:
            As `register_texts`; then what has the name goes on as it was.
        """
        self._check_texts([text])
        codes = await self._encoded(tenant, [text])
        return await self._run(tenant, lambda: self._put(tenant, name, code=codes[0]))

    async def put_weights(self, tenant: str, name: str, weights: LoraWeights) -> bool:
        """Register a trained adapter under a name, or replace what has it, as `put_text`."""
        return await self._run(tenant, lambda: self._put(tenant, name, weights=weights))

    def _put(
        self,
        tenant: str,
        name: str,
        *,
        code: Tensor | None = None,
        weights: LoraWeights | None = None,
    ) -> bool:
        """Do it, in the engine's thread: no request begins meanwhile."""
        trained = weights is not None
        try:
            adapter = self.resolve(tenant, name)
        except UnknownAdapter:
            self._check_uploads(tenant, trained)
            ids = self._new_ids(tenant, [name], 1)
            if weights is not None:
                self._bank.register(weights=[weights], names=ids)
            else:
                assert code is not None
                self._bank.register(codes=code[None], names=ids)
            self._add(ids[0])
            return True
        before = not self._bank.generated(adapter)
        self._check_uploads(tenant, trained and not before)
        old = self._bank.replace(adapter, code=code, weights=weights)
        self._engine.redirect(adapter, old)
        self._trained[tenant] += (not self._bank.generated(adapter)) - before
        retire(self._engine, old, tenant)
        return False

    async def forget(self, tenant: str, name: str) -> None:
        """Remove an adapter for good.

        Raises:
            UnknownAdapter: the tenant has none of that name.
            AdapterInUse: a request waits or runs with it.
        """
        adapter = self.resolve(tenant, name)

        def errand() -> None:
            if self._engine.asks_for(adapter):
                raise AdapterInUse(f"a request waits or runs with {name!r}: try again after it")
            trained = not self._bank.generated(adapter)
            self._bank.forget([adapter])
            self._of[tenant].pop(adapter, None)
            self._trained[tenant] -= trained

        await self._run(tenant, errand)

    async def weights(self, tenant: str, name: str) -> LoraWeights:
        """Return an adapter's weights."""
        adapter = self.resolve(tenant, name)
        return await self._run(tenant, lambda: self._bank.weights(adapter))

    def kind(self, tenant: str, name: str) -> Kind:
        """Return "generated" or "trained".

        Raises:
            UnknownAdapter: the tenant has none of that name.
        """
        coded = self._bank.generated(self.resolve(tenant, name))
        return "generated" if coded else "trained"

    def page(
        self, tenant: str, *, after: str | None, limit: int
    ) -> tuple[list[tuple[str, Kind]], bool]:
        """Return up to `limit` (name, kind) in order of registration, and whether there are more.

        Raises:
            UnknownAdapter: the tenant has none called `after`.
        """
        later: Iterator[AdapterId] = iter(list(self._of.get(tenant, ())))
        if after is not None:
            last = self.resolve(tenant, after)
            later = islice(dropwhile(lambda a: a != last, later), 1, None)
        page: list[tuple[str, Kind]] = []
        for adapter in islice(later, limit):
            try:
                kind: Kind = "generated" if self._bank.generated(adapter) else "trained"
            except UnknownAdapter:  # deleted meanwhile
                continue
            page.append((_name(tenant, adapter), kind))
        return page, next(later, None) is not None

    def count(self, tenant: str) -> int:
        """Count a tenant's adapters."""
        return len(self._of.get(tenant, ()))

    async def _run(self, tenant: str, errand: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._engine.run(errand, tenant=tenant))

    async def _register(
        self, tenant: str, ids: list[str], store: Callable[[], list[AdapterId]]
    ) -> list[str]:
        def errand() -> list[str]:
            self._check_room(tenant, len(ids))
            for adapter in store():
                self._add(adapter)
            return [_name(tenant, adapter) for adapter in ids]

        return await self._run(tenant, errand)

    def _add(self, adapter: AdapterId) -> None:
        tenant = ""
        if self._tenants and isinstance(adapter, str) and "/" in adapter:
            tenant = adapter.partition("/")[0]
        self._of.setdefault(tenant, {})[adapter] = None
        self._trained[tenant] += not self._bank.generated(adapter)

    def _new_ids(self, tenant: str, names: Sequence[str] | None, count: int) -> list[str]:
        self._check_room(tenant, count)
        if names is None:
            names = [f"adapter-{secrets.token_hex(8)}" for _ in range(count)]
        for name in names:
            fits = _NAME.fullmatch(name) and not name.isdecimal() and name != self._base
            if not fits or name.endswith(_ROUTES):
                raise ArgumentError(
                    "a name must be up to 64 letters, digits, '.', '_' and '-', beginning with a "
                    "letter or digit, or such parts between slashes, no number alone, not the base "
                    f"model's, and not end in /download, got {name!r}"
                )
        ids = [_id(tenant, name) for name in names]
        taken = [_name(tenant, i) for i in ids if i in self._of.get(tenant, {})]
        if len(ids) != count or len(set(ids)) != count or taken:
            raise ArgumentError(
                f"names must be {count} different new ones, got {len(ids)} with "
                f"{taken[:3] or 'none'} taken"
            )
        return ids

    def _check_room(self, tenant: str, count: int) -> None:
        if self.count(tenant) + count > self.limits.adapters:
            raise NotAllowed(
                f"up to {self.limits.adapters} adapters may be registered, got {count} more than "
                f"{self.count(tenant)}: delete some"
            )

    def _check_uploads(self, tenant: str, more: bool) -> None:
        if more and self._trained[tenant] >= self.limits.trained:
            raise NotAllowed(f"up to {self.limits.trained} adapters may be uploaded: delete some")

    async def _encoded(self, tenant: str, texts: Sequence[str]) -> list[Tensor]:
        generator = self._bank.generator
        if generator is None:
            raise AdapterMismatch(
                "descriptions need a generator, got a server without one: upload weights"
            )
        codes: list[Tensor] = []
        for start in range(0, len(texts), _AT_ONCE):  # so that requests go on meanwhile
            piece = list(texts[start : start + _AT_ONCE])
            codes += await self._run(tenant, lambda piece=piece: generator.encode(piece))
        return codes

    def _check_texts(self, texts: Sequence[str]) -> None:
        if not all(text.strip() for text in texts):
            raise ArgumentError("a description must not be empty, got one: leave it out")
        longest = max(map(len, texts))
        if len(texts) > self.limits.descriptions or longest > self.limits.description_chars:
            raise ArgumentError(
                f"one call takes up to {self.limits.descriptions} descriptions of up to "
                f"{self.limits.description_chars} characters, got {len(texts)} of up to {longest}"
            )


def _id(tenant: str, name: str) -> str:
    return f"{tenant}/{name}" if tenant else name


def _name(tenant: str, adapter: AdapterId) -> str:
    return str(adapter)[len(tenant) + 1 :] if tenant else str(adapter)
