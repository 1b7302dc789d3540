"""A web server on this machine for tests of downloads."""

import contextlib
import http.server
import threading


@contextlib.contextmanager
def serving(files):
    """Serves a dict path -> bytes; gives the URL of its root and the list of paths asked for.

    A path that begins with "cut" sends half of what it announces.
    """
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/")
            asked.append(name)
            data = files.get(name)
            if data is None:
                self.send_error(404, "Not Found")
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if name.startswith("cut") else data)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
