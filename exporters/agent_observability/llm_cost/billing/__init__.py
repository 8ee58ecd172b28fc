"""What the providers themselves report: usage and bills, read from their admin APIs.

    OpenAI, Anthropic ──▶ client ──▶ openai, anthropic ──▶ account ──▶ one Batch ──▶ ledger
                          (HTTP)      (decode, pure)        (pure)      counts and facts

`poller.py` is what the exporter uses: a task per account (`watch.py`, one look in `fetch.py`), gauges (`sums.py`), and
sources for the landing page. Billed and metered dollars are never added up; `llm_cost_capture_ratio` compares them.
"""
