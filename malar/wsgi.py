"""The web server's way in (granian, `--interface wsgi`)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "malar.settings.dev")
application = get_wsgi_application()
