"""Downloads from a server on this machine that resumes, breaks off, lies and redirects."""

import errno
import fcntl
import hashlib
import http.client
import socket
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from ladder.data import download as module
from ladder.data.download import RemoteFile, download
from ladder.errors import UserError

CONTENT = bytes(range(256)) * 1000


class Server(ThreadingHTTPServer):
    """Serves CONTENT; the first part of a path says how."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []  # (path, Range header or None)

    def url(self, how):
        return f"http://127.0.0.1:{self.server_port}/{how}/data.bin"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        getattr(self, self.path.split("/")[1])()

    def log_message(self, *_):
        pass

    def send(self, status, content, headers=(), length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def _start(self):
        return int(self.headers.get("Range", "bytes=0-")[6:-1])

    def good(self, content=CONTENT):
        start = self._start()
        headers = [("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")]
        self.send(206 if start else 200, content[start:], headers if start else ())

    def norange(self):
        self.send(200, CONTENT)

    def breaks(self):
        """Breaks off after every hundred thousand bytes."""
        start = self._start()
        part = CONTENT[start : start + 100_000]
        headers = [("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")]
        self.send(206 if start else 200, part, headers if start else (), len(CONTENT) - start)

    def hangsup(self):
        self.send(200, CONTENT[:1000], length=len(CONTENT))

    def shifted(self):
        self.send(206, CONTENT[:-7], [("Content-Range", f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}")])

    def other(self):
        self.good(b"\0" * len(CONTENT))

    def portal(self):
        self.send(200, b"<html>log in first</html>")

    def endless(self):
        self.send(200, CONTENT * 3)

    def gone(self):
        self.send(404, b"")

    def moved(self):
        self.send(302, b"", [("Location", self.server.url("good"))])

    def loop(self):
        self.send(302, b"", [("Location", f"/loop/{self.path.count('/')}{self.path[5:]}")])

    def insecure(self):
        self.send(302, b"", [("Location", "http://example.invalid/data.bin")])

    def local(self):
        self.send(302, b"", [("Location", "file:///etc/hostname")])


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def remote(server, *how, algorithm="sha256"):
    digest = hashlib.new(algorithm, CONTENT).hexdigest()
    return RemoteFile("data.bin", len(CONTENT), algorithm, digest, tuple(map(server.url, how)))


def fetch(server, folder, *how, **others):
    download((remote(server, *how, **others),), folder, "`run.py convert x`")
    assert (folder / "data.bin").read_bytes() == CONTENT
    assert sorted(path.name for path in folder.iterdir()) == ["data.bin"]


def test_a_file_comes_whole_and_is_not_fetched_twice(server, tmp_path):
    fetch(server, tmp_path / "new" / "folder", "good")
    fetch(server, tmp_path / "new" / "folder", "good", algorithm="md5")
    assert server.asked == [("/good/data.bin", None)]


def test_what_is_there_is_resumed(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT[:1234])
    fetch(server, tmp_path, "good")
    assert server.asked == [("/good/data.bin", "bytes=1234-")]


def test_a_server_that_cannot_resume_sends_the_whole(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(b"?" * 1234)
    fetch(server, tmp_path, "norange")
    assert len(server.asked) == 1


def test_parts_that_are_wrong_whole_or_too_long(server, tmp_path):
    part = tmp_path / "data.bin.part"
    part.write_bytes(b"?" * 1234)  # not what the server has
    fetch(server, tmp_path, "good")
    assert [asked for _, asked in server.asked] == ["bytes=1234-", None]
    for content in (CONTENT, CONTENT + b"?"):
        (tmp_path / "data.bin").unlink()
        part.write_bytes(content)
        fetch(server, tmp_path, "good")
    assert len(server.asked) == 3  # the complete part needed no request


def test_a_connection_that_breaks_off_is_taken_up_again(server, tmp_path):
    fetch(server, tmp_path, "breaks")
    assert [asked for _, asked in server.asked] == [None, "bytes=100000-", "bytes=200000-"]


def test_the_next_mirror_goes_on_where_the_last_one_broke_off(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT[:500])
    fetch(server, tmp_path, "shifted", "good")
    assert server.asked == [("/shifted/data.bin", "bytes=500-"), ("/good/data.bin", "bytes=500-")]


@pytest.mark.parametrize(
    "how, why",
    [
        ("other", "what it sends has another SHA256"),
        ("portal", "it ended after 25 of 256,000 bytes"),
        ("endless", "it sends more than the 256,000 bytes of the file"),
        ("gone", "status 404"),
        ("loop", "status 302"),
        ("insecure", "http://example.invalid/data.bin is not https"),
        ("local", "status 302"),
        ("hangsup", "it ended after 1,000 of 256,000 bytes"),
    ],
)
def test_mirrors_that_cannot_be_used(server, tmp_path, how, why):
    """If it is the only mirror, one sentence says why and what to do by hand; if another follows, nothing is lost."""
    with pytest.raises(UserError) as refused:
        download((remote(server, how),), tmp_path, "`run.py convert x`")
    message = str(refused.value)
    assert f"cannot download data.bin (127.0.0.1: {why}" in message and message.count("\n") == 0
    assert f"fetch by hand, in a browser or on another machine, data.bin from {server.url(how)}; put what" in message
    assert message.endswith(f"into {tmp_path}, then run `run.py convert x`.")
    assert not (tmp_path / "data.bin").exists()
    fetch(server, tmp_path, how, "good")


@pytest.mark.parametrize("when", ["begin", "read1"])
@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH])
def test_a_network_that_fails_while_it_is_read_is_no_disk_that_fails(when, number, server, tmp_path, monkeypatch):
    """The next mirror is tried, and the failure is reported as the network's."""
    read = getattr(http.client.HTTPResponse, when)

    def failing(answer, *arguments):
        done = read(answer, *arguments)
        if server.asked[-1][0].startswith("/fails/"):
            raise OSError(number, "it fails")
        return done

    monkeypatch.setattr(http.client.HTTPResponse, when, failing)
    monkeypatch.setattr(Handler, "fails", Handler.good, raising=False)
    with pytest.raises(UserError, match="cannot download data.bin .127.0.0.1: .*it fails.: fetch by hand"):
        fetch(server, tmp_path, "fails")
    fetch(server, tmp_path, "fails", "good")


def test_redirects_to_a_mirror_are_followed(server, tmp_path):
    fetch(server, tmp_path, "moved")


def test_no_network(tmp_path, monkeypatch):
    """Of several files, the message names only the missing ones, and each mirror's folder once."""
    monkeypatch.setattr(socket, "getaddrinfo", _no_names)
    there = RemoteFile("a", 1, "md5", hashlib.md5(b"a").hexdigest(), ("https://mirror.invalid/a",))
    missing = [RemoteFile(name, 1, "md5", "", (f"https://mirror.invalid/{name}",)) for name in "bc"]
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(UserError) as refused:
        download((there, *missing), tmp_path, "`run.py convert x`")
    assert str(refused.value) == (
        "cannot download b (mirror.invalid: Name or service not known): fetch by hand, in a browser or on another machine, "
        f"b, c from https://mirror.invalid/; put what you have into {tmp_path}, then run `run.py convert x`."
    )


def _no_names(*_, **__):
    raise socket.gaierror(-2, "Name or service not known")


def test_only_https(tmp_path):
    file = RemoteFile("a", 1, "md5", "", ("http://mirror.invalid/a", "ftp://mirror.invalid/a"))
    with pytest.raises(UserError, match="http://mirror.invalid/a is not https; .*ftp://mirror.invalid/a is not https"):
        download((file,), tmp_path, "it")


def test_an_interrupt_keeps_what_has_come(server, tmp_path, monkeypatch):
    copied = module._copy

    def interrupted(answer, output, file):
        output.write(answer.read(5000))
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, "good")
    assert (tmp_path / "data.bin.part").read_bytes() == CONTENT[:5000]
    monkeypatch.setattr(module, "_copy", copied)
    fetch(server, tmp_path, "good")
    assert server.asked[1] == ("/good/data.bin", "bytes=5000-")


def test_slow_mirrors_are_given_up(server, tmp_path, monkeypatch):
    clock = iter(range(0, 10**9, 61))  # a minute passes between any two readings
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(module, "BLOCK", 50_000)  # bytes received per minute
    with pytest.raises(UserError, match="it sends less than 1000 bytes a second"):
        fetch(server, tmp_path, "good")


def test_files_of_others_are_left_alone(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(b"mine")
    with pytest.raises(
        UserError, match="data.bin is there, but its SHA256 is not that of the public file: move it away"
    ):
        fetch(server, tmp_path, "good")
    assert (tmp_path / "data.bin").read_bytes() == b"mine"
    (tmp_path / "data.bin").unlink()
    (tmp_path / "other").write_bytes(b"mine")
    (tmp_path / "data.bin.part").symlink_to("other")
    with pytest.raises(UserError, match="data.bin.part is no plain file: move it away"):
        fetch(server, tmp_path, "good")
    assert (tmp_path / "other").read_bytes() == b"mine"


def test_two_downloads_of_one_file(server, tmp_path):
    with (tmp_path / "data.bin.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is downloading .*data.bin.part: wait for it"):
            fetch(server, tmp_path, "good")


def test_disks_without_room(server, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module, "_copy", full)
        with pytest.raises(UserError, match=r"cannot write into .* \(No space left on device\): make room, and the"):
            fetch(server, tmp_path, "good")
    usage = namedtuple("usage", "total used free")(1, 1, 999)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match="the download takes 256 kB, and there is 999 bytes of room for"):
        fetch(server, tmp_path, "good")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write into .*folder .*: give another --directory"):
        fetch(server, tmp_path / "file" / "folder", "good")
