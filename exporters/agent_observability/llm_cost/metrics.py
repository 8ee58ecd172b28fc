"""Every family of the LLM cost exporter. Data only.

`COUNTED` live in the ledger; `RUNNER`, too, for as long as a session lasts. `SPEND`, `BUDGETS` and `BILLING` are read
from the books when they are scraped.
"""

from __future__ import annotations

from agent_observability.llm_cost.usage import ERROR_TYPES, OPERATIONS, STATUSES, TOKEN_TYPES, UNIT_TYPES
from agent_observability.metric import OTHER, Kind, Label, Metric

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

PICO = 10**12
"""Money is counted in pico-dollars: published token prices are not whole nano-dollars."""

CALL_SECONDS = tuple(round(0.01 * 2**power, 2) for power in range(17))
COST_TYPES = (*TOKEN_TYPES, *UNIT_TYPES, "unsplit")
COST_SOURCES = ("estimated", "reported", "repriced")
UNPRICED_REASONS = ("unknown_model", "unknown_provider", "unknown_tier", "no_price", "no_date")
SCOPES = ("total", "provider", "project", "feature")
WINDOWS = ("today", "yesterday", "month_to_date")
FEATURE_UNITS = ("session", "test", "issue")
WORKSPACE_OPERATIONS = ("read", "write", "edit", "search", "execute", "web", "task", OTHER)

PROVIDER = Label("provider", cap=50)
MODEL = Label("model", cap=200)
PROJECT = Label("project", cap=1_000)
# Folded to the configured ones before anything is counted.
FEATURE = Label("feature", cap=50)
_D = (PROVIDER, MODEL, PROJECT, FEATURE)
_OPERATION = Label("operation", OPERATIONS)
_STATUS = Label("status", STATUSES)
_SPENT = (PROVIDER, PROJECT, FEATURE)
# From the configuration, so bounded by it.
_ACCOUNT = Label("account")
_SOURCE = Label("source")

REQUESTS = Metric("llm_requests_total", _C, "Calls of models", (*_D, _OPERATION, _STATUS), series_cap=20_000)
REQUEST_ERRORS = Metric(
    "llm_request_errors_total",
    _C,
    "Calls of models that failed, by what went wrong",
    (PROVIDER, MODEL, Label("error_type", ERROR_TYPES)),
)
TOKENS = Metric(
    "llm_tokens_total",
    _C,
    "Tokens by disjoint types: input holds neither cached nor audio tokens",
    (*_D, Label("type", TOKEN_TYPES)),
    series_cap=20_000,
)
REASONING_TOKENS = Metric(
    "llm_reasoning_tokens_total", _C, "Tokens of reasoning, a part of the output", _D, series_cap=20_000
)
COST = Metric(
    "llm_cost_usd_total",
    _C,
    "Dollars as reported by the caller, as estimated from the prices of the time, or as priced later",
    (*_D, Label("type", COST_TYPES), Label("cost_source", COST_SOURCES)),
    series_cap=20_000,
    scale=PICO,
)
REQUEST_DURATION = Metric(
    "llm_request_duration_seconds",
    _H,
    "How long calls of models took",
    (PROVIDER, MODEL, _OPERATION),
    CALL_SECONDS,
    scale=10**6,
    series_cap=2_000,
)
FIRST_TOKEN = Metric(
    "llm_time_to_first_token_seconds",
    _H,
    "Time from a call to the first token of its answer",
    (PROVIDER, MODEL, _OPERATION),
    CALL_SECONDS,
    scale=10**6,
    series_cap=2_000,
)
UNPRICED = Metric(
    "llm_unpriced_requests_total",
    _C,
    "Calls whose cost is unknown and stands in no sum until agent-obs reprice has priced them",
    (PROVIDER, MODEL, Label("reason", UNPRICED_REASONS)),
)
UNITS_DONE = Metric(
    "llm_feature_units_total",
    _C,
    "What features have brought about: sessions, tests, issues",
    (FEATURE, Label("unit", FEATURE_UNITS)),
)
PROVIDER_TOKENS = Metric(
    "llm_provider_tokens_total",
    _C,
    "Tokens as the provider's usage report has them; never add them to llm_tokens_total",
    (PROVIDER, _ACCOUNT, MODEL, Label("type", TOKEN_TYPES)),
    series_cap=5_000,
)
PROVIDER_REQUESTS = Metric(
    "llm_provider_requests_total",
    _C,
    "Calls as the provider's usage report has them, where it has any",
    (PROVIDER, _ACCOUNT, MODEL),
    series_cap=5_000,
)
COUNTED = (
    REQUESTS,
    REQUEST_ERRORS,
    TOKENS,
    REASONING_TOKENS,
    COST,
    REQUEST_DURATION,
    FIRST_TOKEN,
    UNPRICED,
    UNITS_DONE,
    PROVIDER_TOKENS,
    PROVIDER_REQUESTS,
)

# Bounded by those who count: 500 sessions at a time, gone an hour after their last event.
_SESSION = Label("session")
RUNNER_REQUESTS = Metric(
    "vteam_runner_claude_requests_total",
    _C,
    "Calls of models by a coding agent's session",
    (_SESSION, MODEL, _STATUS),
    series_cap=3_000,
)
RUNNER_DURATION = Metric(
    "vteam_runner_claude_request_duration_seconds",
    _H,
    "How long coding agents' calls of models took",
    (MODEL,),
    CALL_SECONDS,
    scale=10**6,
)
RUNNER_TOKENS = Metric(
    "vteam_runner_claude_tokens_total",
    _C,
    "Tokens of a coding agent's session, cached input included; never add them to llm_tokens_total",
    (_SESSION, MODEL, Label("type", ("input", "output"))),
    series_cap=3_000,
)
RUNNER_OPERATIONS = Metric(
    "vteam_runner_workspace_operations_total",
    _C,
    "What coding agents did in their workspaces",
    (Label("operation", WORKSPACE_OPERATIONS), Label("status", ("success", "error"))),
)
RUNNER = (RUNNER_REQUESTS, RUNNER_DURATION, RUNNER_TOKENS, RUNNER_OPERATIONS)

LAST_HOUR = Metric("llm_cost_last_hour_usd", _G, "Dollars spent in the last 60 minutes", _SPENT, series_cap=10_000)
TODAY = Metric("llm_cost_today_usd", _G, "Dollars spent since midnight", _SPENT, series_cap=10_000)
YESTERDAY = Metric("llm_cost_yesterday_usd", _G, "Dollars spent on the day before", _SPENT, series_cap=10_000)
MONTH = Metric("llm_cost_month_to_date_usd", _G, "Dollars spent this month", _SPENT, series_cap=10_000)
PROJECTED = Metric(
    "llm_cost_month_projected_usd", _G, "Dollars that this month will have cost at its end", _SPENT, series_cap=10_000
)
_SCOPE, _KEY = Label("scope", SCOPES), Label("key")
PROJECTED_LOW = Metric(
    "llm_cost_month_projected_low_usd",
    _G,
    "Lower end of the band in which four of five months end; bands of parts do not add up",
    (_SCOPE, _KEY),
    series_cap=3_000,
)
PROJECTED_HIGH = Metric(
    "llm_cost_month_projected_high_usd",
    _G,
    "Upper end of the band in which four of five months end; bands of parts do not add up",
    (_SCOPE, _KEY),
    series_cap=3_000,
)
SPEND = (LAST_HOUR, TODAY, YESTERDAY, MONTH, PROJECTED, PROJECTED_LOW, PROJECTED_HIGH)

_BUDGET = (Label("budget"), _SCOPE, _KEY, Label("period", ("day", "month")))
BUDGET_LIMIT = Metric("llm_budget_limit_usd", _G, "Dollars that may be spent per period", _BUDGET)
BUDGET_SPENT = Metric("llm_budget_spent_usd", _G, "Dollars of the budget spent in this period", _BUDGET)
BUDGET_REMAINING = Metric(
    "llm_budget_remaining_usd", _G, "Dollars of the budget left in this period; negative once it is exceeded", _BUDGET
)
BUDGET_RESET = Metric("llm_budget_reset_timestamp_seconds", _G, "When the next period begins, as Unix time", _BUDGET)
BUDGETS = (BUDGET_LIMIT, BUDGET_SPENT, BUDGET_REMAINING, BUDGET_RESET)

BILLED = Metric(
    "llm_provider_billed_usd",
    _G,
    "Dollars as the provider's cost report has them, by UTC days; restated by the provider for some days",
    (PROVIDER, _ACCOUNT, Label("window", WINDOWS)),
)
CAPTURE_RATIO = Metric(
    "llm_cost_capture_ratio",
    _G,
    "Metered by billed dollars of the UTC days from eight to two days ago; absent below a billed dollar",
    (PROVIDER,),
)
POLL_SUCCESS = Metric("llm_poll_success", _G, "1 if the last poll of the source succeeded, else 0", (_SOURCE,))
POLL_LAST_SUCCESS = Metric(
    "llm_poll_last_success_timestamp_seconds",
    _G,
    "When the source was last polled with success, as Unix time",
    (_SOURCE,),
)
POLL_DURATION = Metric("llm_poll_duration_seconds", _G, "How long the last poll of the source took", (_SOURCE,))
BILLING = (BILLED, CAPTURE_RATIO, POLL_SUCCESS, POLL_LAST_SUCCESS, POLL_DURATION)

PRICE = Metric(
    "llm_price_usd_per_million_tokens",
    _G,
    "Today's price of a model that was seen, without tiers and discounts",
    (PROVIDER, MODEL, Label("type", TOKEN_TYPES)),
    series_cap=3_000,
)
PRICE_DATA = Metric("llm_price_data_timestamp_seconds", _G, "From when the price data in use are, as Unix time")
PRICES = (PRICE, PRICE_DATA)

LLM_COST_METRICS = (*COUNTED, *RUNNER, *SPEND, *BUDGETS, *BILLING, *PRICES)
