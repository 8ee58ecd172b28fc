"""Configuration and command line of the local Grafana: no login, the suite's dashboards, no calls home."""

from __future__ import annotations

import configparser
import io
from pathlib import Path

from agent_observability.stack.exporter_config import LOOPBACK
from agent_observability.stack.state import StateDirectory

__all__ = ["grafana_command", "grafana_environment", "grafana_ini"]

_HOME_PAGE = Path("Suite", "agentobs-suite.json")


def grafana_environment(dashboards: Path, prometheus_url: str) -> dict[str, str]:
    """The variables that the provisioning files refer to; `dashboards` is the folder of the generated pages."""
    return {"DASHBOARDS_PATH": str(dashboards), "PROMETHEUS_URL": prometheus_url}


def grafana_ini(state: StateDirectory, provisioning: Path, dashboards: Path, port: int) -> str:
    """grafana.ini. Everybody on this machine may look; nobody may edit, since the dashboards are generated."""
    parser = configparser.RawConfigParser()
    parser.read_dict(
        {
            "paths": {
                "data": str(state.grafana),
                "logs": str(state.grafana / "log"),
                "plugins": str(state.grafana / "plugins"),
                "provisioning": str(provisioning),
            },
            "server": {"http_addr": LOOPBACK, "http_port": str(port)},
            "dashboards": {"default_home_dashboard_path": str(dashboards / _HOME_PAGE)},
            "log": {"mode": "console"},
            "users": {"default_theme": "dark", "allow_sign_up": "false"},
            "auth": {"disable_login_form": "true"},
            "auth.anonymous": {"enabled": "true", "org_role": "Viewer"},
            "analytics": {
                "reporting_enabled": "false",
                "check_for_updates": "false",
                "check_for_plugin_updates": "false",
            },
            "news": {"news_feed_enabled": "false"},
        }
    )
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def grafana_command(program: str, file: Path) -> tuple[str, ...]:
    """How to start it with `file`. Grafana finds its own parts only from its home, which packages put elsewhere."""
    binary = Path(program).resolve()
    homes = (binary.parent.parent, binary.parent.parent / "share" / "grafana", Path("/usr/share/grafana"))
    home = next((home for home in homes if (home / "conf" / "defaults.ini").is_file()), None)
    return (program, "server", f"--config={file}", *((f"--homepath={home}",) if home else ()))
