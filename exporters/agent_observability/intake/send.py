"""Answers on their way out: whoever does not take theirs is cut off, instead of keeping a connection for ever."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

__all__ = ["sending"]

log = logging.getLogger(__name__)

# Of a connection on which nothing waits, the system takes this much without anybody's having to wait for it.
_AT_ONCE = 16 * 1024


def sending(seconds: float) -> Middleware:
    """Every answer, also one to a method or path that there is not, must be taken within `seconds`."""

    @web.middleware
    async def send(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            headers = {hdrs.ALLOW: error.headers[hdrs.ALLOW]} if hdrs.ALLOW in error.headers else None
            response = web.json_response({"error": error.reason}, status=error.status, headers=headers)
        transport = request.transport
        if transport is None or (
            isinstance(response, web.Response)
            and (response.content_length or 0) <= _AT_ONCE
            and transport.get_write_buffer_size() == 0
        ):
            return response
        try:
            async with asyncio.timeout(seconds):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            log.warning("%s did not take its answers within %g s", request.remote, seconds)
            transport.abort()
        except ConnectionError:
            # It has gone: so be it.
            transport.abort()
        return response

    return send
