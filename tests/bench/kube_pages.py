"""A Kubernetes API for the benchmark: sessions in pages made beforehand, and a watch that changes some on demand.

`python -m tests.bench.kube_pages OBJECTS`; it prints its port. `POST /change/N` changes so many, chosen at random;
`GET /began` is when the first list was asked for (Unix time).
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import Any

from aiohttp import web

PROJECTS = 200
PAGE = 500
SESSIONS = "agenticsessions"


class Pages:
    """One in forty has not ended."""

    def __init__(self, objects: int) -> None:
        self.choice = random.Random(7)
        self.version = objects + 1
        self.began = 0.0
        self.objects = [self.session(number) for number in range(objects)]
        self.pages = [self.page(start) for start in range(0, objects, PAGE)]
        self.watches: list[web.StreamResponse] = []

    def session(self, number: int) -> dict[str, Any]:
        created = 1_790_000_000 + number
        over = number % 40 != 0
        status: dict[str, Any] = {"phase": "Completed" if over else "Pending", "message": "m" * 80}
        if over:
            status |= {"startTime": moment(created + 30), "completionTime": moment(created + 900), "num_turns": 12}
        meta = {
            "name": f"session-{number:06}",
            "namespace": f"project-{number % PROJECTS:03}",
            "uid": f"5a1f0c3e-0000-4000-8000-{number:012}",
            "resourceVersion": str(number + 1),
            "creationTimestamp": moment(created),
            "labels": {"app": "ambient", "team": "t" * 20},
            "managedFields": [{"manager": "backend", "operation": "Update", "time": moment(created)}] * 3,
        }
        spec = {
            "prompt": "Improve the tests of this repository. " * 12,
            "displayName": f"Session {number}",
            "interactive": number % 3 == 0,
            "llmSettings": {"model": ("sonnet", "opus", "haiku")[number % 3], "temperature": 0.7, "maxTokens": 4000},
            "userContext": {"userId": f"user-{number % 5000}", "displayName": "Somebody", "groups": ["a", "b"]},
            "repos": [{"input": {"url": "https://git.example.org/a/b.git", "branch": "main"}}],
            "timeout": 1800,
        }
        return {"apiVersion": "v", "kind": "AgenticSession", "metadata": meta, "spec": spec, "status": status}

    def page(self, start: int) -> bytes:
        end = start + PAGE
        meta = {"resourceVersion": str(self.version), **({"continue": str(end)} if end < len(self.objects) else {})}
        return json.dumps({"kind": "List", "metadata": meta, "items": self.objects[start:end]}).encode()

    def change(self) -> bytes:
        """Any session; those that wait begin to run."""
        self.version += 1
        found = self.objects[self.choice.randrange(len(self.objects))]
        found["metadata"]["resourceVersion"] = str(self.version)
        status = found["status"]
        status["num_turns"] = status.get("num_turns", 0) + 1
        if status["phase"] == "Pending":
            status |= {"phase": "Running", "startTime": moment(int(time.time()))}
        return json.dumps({"type": "MODIFIED", "object": found}).encode() + b"\n"


def moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


async def serve(objects: int) -> None:
    pages = Pages(objects)

    async def get(request: web.Request) -> web.StreamResponse:
        ours = request.match_info["resource"] == SESSIONS
        if request.query.get("watch"):
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            await response.prepare(request)
            if ours:
                pages.watches.append(response)
            await asyncio.sleep(3600)
            return response
        if not ours:
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
        pages.began = pages.began or time.time()
        return web.Response(body=pages.pages[int(request.query.get("continue", "0")) // PAGE])

    async def change(request: web.Request) -> web.Response:
        body = b"".join(pages.change() for _ in range(int(request.match_info["number"])))
        for watch in pages.watches:
            await watch.write(body)
        return web.Response()

    async def began(_: web.Request) -> web.Response:
        return web.json_response(pages.began)

    app = web.Application()
    app.router.add_post("/change/{number}", change)
    app.router.add_get("/began", began)
    app.router.add_get("/{tail:.*}/{resource}", get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
