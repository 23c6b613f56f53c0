"""A body that is the same for everybody: compressed once for each coding, with an entity tag."""

import hashlib
from collections.abc import Mapping

from starlette.responses import Response

from gateway.data.compression import coded_etag, compressible, encoder, negotiate, plain_etags


class Representation:
    """Made once and kept: what anybody may ask for, as often as they like, must not be worked out each time."""

    def __init__(self, body: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        self._body = body
        self._type = media_type
        self._headers = headers
        self._tag = b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()
        fields = {b"content-type": media_type.encode()}
        self._compressible = compressible(200, fields, len(body))
        self._coded: dict[bytes, bytes] = {}

    def response(self, headers: Mapping[str, str]) -> Response:
        """For a request with ``headers``: 304 where the client has it, else the body in the coding it takes."""
        coding = negotiate(headers.get("accept-encoding", "identity").encode("latin-1")) if self._compressible else None
        tag = coded_etag(self._tag, coding) if coding else self._tag
        sent = {**self._headers, "etag": tag.decode()}
        if self._compressible:
            sent["vary"] = "Accept-Encoding"
        if self._known(headers.get("if-none-match")):
            return Response(status_code=304, headers=sent)
        if coding is None:
            return Response(self._body, headers=sent, media_type=self._type)
        sent["content-encoding"] = coding.decode()
        return Response(self._in(coding), headers=sent, media_type=self._type)

    def _known(self, if_none_match: str | None) -> bool:
        if if_none_match is None:
            return False
        known = [tag.strip().removeprefix(b"W/") for tag in plain_etags(if_none_match.encode("latin-1")).split(b",")]
        return b"*" in known or self._tag in known

    def _in(self, coding: bytes) -> bytes:
        body = self._coded.get(coding)
        if body is None:
            stream = encoder(coding)
            body = self._coded[coding] = stream.write(self._body) + stream.finish()
        return body
