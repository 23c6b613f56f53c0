"""Further attempts are a share of an upstream's requests: trouble must not double its load (TRAPS, forwarding 2)."""

SHARE = 0.2
_RESERVE = 64.0


class RetryBudget:
    """Each request puts a fifth of a retry in, up to a reserve; each retry takes one out."""

    def __init__(self) -> None:
        self._tokens = _RESERVE

    def request(self) -> None:
        """A request was sent."""
        if self._tokens < _RESERVE:
            self._tokens += SHARE

    def retry(self) -> bool:
        """Whether a retry may be made; takes it when so."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
