"""Stands in for the `grafana` program: reads the configuration it is given, says so, and answers /api/health."""

from __future__ import annotations

import configparser
import http.server
import json
import os
import sys
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()


def main() -> None:
    (option,) = [one for one in sys.argv if one.startswith("--config=")]
    ini = configparser.RawConfigParser()
    ini.read(option.removeprefix("--config="))
    for folder in (ini["paths"]["provisioning"], os.environ["DASHBOARDS_PATH"]):
        if not list(Path(folder).iterdir()):
            raise SystemExit(f"{folder} is empty")
    seen = {
        "argument": sys.argv[1],
        "prometheus": os.environ["PROMETHEUS_URL"],
        "home": ini["dashboards"]["default_home_dashboard_path"],
    }
    print(json.dumps(seen), flush=True)
    address = (ini["server"]["http_addr"], ini["server"].getint("http_port"))
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()


main()
