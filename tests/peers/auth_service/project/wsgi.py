"""What gunicorn loads. The tables are made and the users seeded before the first request is taken."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()

call_command("migrate", run_syncdb=True, verbosity=0)

from users.seed import seed  # noqa: E402  (its models need the application above)

seed()
