"""OTLP/HTTP: requests in protobuf and JSON become one plain model; the answers that the protocol asks for.

`model.py` is what both decoders make. `protobuf.py` and `json.py` are the decoders, `items.py` and `values.py` what
they share, `wire.py` the walk over protobuf's envelopes. `answers.py` has the responses.
"""
