"""What the REST door reads and how it refuses: exact JSON in, RFC 9457 problems out.

Django REST framework reads its settings while `rest_framework.views` is being imported, and they
name this module; so nothing here may import its views. What builds on them is in rest.py.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import IO, Any, NoReturn
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, parsers, serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response

from malar.kernel.errors import Fault, RuleBroken
from malar.kernel.quantities import decimals_of

PROBLEM = "application/problem+json"

TITLES: dict[int, str | Promise] = {
    400: gettext_lazy("The request cannot be read"),
    401: gettext_lazy("Not signed in"),
    403: gettext_lazy("Not allowed"),
    404: gettext_lazy("Not found"),
    405: gettext_lazy("This address does not do that"),
    409: gettext_lazy("Something changed meanwhile"),
    413: gettext_lazy("Too large"),
    415: gettext_lazy("Only JSON is read here"),
    422: gettext_lazy("Refused by a rule"),
    429: gettext_lazy("Too many requests"),
    500: gettext_lazy("Something went wrong on our side"),
}


class Unreadable(RuleBroken):
    """The request itself is malformed: 400, unlike a rule that refuses (422)."""

    status = 400


class NotSignedIn(RuleBroken):
    """Nobody, or nobody any longer: 401."""

    status = 401


# --- Problems out ---------------------------------------------------------------------------


def problem_body(
    status: int, code: str, detail: str, faults: Iterable[Fault] = (), current: Any = None
) -> dict[str, Any]:
    """A problem as RFC 9457 has it, in the active language; `current` is the object as it stands now."""
    body = {
        "type": "about:blank",
        "title": str(TITLES.get(status, TITLES[500] if status >= 500 else TITLES[400])),
        "status": status,
        "detail": _sayable(detail),
        "code": code,
        "errors": [
            {"pointer": _sayable(fault.pointer), "code": fault.code, "detail": _sayable(fault.detail)}
            for fault in faults
        ],
    }
    return body if current is None else body | {"current": current}


def _sayable(text: str) -> str:
    """Text that can be sent: JSON may escape half a surrogate pair, which no encoding knows."""
    return text.encode(errors="replace").decode()


def problem_of(error: Exception) -> dict[str, Any] | None:
    """What is said about an error that was meant to happen; None for one that was not."""
    match error:
        case RuleBroken():
            return problem_body(error.status, error.code, error.detail, error.faults, error.current)
        case Http404():
            return problem_body(404, "not_found", _("There is nothing at this address."))
        case RequestDataTooBig():
            return problem_body(413, "too_large", _("This is more than is read at once."))
        case PermissionDenied():
            return problem_body(403, "permission_denied", _("You may not do this."))
        case exceptions.ValidationError():
            faults = list(_faults(error.detail))
            return problem_body(400, faults[0].code, faults[0].detail, faults)
        case exceptions.APIException():
            detail = error.detail
            code = detail.code if isinstance(detail, ErrorDetail) else error.default_code
            return problem_body(error.status_code, str(code), str(detail))
    return None


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler: every refusal as `application/problem+json`.

    What nobody foresaw is left to crash; Django logs it and asks `problem_500`.
    """
    body = problem_of(error)
    if body is None:
        return None
    headers = {}
    if body["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return Response(body, status=body["status"], headers=headers, content_type=PROBLEM)


def problem_404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404, for addresses under /api/ that no view answers."""
    detail = _("There is nothing at this address. Addresses end with a slash.")
    return _plain(problem_body(404, "not_found", detail))


def problem_500(request: HttpRequest) -> HttpResponse:
    """Django's handler500, for addresses under /api/."""
    return _plain(problem_body(500, "server_error", _("This is our fault. Please try again.")))


def _plain(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(json.dumps(body, ensure_ascii=False), content_type=PROBLEM, status=body["status"])


def _faults(detail: Any, pointer: str = "") -> Iterator[Fault]:
    """REST framework's nested errors as a flat list with JSON pointers."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            token = str(name).replace("~", "~0").replace("/", "~1")  # RFC 6901
            yield from _faults(inner, pointer if name == "non_field_errors" else f"{pointer}/{token}")
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, inner in enumerate(detail):
            # A list of messages is about one value; a list of anything else is about each of its items.
            if inner:
                yield from _faults(inner, pointer if isinstance(inner, str) else f"{pointer}/{index}")
    else:
        yield Fault(pointer, str(getattr(detail, "code", "invalid")), str(detail))


# --- JSON in --------------------------------------------------------------------------------


class ExactJSONParser(parsers.JSONParser):
    """JSON whose numbers stay what was written: 0.1 is a tenth, not the float next to it."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        content = stream.read(most + 1)
        if len(content) > most:
            raise RequestDataTooBig
        try:
            return json.loads(content.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, InvalidOperation, RecursionError) as error:
            raise exceptions.ParseError(_("This is not JSON.")) from error


def _refuse_constant(name: str) -> NoReturn:
    """JSON knows no NaN and no Infinity, though Python's reader does."""
    raise ValueError(name)


class Body(serializers.Serializer[Any]):
    """What a request says. It only reads: a rule that refuses lives in the service. Unknown fields are 400.

    A field whose name is a word of Python is declared with an underscore behind it (`from_`).
    """

    unknown: tuple[str | Promise, str] = (gettext_lazy("This field is not known here."), "unknown_field")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name.rstrip("_"): field for name, field in super().get_fields().items()}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (strangers := [name for name in data if name not in self.fields]):
            detail, code = self.unknown
            raise serializers.ValidationError({name: [ErrorDetail(str(detail), code)] for name in strangers})
        return super().to_internal_value(data)


class Parameters(Body):
    """What follows the question mark."""

    unknown = (gettext_lazy("This parameter is not known here."), "unknown_parameter")


class Id(serializers.UUIDField):
    """A UUID in its usual spelling; REST framework's own field also takes numbers and braces."""

    def to_internal_value(self, data: Any) -> UUID:
        value = super().to_internal_value(data) if isinstance(data, str) else None
        if not isinstance(value, UUID) or str(value) != data.lower():
            self.fail("invalid", value=data)
        return value


NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


@extend_schema_field({"type": ["string", "number"], "format": "decimal", "pattern": f"^{NUMBER.pattern}$"})
class Exact(serializers.Field[Decimal, Any, str, Any]):
    """A decimal, as a string or as a JSON number. How many places it may have is the service's question."""

    default_error_messages = {"invalid": gettext_lazy("A valid number is required.")}

    def to_internal_value(self, data: Any) -> Decimal:
        is_text = isinstance(data, str) and NUMBER.fullmatch(data)
        is_number = isinstance(data, int | Decimal) and not isinstance(data, bool)
        if not is_text and not is_number:
            self.fail("invalid")
        number = Decimal(data)
        # Looked at and not written out: 1e999999999 is a short number and a long text.
        if number.adjusted() >= 20 or decimals_of(number) > 20:
            self.fail("invalid")
        return number

    def to_representation(self, value: Decimal) -> str:
        return format(value, "f")


EARLIEST = dt.datetime(1950, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(9998, 12, 31, tzinfo=dt.UTC)
"""Within these ISO 8601 can tell every time in India, whose offset once had seconds, and each has a next day."""


class Moment(serializers.DateTimeField):
    """ISO 8601 with an offset: without one nobody knows which moment is meant."""

    default_error_messages = {
        "no_offset": gettext_lazy("This time needs its offset, as in 2026-03-06T04:50:00+05:30."),
    }

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        if value.tzinfo is None or value.utcoffset() is None:
            self.fail("no_offset")
        try:
            moment = value.astimezone(dt.UTC)
        except OverflowError:
            self.fail("overflow", timezone="UTC")
        if not EARLIEST <= moment <= LATEST:
            self.fail("overflow", timezone="UTC")
        return moment


class Text(serializers.CharField):
    """Text as typed; how long it may be is the service's question."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_blank=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


# --- Shapes out, for the OpenAPI document ---------------------------------------------------


@extend_schema_field({"type": "string", "format": "decimal", "pattern": r"^-?[0-9]+\.[0-9]{2}$"})
class Money(serializers.CharField):
    """₹ with two decimals, as a string."""


@extend_schema_field({"type": "string", "format": "decimal", "pattern": r"^-?[0-9]+\.[0-9]{3}$"})
class Quantity(serializers.CharField):
    """A weight or a count with three decimals, as a string."""
