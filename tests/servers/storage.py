"""A second address for the same photos whose pictures lie on another host, as with the large instances."""

import contextlib
import functools
import http.server
import threading

from tests.servers.geovisio import serving


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def redirecting(instance):
    """(url, storage_url): a read-only server over the same database, and where it sends those who want pictures."""
    handler = functools.partial(_Files, directory=instance.storage)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
        thread = threading.Thread(target=files.serve_forever)
        thread.start()
        try:
            storage_url = f"http://127.0.0.1:{files.server_port}"
            settings = {
                "API_READ_ONLY": "true",
                "PICTURE_PROCESS_THREADS_LIMIT": "0",
                "API_PERMANENT_PICTURES_PUBLIC_URL": f"{storage_url}/permanent",
                "API_DERIVATES_PICTURES_PUBLIC_URL": f"{storage_url}/derivates",
            }
            with serving(instance.python, instance.database, instance.storage, **settings) as url:
                yield url, storage_url
        finally:
            files.shutdown()
            thread.join()
