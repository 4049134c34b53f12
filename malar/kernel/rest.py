"""What every address under /api/v1/ shares: views, pages of lists, keys, limits, documentation."""

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, negotiation, pagination, serializers
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from malar.kernel.drf import PROBLEM, Body, Id, Parameters, Unreadable
from malar.kernel.errors import Fault

Row = TypeVar("Row", bound=Model)
PAGE, LARGEST_PAGE = 100, 500


# --- Limits ---------------------------------------------------------------------------------


class RateLimit(BaseThrottle):
    """So many requests a minute, counted in Redis in fixed windows; while Redis is away all pass.

    `settings.API_RATES` names the amounts, `settings.API_RATE_LIMITS` switches all of them off.
    """

    def budgets(self, request: Request) -> Mapping[str, int]:
        """Who is counted, and how many requests a minute he has."""
        member = getattr(request, "member", None)
        if member is None:
            return {}
        rates = settings.API_RATES
        return {f"shop:{member.shop_id}": rates["shop"], f"user:{member.user_id}": rates["user"]}

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not settings.API_RATE_LIMITS:
            return True
        minute, second = divmod(int(time.time()), 60)
        self.left_s = 60 - second
        counted = [
            (limit - _count(f"rate:{who}:{minute}"), limit) for who, limit in self.budgets(request).items()
        ]
        if not counted:
            return True
        remaining, limit = min(counted)
        view.rate_limit = {  # type: ignore[attr-defined]  # read by ApiView.finalize_response
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(remaining, 0)),
            "RateLimit-Reset": str(self.left_s),
        }
        return remaining >= 0

    def wait(self) -> float:
        return self.left_s


def _count(key: str) -> int:
    """How often this was asked with `key`; 0 while Redis is away."""
    try:
        return cache.incr(key)
    except ValueError:  # not counted yet
        return 1 if cache.add(key, 1, timeout=120) else cache.incr(key)


# --- Views ----------------------------------------------------------------------------------


class AlwaysJson(negotiation.BaseContentNegotiation):
    """There is one format. Asking for another gets this one, as RFC 9110 allows."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return negotiation.DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class ApiView(APIView):
    """One address and its operations. `parameters` says what may follow the question mark of a GET."""

    parameters: ClassVar[type[Parameters]] = Parameters
    names_rows: ClassVar[bool] = False
    """Whether parameters name rows that must be there: 404 where one is not."""
    content_negotiation_class = AlwaysJson
    throttle_classes = [RateLimit]
    asked: dict[str, Any]
    rate_limit: Mapping[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known = self.parameters if request.method in {"GET", "HEAD"} else Parameters
        self.asked = read(known, _single(request))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        self.headers.update(self.rate_limit)
        return super().finalize_response(request, response, *args, **kwargs)


def read(shape: type[Body], said: Any) -> dict[str, Any]:
    """What was said, as Python values. Raises ValidationError (400) naming each value that cannot be read."""
    try:
        return dict(_reader(shape).run_validation(said))
    except exceptions.ValidationError:
        # Only a reader with its own data words what is wrong with the whole of it.
        shape(data=said).is_valid(raise_exception=True)
        raise


@functools.cache
def _reader(shape: type[Body]) -> Body:
    """One for all: making the fields takes longer than reading with them, and reading changes none of them."""
    return shape()


def _single(request: Request) -> dict[str, str]:
    """The query parameters; one said twice means nobody knows what."""
    twice = [name for name, values in request.query_params.lists() if len(values) > 1]
    if twice:
        detail = _("This parameter is there twice.")
        raise Unreadable(
            detail, code="repeated", faults=[Fault(f"/{name}", "repeated", detail) for name in twice]
        )
    return {name: str(value) for name, value in request.query_params.items()}


def key_of(request: Request) -> UUID:
    """The Idempotency-Key of a request that makes or moves something; quotes around it are allowed.

    Raises Unreadable `idempotency_key_required` or `idempotency_key_invalid`.
    """
    sent = request.headers.get("Idempotency-Key", "").strip().strip('"')
    if not sent:
        raise Unreadable(
            _("This request needs an Idempotency-Key header with a new UUID."),
            code="idempotency_key_required",
        )
    try:
        return Id().to_internal_value(sent)
    except serializers.ValidationError as error:
        raise Unreadable(_("The Idempotency-Key is not a UUID."), code="idempotency_key_invalid") from error


def answered(body: dict[str, Any], *, replayed: bool, status: int = 200) -> Response:
    """The answer to a request with a key, marked where it is the answer given before."""
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    return Response(body, status=status, headers=headers)


# --- Lists ----------------------------------------------------------------------------------


class ListParameters(Parameters):
    """What every list takes; `ordering` is declared by each list."""

    cursor = serializers.CharField(required=False, help_text="Where a page begins; taken from `next`.")
    page_size = serializers.IntegerField(min_value=1, max_value=LARGEST_PAGE, default=PAGE)
    fields_ = serializers.CharField(required=False, help_text="Only these fields, separated by commas.")


class _Pages(pagination.CursorPagination):
    def __init__(self, ordering: Sequence[str], page_size: int) -> None:
        self.ordering = list(ordering)
        self.page_size = page_size


class ListView(ApiView):
    """A list in cursor pages. `item` is the shape of a row."""

    item: ClassVar[type[serializers.Serializer[Any]]]

    def page(self, rows: QuerySet[Row], answer: Callable[[Row], dict[str, Any]]) -> Response:
        """The asked page of `rows`, each as `answer` tells it. One query.

        Raises Unreadable for a cursor that is not ours and for unknown `fields`.
        """
        fields = self._fields()
        ordering = self.asked["ordering"]
        pages = _Pages([ordering, "-pk" if ordering.startswith("-") else "pk"], self.asked["page_size"])
        try:
            page = pages.paginate_queryset(rows, self.request) or []
        except (exceptions.NotFound, ValueError, ValidationError) as error:
            # Ours to say: a cursor is opaque, so whatever is wrong in it, it was not taken from a page.
            raise Unreadable(
                _("This cursor is not one of ours. Begin without it."),
                code="invalid_cursor",
                pointer="/cursor",
            ) from error
        answers = [answer(row) for row in page]
        if fields is not None:
            answers = [{name: row[name] for name in fields} for row in answers]
        return pages.get_paginated_response(answers)

    def _fields(self) -> list[str] | None:
        if "fields" not in self.asked:
            return None
        fields = [name.strip() for name in self.asked["fields"].split(",")]
        if strangers := [name for name in fields if name not in self.item().fields]:
            raise Unreadable(
                _("There is no field “%(name)s”.") % {"name": strangers[0]},
                code="unknown_field",
                pointer="/fields",
            )
        return fields


def all_of(answers: Sequence[Any], **more: Any) -> Response:
    """A list that is short by nature, in the form of a page that is the only one."""
    return Response({**more, "next": None, "previous": None, "results": list(answers)})


def page_of(
    item: type[serializers.Serializer[Any]],
    *,
    whole: bool = False,
    **more: serializers.Field[Any, Any, Any, Any],
) -> type[serializers.Serializer[Any]]:
    """The shape of a page. Unless `whole`, rows may lack fields that `?fields=` left out."""

    class Row(item):  # type: ignore[valid-type, misc]  # a class made for the document
        def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
            fields = super().get_fields()
            for field in fields.values():
                field.required = whole
            return dict(fields)

    name = item.__name__.removesuffix("Answer")
    Row.__name__ = f"{name}Row"
    Row.__doc__ = item.__doc__
    parts = {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": Row(many=True),
        **more,
    }
    return type(f"{name}Page", (serializers.Serializer,), parts)


# --- The OpenAPI document -------------------------------------------------------------------


class FaultShape(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON pointer into the body, or the name of the parameter.")
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457. `title` and `detail` speak the request's language, `code` never changes."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FaultShape(many=True)  # type: ignore[assignment]  # a field; the property stays what it is
    current = serializers.DictField(required=False, help_text="With 409: the object as it stands now.")


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "format": "uuid"},
    OpenApiParameter.HEADER,
    required=True,
    description="A new UUID for each new request; the same one when it is sent again.",
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    {"type": "string", "enum": ["true"]},
    OpenApiParameter.HEADER,
    response=[200, 201, 202],
    description="Only there when this is the answer given before.",
)
SHOP = OpenApiParameter(
    "X-Shop",
    {"type": "string", "format": "uuid"},
    OpenApiParameter.HEADER,
    description="Which shop is meant, where the caller belongs to several.",
)
LANGUAGE = OpenApiParameter(
    "Accept-Language",
    {"type": "string", "default": "ta"},
    OpenApiParameter.HEADER,
    description="`ta` or `en`: the language of `title` and `detail`.",
)
LIMITS = [
    OpenApiParameter(
        name, {"type": "integer"}, OpenApiParameter.HEADER, response=[429], description=description
    )
    for name, description in (
        ("Retry-After", "Seconds until there is room again."),
        ("RateLimit-Limit", "Requests a minute."),
        ("RateLimit-Remaining", "How many are left."),
        ("RateLimit-Reset", "Seconds until they are counted anew."),
    )
]
MEANINGS = {
    400: "Cannot be read: JSON, types, missing fields, unknown fields or parameters, missing key.",
    401: "Not signed in, or no longer.",
    403: "The role does not suffice, or not a member of the shop.",
    404: "There is no such thing in this shop.",
    409: "Does not fit the present state: `stale`, `id_exists`, `voided`.",
    413: "More than is read at once.",
    415: "Not JSON.",
    422: "Refused by a rule; `errors` names each field.",
    429: "Too many requests.",
}


class ContractSchema(AutoSchema):
    """Adds what holds for every operation: its parameters, its headers and its refusals."""

    @property
    def is_public(self) -> bool:
        return AllowAny in self.view.permission_classes

    @property
    def takes_key(self) -> bool:
        return self.method == "POST" and not self.is_public

    def get_override_parameters(self) -> list[Any]:
        parameters = [*super().get_override_parameters(), LANGUAGE, *LIMITS]
        if self.method == "GET" and self.view.parameters().fields:
            parameters.append(self.view.parameters)
        if not self.is_public:
            parameters.append(SHOP)
        if self.takes_key:
            parameters += [IDEMPOTENCY_KEY, REPLAYED]
        return parameters

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        refusals = [400, 401, 429]
        if not self.is_public:
            refusals.append(403)
        if "{" in self.path or self.view.names_rows:
            refusals.append(404)
        if self.method in {"POST", "PATCH"}:
            refusals += [413, 415, 422]
        if self.method in {"POST", "PATCH"} and not self.is_public:
            refusals.append(409)
        for status in sorted(refusals):
            body = self._get_response_for_code(Problem, str(status), [PROBLEM], direction)
            bodies.setdefault(str(status), {**body, "description": MEANINGS[status]})
        return bodies

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, Body) or (isinstance(serializer, type) and issubclass(serializer, Body)):
            schema["additionalProperties"] = False
        return schema
