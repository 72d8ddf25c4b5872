"""Routes of models: the base model and its adapters, as OpenAI's API lists them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from t2l_fast.serve.http.responses import Model, ModelList
from t2l_fast.serve.http.state import ERRORS, Serving, State, Tenant

router = APIRouter(prefix="/v1/models", responses=ERRORS)


@router.get("/", include_in_schema=False)
@router.get("")
async def models(
    state: Serving,
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: str | None = None,
) -> ModelList:
    """List the base model and the tenant's adapters, page by page."""
    page, more = state.registry.page(tenant, after=after, limit=limit)
    shown = [_model(state, name) for name, _ in page]
    first = [_model(state, state.base)] if after is None else []
    return ModelList(data=first + shown, has_more=more)


@router.get("/{model:path}")
async def model(state: Serving, tenant: Tenant, model: str) -> Model:
    """Tell of one of them."""
    if model != state.base:
        state.registry.model(tenant, model)
    return _model(state, model)


def _model(state: State, name: str) -> Model:
    parent = None if name == state.base else state.base
    return Model(id=name, created=state.started, parent=parent)
