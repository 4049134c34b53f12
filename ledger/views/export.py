"""The page on which an owner takes everything away."""

import tempfile
import zipfile
from typing import IO

from django.http import FileResponse, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from ledger.forms.export import DaysForm
from ledger.selectors.tally import ledgers_as_tally, vouchers_as_tally
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
        return render_page(request, "ledger/export.html", {"form": DaysForm()})
    note_export(by=request.member)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it is sent
    write_archive(request.shop, file)
    return _sent(file, file_name_of(request.shop, timezone.now()))


@member_required(Role.ADMIN)
@require_POST
def export_tally(request: ShopRequest) -> HttpResponse:
    """The accounts of some days for TallyPrime: ledgers and vouchers, in one archive."""
    form = DaysForm(request.POST)
    if not form.is_valid():
        return render_page(request, "ledger/export.html", {"form": form}, status=422)
    start, end = form.cleaned_data["start"], form.cleaned_data["end"]
    note_export(by=request.member)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it is sent
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in (
            ("1-ledgers.xml", ledgers_as_tally(request.shop)),
            ("2-vouchers.xml", vouchers_as_tally(request.shop, start, end)),
        ):
            with archive.open(name, "w") as part:
                part.writelines(f"{line}\n".encode() for line in lines)
    return _sent(file, f"tally-{start}-{end}.zip")


def _sent(file: IO[bytes], name: str) -> HttpResponse:
    file.seek(0)
    # A response, though its types do not say so.
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")  # type: ignore[return-value]
