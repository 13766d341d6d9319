"""The origin: nginx on the CPU of the load, behind all contestants alike."""

from processes import Process, free_ports

BODY_BYTES = {"/": 1024, "/64k": 64 * 1024, "/1m": 1024 * 1024}


class Origin:
    """Listens on a port and on a unix socket. Its answers are those of BODY_BYTES; `/user-id` says which X-User-Id it
    was sent."""

    def __init__(self, folder, cpu):
        self.port = free_ports(1)[0]
        self.unix_path = folder / "origin.sock"
        for path, size in BODY_BYTES.items():
            if path != "/":
                (folder / path.strip("/")).write_bytes(b"x" * size)
        configuration = folder / "origin.conf"
        configuration.write_text(f"""\
daemon off;
master_process off;
pid {folder}/origin.pid;
error_log stderr crit;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=10;
  client_body_temp_path {folder}/origin-body;
  proxy_temp_path {folder}/origin-proxy;
  fastcgi_temp_path {folder}/origin-fastcgi;
  uwsgi_temp_path {folder}/origin-uwsgi;
  scgi_temp_path {folder}/origin-scgi;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    listen unix:{self.unix_path} backlog=4096;
    default_type text/plain;
    root {folder};
    location = / {{ return 200 "{'x' * BODY_BYTES['/']}"; }}
    location = /user-id {{ return 200 "$http_x_user_id"; }}
  }}
}}
""")
        self._process = Process("origin", ["nginx", "-p", folder, "-e", "stderr", "-c", configuration], cpu, folder)

    def wait_until_it_listens(self):
        self._process.wait_until_it_listens(self.port)

    def stop(self):
        self._process.stop()
