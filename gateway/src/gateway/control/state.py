"""What a control-plane endpoint gets handed: the gateway, and the request as the data plane's parser saw it."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.runtime import Gateway


def _gateway(connection: HTTPConnection) -> Gateway:
    gateway = connection.app.state.gateway
    assert isinstance(gateway, Gateway)  # noqa: S101 - set by the lifespan
    return gateway


TheGateway = Annotated[Gateway, Depends(_gateway)]
