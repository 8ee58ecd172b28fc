"""Jobs and bare pods that run sessions: each begin and each end counted once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_observability.cr_state import metrics as m
from agent_observability.cr_state.runners import JOB, POD, RunnerJobs, RunnerPods
from tests.cr_state.test_recorder import Books, listed, recording, watched


def meta(uid: str, version: int, namespace: str = "p", **more: object) -> dict[str, Any]:
    return {"name": f"n{uid}", "namespace": namespace, "uid": uid, "resourceVersion": str(version), **more}


def job(uid: str, version: int, end: str = "", namespace: str = "p") -> dict[str, Any]:
    conditions = [{"type": "Suspended", "status": "False"}, *([{"type": end, "status": "True"}] if end else [])]
    return {"metadata": meta(uid, version, namespace), "status": {"conditions": conditions}}


def pod(uid: str, version: int, phase: str | None, owner: str = "", namespace: str = "p") -> dict[str, Any]:
    owners = [{"kind": owner, "name": "it"}] if owner else None
    return {"metadata": meta(uid, version, namespace, ownerReferences=owners), "status": {"phase": phase}}


def jobs_of(books: Books, *namespaces: str) -> RunnerJobs:
    return RunnerJobs(books.scene(*namespaces), books.facts(JOB))


def pods_of(books: Books) -> RunnerPods:
    return RunnerPods(books.scene(), books.facts(POD))


async def test_a_job_from_begin_to_end(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        jobs = jobs_of(books)
        await listed(jobs)
        await watched(jobs, job("1", 1), kind="ADDED")
        await books.shows(m.JOBS_CREATED, '{project="p"} 1')
        await books.shows(m.JOBS_COMPLETED)
        await watched(jobs, job("1", 2), job("1", 3, "Complete"), job("1", 4, "Complete"))
        assert books.facts(JOB) == {"1": b"seen p"}, "until it is committed"
        await books.shows(m.JOBS_COMPLETED, '{project="p",result="succeeded"} 1')
        assert books.facts(JOB) == {"1": b"ended p"}
        await watched(jobs, job("1", 5, "Complete"), kind="DELETED")
        await books.shows(m.JOBS_CREATED, '{project="p"} 1')
        await books.shows(m.JOBS_COMPLETED, '{project="p",result="succeeded"} 1')
        assert books.facts(JOB) == {}


@pytest.mark.parametrize(
    ("conditions", "result"),
    [
        (None, ""),
        ([], ""),
        ([{"type": "Complete", "status": "True"}], "succeeded"),
        ([{"type": "Failed", "status": "True"}], "failed"),
        ([{"type": "Complete", "status": "False"}, {"type": "Failed", "status": "Unknown"}], ""),
        ([{"type": "Complete"}, {"type": "Suspended", "status": "True"}], ""),
        ([{"type": "FailureTarget", "status": "True"}, {"type": "Failed", "status": "True"}], "failed"),
    ],
)
async def test_results_of_jobs(conditions: list[dict[str, str]] | None, result: str, tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        jobs = jobs_of(books)
        await listed(jobs)
        await listed(jobs, {"metadata": meta("1", 1), "status": {"conditions": conditions}})
        await books.shows(m.JOBS_CREATED, '{project="p"} 1')
        await books.shows(m.JOBS_COMPLETED, *([f'{{project="p",result="{result}"}} 1'] if result else []))


async def test_bare_pods_and_those_of_jobs(tmp_path: Path) -> None:
    """What a Job runs counts as the Job; whatever else owns a pod, it counts."""
    async with recording(tmp_path) as books:
        pods = pods_of(books)
        await listed(pods)
        await watched(pods, pod("owned", 1, "Running", "Job"), pod("bare", 1, None), pod("set", 1, "Pending", "Set"))
        await books.shows(m.JOBS_CREATED, '{project="p"} 2')
        await watched(pods, pod("owned", 2, "Failed", "Job"), pod("bare", 2, "Succeeded"), pod("set", 2, "Failed"))
        ends = ['{project="p",result="failed"} 1', '{project="p",result="succeeded"} 1']
        await books.shows(m.JOBS_COMPLETED, *ends)
        await watched(pods, pod("bare", 3, "Unknown"), pod("bare", 4, "Succeeded"))
        for uid in ("owned", "bare"):
            await watched(pods, pod(uid, 5, "Failed", "Job" if uid == "owned" else ""), kind="DELETED")
        await books.shows(m.JOBS_COMPLETED, *ends)
        assert books.facts(POD) == {"set": b"ended p"}


async def test_what_a_first_list_finds_is_history(tmp_path: Path) -> None:
    """But not what becomes of it then."""
    async with recording(tmp_path) as books:
        jobs = jobs_of(books)
        await listed(jobs, job("runs", 1), job("over", 1, "Failed"))
        await books.shows(m.JOBS_CREATED)
        await books.shows(m.JOBS_COMPLETED)
        await watched(jobs, job("runs", 2, "Failed"), job("over", 2, "Failed"))
        await books.shows(m.JOBS_COMPLETED, '{project="p",result="failed"} 1')
        await books.shows(m.JOBS_CREATED)


async def test_ends_while_the_exporter_was_away(tmp_path: Path) -> None:
    """Once each; what came and went meanwhile never was, and what is gone is forgotten."""
    async with recording(tmp_path) as books:
        await listed(jobs_of(books), job("runs", 1), job("over", 1, "Failed"), job("goes", 1))
    async with recording(tmp_path) as books:
        await listed(jobs_of(books), job("runs", 2, "Complete"), job("over", 2, "Failed"), job("new", 2, "Failed"))
        await books.shows(m.JOBS_CREATED, '{project="p"} 1')
        await books.shows(m.JOBS_COMPLETED, '{project="p",result="failed"} 1', '{project="p",result="succeeded"} 1')
        assert books.facts(JOB) == dict.fromkeys(("runs", "over", "new"), b"ended p")
    async with recording(tmp_path) as books:
        await listed(jobs_of(books), job("runs", 3, "Complete"))
        await books.shows(m.JOBS_COMPLETED, '{project="p",result="failed"} 1', '{project="p",result="succeeded"} 1')
        assert set(books.facts(JOB)) == {"runs"}


async def test_a_first_list_that_was_not_over(tmp_path: Path) -> None:
    """The process died in it: what it had noted is known, the rest is history still."""
    async with recording(tmp_path) as books:
        jobs = RunnerJobs(books.scene(), {"1": b"seen p"})
        await listed(jobs, job("1", 2, "Complete"), job("2", 2, "Complete"))
        await books.shows(m.JOBS_CREATED)
        await books.shows(m.JOBS_COMPLETED, '{project="p",result="succeeded"} 1')


async def test_a_list_of_one_namespace_forgets_only_there(tmp_path: Path) -> None:
    async with recording(tmp_path) as books:
        jobs = jobs_of(books, "p", "q")
        for namespace in "pq":
            await listed(jobs, job(namespace, 1, "", namespace), scope=namespace)
    async with recording(tmp_path) as books:
        jobs = jobs_of(books, "p", "q")
        await listed(jobs, scope="p")
        await books.recorder.recorded()
        assert books.facts(JOB) == {"q": b"seen q"}
        await listed(jobs, job("q", 2, "Complete", "q"), job("q2", 2, "", "q"), scope="q")
        await books.shows(m.JOBS_COMPLETED, '{project="q",result="succeeded"} 1')
        await books.shows(m.JOBS_CREATED, '{project="q"} 1')


@pytest.mark.parametrize(("names", "scope", "passed"), [("", "", "abc"), ("ab", "", "ab"), ("ab", "a", "a")])
async def test_where_history_ends(names: str, scope: str, passed: str, tmp_path: Path) -> None:
    """Of all namespaces that are followed, not of those that a selector may choose later; and for good."""
    async with recording(tmp_path) as books:
        jobs = jobs_of(books, *names)
        assert not any(jobs.baselines.passed("jobs", one) for one in "abc")
        await listed(jobs, scope=scope)
    async with recording(tmp_path) as books:
        jobs = jobs_of(books, *names)
        assert [one for one in "abc" if jobs.baselines.passed("jobs", one)] == list(passed)
        assert not jobs.baselines.passed("pods", "a")
