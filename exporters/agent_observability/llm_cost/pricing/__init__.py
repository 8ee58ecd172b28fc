"""What a use of a model costs: published prices, the user's own ones, and arithmetic without rounding.

    Usage ──▶ plan of (provider, model, tier, batch) ──▶ sheet of its moment ──▶ rates for its size ──▶ Priced
                │  the user's prices (`prices.py`)
                │  what the library leaves out (`published.py`)
                └  genai-prices (`library.py`)

`providers.py` gives every provider one name. `derive.py` makes sheets, which costs some 0.1 ms and is done once;
`sheets.py` multiplies, which costs about a microsecond. Importing the package does not import genai-prices.

What holds where more than one thing could:

- Prices are those of the event's time. Prices by the size of a request go by its own size; sums of requests, whose
  sizes are unknown, take the lowest.
- A cost that the caller reports is taken as it is, split over types like the estimate.
- Nothing that was used is free in silence: a type without a price makes the whole use unpriced ("no_price"). Exceptions
  are models published to be free, and measures of the same thing: characters, audio seconds and images beside tokens
  that are charged, tokens beside units that are. Cached input without a price of its own costs what input costs.
- A tier whose prices nobody knows is "unknown_tier", and so is a batch in a tier. "auto" counts as standard.
- In a batch only tokens are cheaper; web searches and fees per request are not.
- What genai-prices lacks or has otherwise stands in `published.py`. What telemetry does not tell is not charged: cache
  storage, citations, pages, the size of Perplexity's search (the library has the highest fee), Azure's and Google's
  regional surcharges.
"""
