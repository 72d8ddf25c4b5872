"""Routes of adapters: register, list, replace, download, delete."""

from __future__ import annotations

import tempfile
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from t2l_fast.adapters import LoraWeights
from t2l_fast.serve.http.body import Body
from t2l_fast.serve.http.guard import ZIP
from t2l_fast.serve.http.invalid import parsed
from t2l_fast.serve.http.peft_zip import pack, unpack
from t2l_fast.serve.http.responses import Adapter, AdapterList, AdapterPage, DeletedAdapter
from t2l_fast.serve.http.schema import AdapterRequest, DescribedAdapter
from t2l_fast.serve.http.state import ERRORS, Serving, Tenant
from t2l_fast.serve.tenants.registry import Kind

router = APIRouter(prefix="/v1/adapters", responses=ERRORS)

_PIECE = 1 << 20


def _body(kind: type[Body]) -> dict[str, Any]:
    """Document a body that is JSON or a zipped folder."""
    content = {
        "application/json": {"schema": kind.model_json_schema()},
        ZIP: {"schema": {"type": "string", "format": "binary"}},
    }
    return {"requestBody": {"required": True, "content": content}}


@router.post("/", status_code=201, include_in_schema=False)
@router.post("", status_code=201, openapi_extra=_body(AdapterRequest))
async def register(
    request: Request,
    state: Serving,
    tenant: Tenant,
    name: Annotated[str | None, Query(description="For an upload.")] = None,
) -> AdapterList:
    """Register descriptions (JSON), or upload a zipped PEFT folder.

    They are durable when the answer comes, where the server has a store.
    """
    if _content(request) == ZIP:
        weights = await _uploaded(request, state.limits.upload_bytes)
        registered: list[tuple[str, Kind]] = [
            (await state.registry.register_weights(tenant, weights, name), "trained")
        ]
    else:
        body = parsed(AdapterRequest, await request.body())
        names = await state.registry.register_texts(tenant, body.texts, body.names)
        registered = [(name, "generated") for name in names]
    return AdapterList(data=[_adapter(*pair) for pair in registered])


@router.get("/", include_in_schema=False)
@router.get("")
async def listed(
    state: Serving,
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: str | None = None,
) -> AdapterPage:
    """List the tenant's adapters, page by page, oldest first."""
    page, more = state.registry.page(tenant, after=after, limit=limit)
    return AdapterPage(
        data=[_adapter(*pair) for pair in page],
        has_more=more,
        total=state.registry.count(tenant),
    )


@router.put(
    "/{name:path}",
    responses={201: {"model": Adapter, "description": "The name is new."}},
    openapi_extra=_body(DescribedAdapter),
)
async def put(
    request: Request, response: Response, state: Serving, tenant: Tenant, name: str
) -> Adapter:
    """Replace an adapter by a description or an upload, or register one, under this name.

    Requests that came before finish on the old adapter, later ones run on the new one. What can't
    be taken leaves the old one as it is.
    """
    if _content(request) == ZIP:
        weights = await _uploaded(request, state.limits.upload_bytes)
        new = await state.registry.put_weights(tenant, name, weights)
    else:
        body = parsed(DescribedAdapter, await request.body())
        new = await state.registry.put_text(tenant, name, body.text)
    response.status_code = 201 if new else 200
    return _adapter(name, state.registry.kind(tenant, name))


@router.delete("/{name:path}")
async def delete(state: Serving, tenant: Tenant, name: str) -> DeletedAdapter:
    """Forget an adapter for good."""
    await state.registry.forget(tenant, name)
    return DeletedAdapter(id=name)


@router.get(
    "/{name:path}/download", response_class=Response, responses={200: {"content": {ZIP: {}}}}
)
async def download(state: Serving, tenant: Tenant, name: str) -> Response:
    """Send an adapter as a zipped PEFT folder, generated for it where it is a code."""
    content = await run_in_threadpool(pack, await state.registry.weights(tenant, name))
    # names of a store that was filled elsewhere may hold anything
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}.zip"
    return Response(content, media_type=ZIP, headers={"Content-Disposition": disposition})


@router.get("/{name:path}")
async def one(state: Serving, tenant: Tenant, name: str) -> Adapter:
    """Describe one adapter."""
    return _adapter(name, state.registry.kind(tenant, name))


def _content(request: Request) -> str:
    """Return what kind of body comes.

    Raises:
        HTTPException: neither of the two that are taken.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind not in (ZIP, "application/json"):
        raise HTTPException(415, f"send application/json or {ZIP}, got {kind or 'neither'}")
    return kind


async def _uploaded(request: Request, limit: int) -> LoraWeights:
    """Return the adapter of a zipped folder, which never lies in RAM as a whole."""
    with tempfile.TemporaryFile() as file:
        held = bytearray()
        async for piece in request.stream():
            held += piece
            if len(held) > _PIECE:
                await run_in_threadpool(file.write, bytes(held))
                held.clear()
        file.write(held)
        file.seek(0)
        return await run_in_threadpool(unpack, file, limit)


def _adapter(name: str, kind: Kind) -> Adapter:
    return Adapter(id=name, kind=kind)
