"""nginx twice: the service behind everything, and a plain TLS proxy to compare with."""

import os
import subprocess
from pathlib import Path

import machine

SMALL_BYTES = 1024
LARGE_BYTES = 2**30
SMALL, LARGE = "/small", "/large"
NAME = "bench.portlama.localhost"

_COMMON = """
daemon off;
{user}
worker_processes {workers};
worker_rlimit_nofile 8192;
pid {folder}/{name}.pid;
error_log {folder}/{name}.err error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type application/octet-stream;
  sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_timeout 3600; keepalive_requests 1000000000;
  client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
  fastcgi_temp_path {folder}/{name}.fastcgi; uwsgi_temp_path {folder}/{name}.uwsgi;
  scgi_temp_path {folder}/{name}.scgi;
{servers}
}}
"""

_ORIGIN = "  server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/files; }}"

_PROXY = """
  ssl_certificate {folder}/proxy.crt; ssl_certificate_key {folder}/proxy.key;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:10m;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_request_buffering off; client_max_body_size 0; proxy_max_temp_file_size 0;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 256; }}
  upstream sink {{ server 127.0.0.1:{sink}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=4096;
    location / {{ proxy_pass http://origin; }}
    location /sink {{ proxy_pass http://sink; }}
  }}
"""


def start_origin(folder: Path) -> tuple[subprocess.Popen, int]:
    """One worker on plain HTTP: a small file and a large one without octets on the disk."""
    files = folder / "files"
    files.mkdir()
    (files / SMALL[1:]).write_bytes(os.urandom(SMALL_BYTES // 2).hex().encode())
    with (files / LARGE[1:]).open("wb") as large:
        large.truncate(LARGE_BYTES)
    port = machine.free_port()
    return _start(folder, "origin", 1, port, _ORIGIN.format(port=port, folder=folder)), port


def start_proxy(folder: Path, origin: int, sink: int) -> tuple[subprocess.Popen, int]:
    """A TLS proxy with as many workers as cores, upstream keep-alive and an ECDSA certificate."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
         "-keyout", folder / "proxy.key", "-out", folder / "proxy.crt"],
        check=True, capture_output=True,
    )
    port = machine.free_port()
    servers = _PROXY.format(folder=folder, port=port, origin=origin, sink=sink)
    return _start(folder, "proxy", machine.CORES, port, servers), port


def _start(folder: Path, name: str, workers: int, port: int, servers: str) -> subprocess.Popen:
    # As root, workers would change to a user that cannot read our folder.
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / f"{name}.conf"
    path.write_text(_COMMON.format(user=user, workers=workers, folder=folder, name=name, servers=servers))
    process = machine.start(
        ["nginx", "-c", path, "-p", folder, "-e", folder / f"{name}.err"],
        stderr=(folder / f"{name}.out").open("wb"),
    )
    machine.wait_for_port(port, process)
    return process
