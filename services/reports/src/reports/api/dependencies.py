"""What an endpoint asks for by type: its caller, this service's own resources."""

from typing import Annotated

from fastapi import Depends, Security

from reports.resources import ReportsResources
from shared.identity import Principal, signed_in
from shared.postgres import Database as _Database
from shared.web import Resources, get_resources

Reader = Annotated[Principal, Security(signed_in, scopes=["reports:read"])]
"""Who may see reports."""

Writer = Annotated[Principal, Security(signed_in, scopes=["reports:write"])]
"""Who may ask for reports and delete them."""


def _own(resources: Annotated[Resources, Depends(get_resources)]) -> ReportsResources:
    return resources.service


Own = Annotated[ReportsResources, Depends(_own)]
"""This service's own resources."""


def _database(resources: Annotated[Resources, Depends(get_resources)]) -> _Database:
    return resources.database


Database = Annotated[_Database, Depends(_database)]
"""The pool, for an endpoint that has something to wait for before its transaction."""
