"""What the endpoints of this service ask for by type."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Security

from reports.files import ReportFiles
from shared.identity import Principal, signed_in
from shared.web import Resources, get_resources

Reader = Annotated[Principal, Security(signed_in, scopes=["reports:read"])]
"""Who may see reports."""

Writer = Annotated[Principal, Security(signed_in, scopes=["reports:write"])]
"""Who may ask for reports and delete them."""


@dataclass(frozen=True, slots=True)
class ReportsResources:
    """What the API process of this service holds beyond what every service holds."""

    files: ReportFiles
    unfinished_limit: int


def _own(resources: Annotated[Resources, Depends(get_resources)]) -> ReportsResources:
    return resources.service


Own = Annotated[ReportsResources, Depends(_own)]
"""This service's own resources."""
