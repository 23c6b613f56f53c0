"""Grafana's dashboards as code; ``make dashboards`` writes their JSON, ``make check`` says when it is old."""
