"""What the services of manifests/compose*.yaml have in common, and the three servers among them."""

from __future__ import annotations

from typing import Any

__all__ = ["HARDENED", "RULES", "TARGETS", "alertmanager", "grafana", "health", "limit", "prometheus"]

HARDENED: dict[str, Any] = {
    "restart": "unless-stopped",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}
RULES = "/etc/prometheus/rules"
TARGETS = "/etc/prometheus/targets"
"""Where Prometheus has its rules, and files with targets of exporters that are not everywhere."""
_PAGES = "/etc/agent-obs/dashboards"


def health(test: list[str]) -> dict[str, Any]:
    """When it is asked, and how long it may take to come up."""
    return {"test": test, "interval": "30s", "timeout": "10s", "start_period": "60s"}


def prometheus(block: dict[str, Any], rules: list[str]) -> dict[str, Any]:
    """`block`: its values; `rules`: mounts."""
    return {
        "image": _image(block),
        "command": [
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={block['retention']}",
            f"--storage.tsdb.retention.size={block['retentionSize']}",
            "--web.external-url=http://localhost:9090",
            "--enable-feature=exemplar-storage",
        ],
        **HARDENED,
        "mem_limit": limit(block),
        "ports": ["127.0.0.1:9090:9090"],
        "volumes": ["./compose/prometheus.yml:/etc/prometheus/prometheus.yml:ro", *rules, "prometheus:/prometheus"],
        "healthcheck": health(["CMD", "wget", "-q", "-O", "/dev/null", "http://localhost:9090/-/healthy"]),
    }


def alertmanager(block: dict[str, Any]) -> dict[str, Any]:
    """`block`: its values. Routing and secrets may be the user's."""
    return {
        "image": _image(block),
        "command": [
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/alertmanager",
            "--cluster.listen-address=",
            "--web.external-url=http://localhost:9093",
        ],
        **HARDENED,
        "mem_limit": limit(block),
        "ports": ["127.0.0.1:9093:9093"],
        "volumes": [
            "${ALERTMANAGER_CONFIG:-./compose/alertmanager.yml}:/etc/alertmanager/alertmanager.yml:ro",
            "${ALERTMANAGER_SECRETS:-./compose}:/etc/alertmanager/secrets:ro",
            "../alertmanager/templates:/etc/alertmanager/config:ro",
            "alertmanager:/alertmanager",
        ],
        "healthcheck": health(["CMD", "wget", "-q", "-O", "/dev/null", "http://localhost:9093/-/healthy"]),
    }


def grafana(block: dict[str, Any]) -> dict[str, Any]:
    """`block`: its values. Whoever reaches it may look, and nobody can log in."""
    return {
        "image": _image(block),
        "environment": {
            "PROMETHEUS_URL": "http://prometheus:9090",
            "DASHBOARDS_PATH": _PAGES,
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"{_PAGES}/Suite/agentobs-suite.json",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_USERS_DEFAULT_THEME": "dark",
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
            "GF_AUTH_DISABLE_LOGIN_FORM": "true",
        },
        **HARDENED,
        "mem_limit": limit(block),
        "ports": ["127.0.0.1:3000:3000"],
        "tmpfs": ["/var/lib/grafana:uid=472,gid=0", "/tmp"],  # noqa: S108 - within the container
        "volumes": [
            "../dashboards/provisioning:/etc/grafana/provisioning:ro",
            f"../dashboards/json:{_PAGES}:ro",
        ],
        "healthcheck": health(["CMD", "wget", "-q", "-O", "/dev/null", "http://localhost:3000/api/health"]),
    }


def _image(block: dict[str, Any]) -> str:
    return f"{block['image']['repository']}:{block['image']['tag']}"


def limit(block: dict[str, Any]) -> str:
    """Docker's spelling of a memory limit: 128Mi is 128m."""
    limit: str = block["resources"]["limits"]["memory"]
    return limit.removesuffix("i").lower()
