"""Every family of the CR state exporter. Data only.

`LIVE` are read from what the API shows now; `COUNTED` live in the ledger; `PROBED` are this process's own.
"""

from __future__ import annotations

from agent_observability.cr_state.reasons import REASONS
from agent_observability.cr_state.session import PHASES
from agent_observability.metric import OTHER, Kind, Label, Metric

_C, _G, _H, _I = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM, Kind.INFO

SESSION_SECONDS = (30.0, 60.0, 180.0, 300.0, 420.0, 900.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0)
QUEUE_SECONDS = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
PROBE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

ALL_PHASES = (*PHASES, OTHER)
MODES = ("interactive", "batch")
REPOS = ("1", "2", "3+")
STEPS = ("ideate", "specify", "plan", "tasks", "implement")
RESOURCES = ("agenticsessions", "rfeworkflows", "projectsettings", "jobs", "pods", "deployments", "namespaces")
_ENDS = ("completed", "failed", "error", "stopped")
_TRUE_FALSE = ("true", "false")

_PROJECT = Label("project", cap=1_000)
_MODEL = Label("model", cap=200)
_CUSTOM = Label("custom", _TRUE_FALSE)
_MODE = Label("mode", MODES)
_REPOS = Label("repos", REPOS)
_PHASE = Label("phase", ALL_PHASES)
_RESOURCE = Label("resource", RESOURCES)
# From the configuration, so bounded by it.
_COMPONENT = Label("component")
# Bounded by the policy that chooses the sessions shown.
_SESSION = (Label("namespace"), Label("project"), Label("session_name"))

SESSION_PHASE = Metric("vteam_session_phase_info", _G, "1 for the phase a session is in", (*_SESSION, _PHASE))
SESSION_INFO = Metric(
    "vteam_session_info",
    _I,
    "How a session was asked for: as first seen",
    (*_SESSION, _MODE, Label("model"), Label("scheduled", _TRUE_FALSE)),
)
SESSION_CREATED = Metric("vteam_session_created_timestamp_seconds", _G, "When a session was created", _SESSION)
SESSION_START = Metric(
    "vteam_session_start_timestamp_seconds", _G, "When the session's runner first started, as Unix time", _SESSION
)
SESSION_COMPLETION = Metric(
    "vteam_session_completion_timestamp_seconds", _G, "When the session first ended, as Unix time", _SESSION
)
SESSION_REPO = Metric(
    "vteam_session_repo_status",
    _G,
    "1 if the session's work on a repository was pushed, 0 if it was abandoned",
    (*_SESSION, Label("repo")),
)
SESSION_COST = Metric("vteam_session_cost_usd", _G, "What the session's object reports as its cost", _SESSION)
SESSION_TURNS = Metric("vteam_session_turns", _G, "Turns of the agent, as the session's object reports them", _SESSION)
SESSION_TOKENS = Metric(
    "vteam_session_tokens",
    _G,
    "Tokens of the session, as its object reports them",
    (*_SESSION, Label("type", ("input", "cache_read", "cache_write", "output"))),
)
DETAIL = (
    SESSION_PHASE,
    SESSION_INFO,
    SESSION_CREATED,
    SESSION_START,
    SESSION_COMPLETION,
    SESSION_REPO,
    SESSION_COST,
    SESSION_TURNS,
    SESSION_TOKENS,
)
"""One or more series per session that is shown."""

SESSIONS = Metric("vteam_sessions", _G, "Sessions that exist, by the phase they are in", (_PROJECT, _PHASE))
SESSIONS_BY_MODE = Metric("vteam_sessions_by_mode", _G, "Sessions that have not ended, by mode", (_PROJECT, _MODE))
SESSIONS_BY_MODEL = Metric(
    "vteam_sessions_by_model",
    _G,
    "Sessions that have not ended, by model; custom is a model outside the configured default ones",
    (_PROJECT, _MODEL, _CUSTOM),
)
SESSIONS_BY_REPOS = Metric(
    "vteam_sessions_by_repos", _G, "Sessions that have not ended, by their number of repositories", (_PROJECT, _REPOS)
)
QUEUE_DEPTH = Metric("vteam_session_queue_depth", _G, "Sessions that wait for their runner", (_PROJECT,))
OLDEST_PENDING = Metric(
    "vteam_session_oldest_pending_timestamp_seconds",
    _G,
    "When the session that has been pending longest was created; absent when none is",
    (_PROJECT,),
)
STUCK = Metric(
    "vteam_sessions_stuck",
    _G,
    "Sessions that have been creating or stopping for longer than the configured time",
    (_PROJECT, Label("phase", ("creating", "stopping"))),
)
STATE = (SESSIONS, SESSIONS_BY_MODE, SESSIONS_BY_MODEL, SESSIONS_BY_REPOS, QUEUE_DEPTH, OLDEST_PENDING, STUCK)

PROJECT_CREATED = Metric(
    "vteam_project_created_timestamp_seconds", _G, "When the project's settings were created", (_PROJECT,)
)
PROJECT_FIRST_COMPLETION = Metric(
    "vteam_project_time_to_first_completion_seconds",
    _G,
    "From a project's creation to the end of its first completed session; absent until there is one",
    (_PROJECT,),
)
PROJECT_SETTINGS = Metric("vteam_project_settings_info", _I, "1 for each project that has settings", (_PROJECT,))
SEGMENTS = ("active", "power", "new", "activated", "retained", "churned")
_SEGMENT = (Label("segment", SEGMENTS), Label("window", ("24h", "7d", "30d")))
PROJECTS = Metric("vteam_projects", _G, "Projects by what they did in a window; segments overlap", _SEGMENT)
USERS = Metric("vteam_users", _G, "Distinct users by what they did in a window; segments overlap", _SEGMENT)
ADOPTION = (PROJECT_CREATED, PROJECT_FIRST_COMPLETION, PROJECT_SETTINGS, PROJECTS, USERS)

RFE_STEP = Metric(
    "vteam_rfe_step_status",
    _G,
    "1 once a session for this step of a workflow has completed, else 0",
    (Label("namespace"), Label("project"), Label("workflow"), Label("step", STEPS)),
    series_cap=5_000,
)
RFE_WORKFLOWS = Metric(
    "vteam_rfe_workflows",
    _G,
    "Workflows that exist, by phase",
    (_PROJECT, Label("phase", ("initializing", "ready", OTHER))),
)
WORKFLOWS = (RFE_STEP, RFE_WORKFLOWS)

COMPONENT_READY = Metric(
    "vteam_component_ready_replicas", _G, "Replicas of a platform component that are ready", (_COMPONENT,)
)
COMPONENT_DESIRED = Metric(
    "vteam_component_desired_replicas", _G, "Replicas of a platform component that are wanted", (_COMPONENT,)
)
COMPONENT_INFO = Metric(
    "vteam_component_info", _I, "Version of a platform component's deployment", (_COMPONENT, Label("version"))
)
COMPONENT_GENERATION = Metric(
    "vteam_component_generation",
    _G,
    "Revision of a platform component's deployment: rises with each rollout",
    (_COMPONENT,),
)
COMPONENTS = (COMPONENT_READY, COMPONENT_DESIRED, COMPONENT_INFO, COMPONENT_GENERATION)
COMPONENT_PROBES = Metric(
    "vteam_component_probes_total",
    _C,
    "HTTP probes of a platform component",
    (_COMPONENT, Label("result", ("success", "failure"))),
)
COMPONENT_PROBE_SECONDS = Metric(
    "vteam_component_probe_duration_seconds",
    _H,
    "How long HTTP probes of a platform component took",
    (_COMPONENT,),
    buckets=PROBE_SECONDS,
)
PROBED = (COMPONENT_PROBES, COMPONENT_PROBE_SECONDS)

SYNCED = Metric(
    "cr_state_synced",
    _G,
    "1 once a resource has been listed, 0 if it never was, or the API says that it is not there or not for us",
    (_RESOURCE,),
)
OBJECTS = Metric("cr_state_objects", _G, "Objects of a resource that are followed", (_RESOURCE,))
LAST_SYNC = Metric(
    "cr_state_last_sync_timestamp_seconds", _G, "When a resource was last listed completely", (_RESOURCE,)
)
LAST_EVENT = Metric(
    "cr_state_last_event_timestamp_seconds",
    _G,
    "When the API last said something about a resource, be it that nothing has changed",
    (_RESOURCE,),
)
FOLLOWING = (SYNCED, OBJECTS, LAST_SYNC, LAST_EVENT)

LIVE = (*DETAIL, *STATE, *ADOPTION, *WORKFLOWS, *COMPONENTS, *FOLLOWING)

CREATED = Metric("vteam_sessions_created_total", _C, "Sessions created", (_PROJECT, Label("interactive", _TRUE_FALSE)))
COMPLETED = Metric(
    "vteam_sessions_completed_total", _C, "Sessions that ended for the first time", (_PROJECT, Label("phase", _ENDS))
)
DURATION = Metric(
    "vteam_session_duration_seconds",
    _H,
    "From a session's creation to its first end",
    (_PROJECT, Label("phase", _ENDS)),
    buckets=SESSION_SECONDS,
    scale=1_000,
)
OUTCOMES = Metric(
    "vteam_session_outcomes_total",
    _C,
    "Sessions that ended for the first time, by what they were and why they ended",
    (_PROJECT, _MODE, _MODEL, _CUSTOM, Label("phase", _ENDS), Label("reason", REASONS)),
    series_cap=50_000,
)
RUN_DURATION = Metric(
    "vteam_session_run_duration_seconds",
    _H,
    "From the start of a session's runner to the session's first end",
    (_PROJECT, _MODE),
    buckets=SESSION_SECONDS,
    scale=1_000,
)
QUEUE_DURATION = Metric(
    "vteam_session_queue_duration_seconds",
    _H,
    "From a session's creation to the start of its runner",
    (_PROJECT, _MODE),
    buckets=QUEUE_SECONDS,
    scale=1_000,
)
TRANSITIONS = Metric(
    "vteam_session_phase_transitions_total",
    _C,
    "Changes of phase that were seen",
    (_PROJECT, Label("from", ALL_PHASES), Label("to", ALL_PHASES)),
)
RESTARTS = Metric(
    "vteam_session_restarts_total", _C, "Sessions that began anew after they had run or ended", (_PROJECT,)
)
CREATED_REPOS = Metric(
    "vteam_session_repos_total", _C, "Sessions created, by their number of repositories", (_PROJECT, _REPOS)
)
JOBS_CREATED = Metric("vteam_operator_jobs_created_total", _C, "Jobs and bare pods made to run sessions", (_PROJECT,))
JOBS_COMPLETED = Metric(
    "vteam_operator_jobs_completed_total",
    _C,
    "Jobs and bare pods of sessions that have ended",
    (_PROJECT, Label("result", ("succeeded", "failed"))),
)
COMPONENT_RESTARTS = Metric(
    "vteam_component_restarts_total", _C, "Restarts of a platform component's containers", (_COMPONENT,)
)
LISTS = Metric(
    "cr_state_lists_total",
    _C,
    "Lists of a resource, by how they ended",
    (_RESOURCE, Label("result", ("ok", "gone", "throttled", "denied", "missing", "error"))),
)
WATCHES = Metric(
    "cr_state_watches_total",
    _C,
    "Watches of a resource, by how they ended",
    (_RESOURCE, Label("result", ("ok", "gone", "throttled", "denied", "missing", "error"))),
)
EVENTS = Metric(
    "cr_state_events_total",
    _C,
    "Events of watches",
    (_RESOURCE, Label("type", ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", OTHER))),
)
DECODE_ERRORS = Metric(
    "cr_state_decode_errors_total",
    _C,
    "Fields of objects that could not be understood; the rest of the object counts all the same",
    (_RESOURCE, Label("field", cap=100)),
)
COUNTED = (
    CREATED,
    COMPLETED,
    DURATION,
    OUTCOMES,
    RUN_DURATION,
    QUEUE_DURATION,
    TRANSITIONS,
    RESTARTS,
    CREATED_REPOS,
    JOBS_CREATED,
    JOBS_COMPLETED,
    COMPONENT_RESTARTS,
    LISTS,
    WATCHES,
    EVENTS,
    DECODE_ERRORS,
)

CR_STATE_METRICS = (*LIVE, *PROBED, *COUNTED)
