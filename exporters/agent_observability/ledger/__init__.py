"""The ledger: durable events, counters and source positions, so that everything is counted exactly once.

    source ──▶ Batch ──▶ Ledger.submit ──▶ writer thread ──▶ one transaction ──▶ published to scrapes, sender answered
                          (bounded queue)   (group commit)     events, counters,
                                                               positions

`ledger.py` is what exporters use, `families.py` the metric families it keeps, `writer.py` the thread, `backend.py` the
small interface that `sqlite.py` and `postgresql.py` implement over the tables of `schema.py`.
"""
