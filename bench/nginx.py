"""nginx: as a plain reverse proxy, or with an Auth Service whose answers it may remember."""

import os
from dataclasses import dataclass

import auth_service
from contestant import Contestant


@dataclass(frozen=True)
class Nginx(Contestant):
    """With `auth_request` every request is first a subrequest to the Auth Service, or with `cached` to a cache of its
    answers by the Authorization header. With `locked` those who miss the same one wait for the first of them; with
    `open_files` the files of that cache stay open."""

    auth_request: bool = False
    cached: bool = True
    locked: bool = False
    open_files: bool = False

    @property
    def name(self):
        if not self.auth_request:
            return "nginx, plain"
        return ("nginx, auth_request" + " cached" * self.cached + ", proxy_cache_lock" * self.locked +
                ", open_file_cache" * self.open_files)

    @property
    def algorithm(self):
        return "HS256" if self.auth_request else None

    def command(self, place):
        folder = place.folder
        access_log = f"{place.log_file} combined buffer=64k flush=1s" if place.surroundings.logs else "off"
        # Otherwise its worker would be a user who may not enter the folder.
        user = "user root root;" if os.geteuid() == 0 else ""
        configuration = place.write("nginx.conf", f"""\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections {place.connections_max}; }}
http {{
  access_log {access_log};
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  client_body_buffer_size 32k;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream app {{
    server 127.0.0.1:{place.surroundings.origin.port};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
{self._auth_service(place) if self.auth_request else ""}
  server {{
    listen 127.0.0.1:{place.port} backlog=4096;
{self._authenticated() if self.auth_request else "    location / { proxy_pass http://app; }"}
  }}
}}
""")
        return ["nginx", "-p", folder, "-e", "stderr", "-c", configuration]

    def _auth_service(self, place):
        return f"""\
  proxy_cache_path {place.folder}/cache levels=1:2 keys_zone=identities:4m;
{"  open_file_cache max=1000;" if self.open_files else ""}
  upstream auth_service {{
    server 127.0.0.1:{place.surroundings.auth_service.port};
    keepalive 256;
    keepalive_requests 1000000000;
  }}"""

    def _authenticated(self):
        cache = _CACHE + "      proxy_cache_lock on;\n" * self.locked if self.cached else ""
        return f"""\
    location / {{
      auth_request /auth;
      auth_request_set $user_id $upstream_http_x_user_id;
      proxy_set_header Connection "";
      proxy_set_header X-User-Id $user_id;
      proxy_pass http://app;
    }}
    location = /auth {{
      internal;
      proxy_method GET;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
{cache}      proxy_pass http://auth_service{auth_service.PATH};
    }}"""


_CACHE = """\
      proxy_cache identities;
      proxy_cache_key $http_authorization;
      proxy_cache_valid 200 1h;
"""
