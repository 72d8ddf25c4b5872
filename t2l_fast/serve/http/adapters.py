"""Routes of adapters: register, list, download, delete."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from t2l_fast.serve.http.guard import ZIP
from t2l_fast.serve.http.peft_zip import pack, unpack
from t2l_fast.serve.http.responses import Adapter, AdapterList, AdapterPage, DeletedAdapter
from t2l_fast.serve.http.schema import AdapterRequest
from t2l_fast.serve.http.state import ERRORS, Serving, Tenant
from t2l_fast.serve.tenants.registry import Kind

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
) -> AdapterList:
    """Register descriptions (JSON), or upload a zipped PEFT folder.

    They are durable when the answer comes, where the server has a store.
    """
    content = await request.body()
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind == ZIP:
        weights = await run_in_threadpool(unpack, content, state.limits.upload_bytes)
        made: list[tuple[str, Kind]] = [
            (await state.registry.register_weights(tenant, weights, name), "trained")
        ]
    elif kind == "application/json":
        try:
            body = AdapterRequest.model_validate_json(content)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_input=False)) from None
        names = await state.registry.register_texts(tenant, body.texts, body.names)
        made = [(name, "generated") for name in names]
    else:
        raise HTTPException(415, f"send application/json or {ZIP}, got {kind or 'neither'}")
    return AdapterList(data=[_adapter(*pair) for pair in made])


@router.get("")
async def listed(
    state: Serving,
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: str | None = None,
) -> AdapterPage:
    """The tenant's adapters, page by page, oldest first."""
    page, more = state.registry.page(tenant, after=after, limit=limit)
    return AdapterPage(
        data=[_adapter(*pair) for pair in page],
        has_more=more,
        total=state.registry.count(tenant),
    )


@router.get("/{name}")
async def one(state: Serving, tenant: Tenant, name: str) -> Adapter:
    """One adapter."""
    return _adapter(name, state.registry.kind(tenant, name))


@router.delete("/{name}")
async def delete(state: Serving, tenant: Tenant, name: str) -> DeletedAdapter:
    """Forget an adapter for good."""
    await state.registry.forget(tenant, name)
    return DeletedAdapter(id=name)


@router.get("/{name}/download", response_class=Response, responses={200: {"content": {ZIP: {}}}})
async def download(state: Serving, tenant: Tenant, name: str) -> Response:
    """An adapter as a zipped PEFT folder; a generated one is made for it."""
    content = await run_in_threadpool(pack, await state.registry.weights(tenant, name))
    # names of a store that was filled elsewhere may hold anything
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}.zip"
    return Response(content, media_type=ZIP, headers={"Content-Disposition": disposition})


def _adapter(name: str, kind: Kind) -> Adapter:
    return Adapter(id=name, kind=kind)
