"""Routes of adapters: register, list, download, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from t2l_fast.serve.guard import ZIP
from t2l_fast.serve.peft_zip import pack, unpack
from t2l_fast.serve.schema import AdapterRequest
from t2l_fast.serve.state import ERRORS, Serving, State, Tenant

Json = dict[str, Any]
router = APIRouter(prefix="/v1/adapters", responses=ERRORS)

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": AdapterRequest.model_json_schema()},
            ZIP: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("", status_code=201, openapi_extra=_BODY)
async def register(
    request: Request,
    state: Serving,
    tenant: Tenant,
    name: Annotated[str | None, Query(description="For an upload.")] = None,
) -> Json:
    """Register descriptions (JSON), or upload a zipped PEFT folder.

    They are durable when the answer comes, where the server has a store.
    """
    content = await request.body()
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind == ZIP:
        weights = await run_in_threadpool(unpack, content, state.limits.upload_bytes)
        names = [await run_in_threadpool(state.registry.register_weights, tenant, weights, name)]
    elif kind == "application/json":
        try:
            body = AdapterRequest.model_validate_json(content)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_input=False)) from None
        names = await run_in_threadpool(
            state.registry.register_texts, tenant, body.texts, body.names
        )
    else:
        raise HTTPException(415, f"send application/json or {ZIP}, got {kind or 'neither'}")
    return {"object": "list", "data": [_adapter(state, tenant, n) for n in names]}


@router.get("")
def listed(
    state: Serving,
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: str | None = None,
) -> Json:
    """The tenant's adapters, page by page, oldest first."""
    names = state.registry.names(tenant, after=after, limit=limit + 1)
    return {
        "object": "list",
        "data": [_adapter(state, tenant, name) for name in names[:limit]],
        "has_more": len(names) > limit,
        "total": state.registry.count(tenant),
    }


@router.get("/{name}")
def one(state: Serving, tenant: Tenant, name: str) -> Json:
    """One adapter."""
    return _adapter(state, tenant, name)


@router.delete("/{name}")
def delete(state: Serving, tenant: Tenant, name: str) -> Json:
    """Forget an adapter for good."""
    state.registry.forget(tenant, name)
    return {"id": name, "object": "adapter", "deleted": True}


@router.get("/{name}/download", response_class=Response, responses={200: {"content": {ZIP: {}}}})
def download(state: Serving, tenant: Tenant, name: str) -> Response:
    """An adapter as a zipped PEFT folder; a generated one is made for it."""
    content = pack(state.registry.weights(tenant, name))
    # the name was found, so it is one that registration let through
    disposition = f'attachment; filename="{name}.zip"'
    return Response(content, media_type=ZIP, headers={"Content-Disposition": disposition})


def _adapter(state: State, tenant: str, name: str) -> Json:
    return {"id": name, "object": "adapter", "kind": state.registry.kind(tenant, name)}
