"""The page on which an owner takes everything away."""

import tempfile

from django.http import FileResponse, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from ledger.services.export import file_name_of, note_export, write_archive
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.htmx import render_page


@member_required(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def export(request: ShopRequest) -> HttpResponse:
    """What is in the archive; a POST answers it. It waits on the disk for a slow reader, not in the database."""
    if request.method == "GET":
        return render_page(request, "ledger/export.html", {})
    note_export(by=request.member)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it is sent
    write_archive(request.shop, file)
    file.seek(0)
    name = file_name_of(request.shop, timezone.now())
    # A response, though its types do not say so.
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")  # type: ignore[return-value]
