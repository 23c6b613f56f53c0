"""Who signs in, who tries to, and how soon an ended token is known."""

from dashboards.board import Board, Graph

IDENTITY = Board(
    "gatehouse-identity",
    "Gatehouse: identity",
    "Logins and tokens.",
    {
        "Logins": [
            Graph(
                "Logins and refreshes by status",
                "reqps",
                [
                    (
                        'sum by (route, status) (rate(http_server_requests_total{route=~".*/auth/.*"}[1m]))',
                        "{{status}} {{route}}",
                    )
                ],
            ),
            Graph(
                "Refused after failures",
                "reqps",
                [
                    ("sum(rate(users_login_throttled_total[1m]))", "by account and address"),
                    ("sum by (whose) (rate(users_account_throttled_total[1m]))", "failures of {{whose}}"),
                    ("sum(rate(users_client_authentications_failed_total[1m]))", "clients with a wrong secret"),
                    ("sum(rate(users_login_throttle_open_total[1m]))", "not counted: Redis is away"),
                ],
            ),
            Graph(
                "401 and 403 by route",
                "reqps",
                [
                    (
                        'sum by (route, status) (rate(gateway_requests_total{status=~"401|403"}[1m]))',
                        "{{status}} {{route}}",
                    )
                ],
            ),
        ],
        "Signing keys": [
            Graph("Age of the one that signs", "s", [("max(users_signing_key_age_seconds)", "since it may sign")]),
            Graph("Published", "short", [("max(users_signing_keys_published)", "in the set")]),
            Graph("Not opened", "short", [("max by (instance) (users_signing_keys_unreadable)", "{{instance}}")]),
        ],
        "Tokens that ended early": [
            Graph("Told", "ops", [("sum(rate(users_revocations_published_total[1m]))", "written to Redis")]),
            Graph(
                "Known",
                "short",
                [
                    ("max by (instance) (gateway_revoked_tokens)", "gateway {{instance}}"),
                    ("max by (job) (revoked_tokens_held)", "{{job}}"),
                ],
            ),
            Graph(
                "Since the list was read",
                "s",
                [("time() - max by (job) (revoked_tokens_read_timestamp_seconds > 0)", "{{job}}")],
            ),
        ],
    },
)
