"""nginx as a service behind the gateway: a reader of paths that decodes, resolves and merges by rules of its own."""

import pathlib
import socket

from support.polling import PATIENCE
from support.ports import free_port
from support.process import Process

TIMEOUT = 10 * PATIENCE

CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 10m;
  merge_slashes {merge_slashes};
  server {{
    listen 127.0.0.1:{port};
    default_type text/plain;
    {directives}
{locations}
  }}
}}
"""


class Nginx(Process):
    """Answers each of `locations`, a map from what stands behind the word `location` to the text of its answer.

    The text may hold nginx's variables: `$uri` is the path as nginx reads it. `directives` are for all of them.
    """

    def __init__(self, folder, locations, merge_slashes=True, directives="", name="nginx"):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder = pathlib.Path(folder)
        lines = [f'    location {place} {{ return 200 "{text}"; }}' for place, text in locations.items()]
        configuration = folder / f"{name}.conf"
        configuration.write_text(CONFIGURATION.format(
            folder=folder, port=self.port, merge_slashes="on" if merge_slashes else "off", directives=directives,
            locations="\n".join(lines)))
        super().__init__(["/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c", configuration], folder, name)

    def wait_until_listening(self):
        self.wait_ready(self._listens)
        return self

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT).close()
        except ConnectionError:
            return False
        return True
