"""Download of public data sets: mirrors are tried in turn, downloads resumed, and checksums verified.

A file is written as ``NAME.part`` and renamed once its checksum is right, so a
file with the final name is complete.  Only https is allowed (and http to this
machine, for tests); proxies are those of the environment, as ``urllib`` reads
them.
"""

import errno
import fcntl
import hashlib
import http.client
import ipaddress
import logging
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass

from ladder import __version__, budget
from ladder.errors import UserError
from ladder.files import open_regular, shown

logger = logging.getLogger("main.data")

#: Added to a file's name until it is complete.
PART = ".part"

#: Seconds without a byte after which a mirror is given up, and attempts at a mirror that drops the connection.
TIMEOUT, ATTEMPTS = 30, 3

#: The lowest acceptable rate in bytes per second, and the seconds over which it is measured.
SLOWEST, OVER = 1000, 60

MOST_REDIRECTS = 5

#: Bytes read at a time.
BLOCK = 2**16


@dataclass(frozen=True)
class RemoteFile:
    """A file on the web.

    Attributes
    ----------
    name : str
    size : int, bytes
    algorithm : 'sha256' or 'md5'
        MD5 where nothing better was published: it detects damage, not forgery.
    digest : str
    urls : tuple of str
        Its mirrors, in the order in which they are tried.
    """

    name: str
    size: int
    algorithm: str
    digest: str
    urls: tuple


class _Unusable(Exception):
    """A mirror cannot provide a file; the message says why and completes a sentence."""


class _BrokenOff(_Unusable):
    """The connection ended early: the bytes received are good, and the rest can be requested."""


def download(files, directory, by_hand):
    """Fetch the files that a folder lacks.

    Parameters
    ----------
    files : tuple of RemoteFile
    directory : Path
        Created if it is missing.
    by_hand : str
        The command to run once all files are there, for users who have to fetch them by other means.

    Raises
    ------
    UserError
        No mirror has a file (the message says what to do by hand); a file of that name exists but differs; the folder
        cannot be written to, or is full.
    KeyboardInterrupt
        What has been received is kept, and the next call resumes from there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        missing = [file for file in files if not _is_there(file, directory)]
        _check_room(missing, directory)
        for file in missing:
            if why := _fetch(file, directory):
                raise UserError(_by_hand(file, why, missing, directory, by_hand))
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise UserError(
            f"cannot write into {shown(directory)} ({error.strerror or error}): "
            + ("make room, and the download goes on where it stopped." if full else "give another --directory.")
        ) from None


def _by_hand(file, why, missing, directory, then):
    """The message for users whose machine reaches no mirror, perhaps because it has no network."""
    left = [other for other in missing if not (directory / other.name).exists()]
    folders = {tuple(url.removesuffix(other.name) for url in other.urls) for other in left}
    if len(folders) == 1 and len(left) > 1:
        wanted = f"{', '.join(other.name for other in left)} from {' or '.join(*folders)}"
    else:
        wanted = "; ".join(f"{other.name} from {' or '.join(other.urls)}" for other in left)
    return (
        f"cannot download {file.name} ({why}): fetch by hand, in a browser or on another machine, {wanted}; put what you "
        f"have into {shown(directory)}, then run {then}."
    )


def _is_there(file, directory):
    path = directory / file.name
    if not path.exists():
        return False
    if digest_of(path, file.algorithm) != file.digest:
        raise UserError(
            f"{shown(path)} is there, but its {file.algorithm.upper()} is not that of the public file: move it away, and "
            "it is downloaded."
        )
    logger.info("%s is there already", shown(path))
    return True


def _check_room(files, directory):
    parts = {file: directory / (file.name + PART) for file in files}
    needed = sum(file.size - (part.stat().st_size if part.is_file() else 0) for file, part in parts.items())
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise UserError(
            f"the download takes {budget.in_words(needed)}, and there is {budget.in_words(free)} of room for "
            f"{shown(directory)}: make room, or give another --directory."
        )


def _fetch(file, directory):
    """Download one file to its final name; returns '' or, in words, why no mirror has it."""
    part, reasons = directory / (file.name + PART), []
    with _locked(part) as output:
        for url in file.urls:
            host = urllib.parse.urlsplit(url).hostname
            logger.info("Downloading %s (%s) from %s", file.name, budget.in_words(file.size), host)
            try:
                _fetch_from(url, file, output)
            except _Unusable as error:
                reasons.append(f"{host}: {error}")
                continue
            except KeyboardInterrupt:
                logger.info("Interrupted; the same command goes on where it stopped")
                raise
            os.fsync(output.fileno())
            part.rename(directory / file.name)
            logger.info("%s is whole: its %s is right", file.name, file.algorithm.upper())
            return ""
    return "; ".join(reasons)


@contextmanager
def _locked(part):
    """Open the unfinished file, locked against other processes; it is removed at the end if it is empty."""
    if part.is_symlink() or (part.exists() and not part.is_file()):
        raise UserError(f"{shown(part)} is no plain file: move it away.")
    with part.open("ab+") as output:
        try:
            fcntl.flock(output, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            raise UserError(f"another process is downloading {shown(part)}: wait for it.") from None
        yield output
        if part.exists() and output.seek(0, 2) == 0:
            part.unlink()


def _fetch_from(url, file, output):
    """Complete ``output`` from one mirror; a resumed file with a wrong checksum is fetched once more from the start."""
    had_some = output.seek(0, 2) > 0
    for attempt in range(ATTEMPTS):
        try:
            _go_on(url, file, output)
            break
        except _BrokenOff:
            if attempt == ATTEMPTS - 1:
                raise
    output.flush()
    if digest_of(output.name, file.algorithm) == file.digest:
        return
    output.truncate(0)
    if not had_some:
        raise _Unusable(f"what it sends has another {file.algorithm.upper()}")
    _fetch_from(url, file, output)


def _go_on(url, file, output):
    """Request the missing bytes and append them."""
    start = output.seek(0, 2)
    if start > file.size:
        output.truncate(0)
        start = 0
    if start == file.size:
        return
    with _answer(url, start) as answer:
        if answer.status == 206 and not _begins_at(answer, start):
            raise _Unusable("it sends another part of the file than it was asked for")
        if answer.status != 206:  # it sends the whole file
            output.truncate(0)
        _copy(answer, output, file)


def _begins_at(answer, start):
    return answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")


@contextmanager
def _answer(url, start):
    """The open response to a request for the bytes from ``start`` on; errors become ``_Unusable``."""
    headers = {"User-Agent": f"ladder/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    _check_allowed(url)
    opener = urllib.request.build_opener(_FewRedirects())
    try:
        with _breaking_off():
            answer = opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise _Unusable(f"status {error.code}") from None
    except urllib.error.URLError as error:
        raise _Unusable(getattr(error.reason, "strerror", None) or str(error.reason)) from None
    with answer:
        if answer.status not in (200, 206):
            raise _Unusable(f"status {answer.status}")
        yield answer


@contextmanager
def _breaking_off():
    """Turn network errors inside the block into ``_BrokenOff``; write nothing there, as disk errors look the same."""
    try:
        yield
    except urllib.error.URLError:  # no connection was made
        raise
    except (http.client.HTTPException, OSError) as error:
        raise _BrokenOff(str(error) or "the connection was cut") from None


class _FewRedirects(urllib.request.HTTPRedirectHandler):
    max_redirections = max_repeats = MOST_REDIRECTS

    def redirect_request(self, request, fp, code, message, headers, newurl):
        _check_allowed(newurl, request.full_url)
        return super().redirect_request(request, fp, code, message, headers, newurl)


def _check_allowed(url, redirected_from=None):
    """Allow only https, and http to this machine unless another one redirects there."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        return
    if parts.scheme == "http" and _is_local(url) and (redirected_from is None or _is_local(redirected_from)):
        return
    raise _Unusable(f"{shown(url)} is not https")


def _is_local(url):
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _copy(answer, output, file):
    """Append a response to the file, up to the expected size."""
    from tqdm import tqdm

    done = output.seek(0, 2)
    looked, then = time.monotonic(), done
    with tqdm(
        desc=file.name, total=file.size, initial=done, unit="B", unit_scale=True, disable=None, leave=False
    ) as bar:
        while block := _next_block(answer):
            done += len(block)
            if done > file.size:
                output.truncate(0)
                raise _Unusable(f"it sends more than the {file.size:,} bytes of the file")
            output.write(block)
            bar.update(len(block))
            if (now := time.monotonic()) - looked > OVER:
                if done - then < SLOWEST * OVER:
                    output.flush()
                    raise _Unusable(f"it sends less than {SLOWEST} bytes a second")
                looked, then = now, done
    output.flush()
    if done < file.size:
        raise _BrokenOff(f"it ended after {done:,} of {file.size:,} bytes")


def _next_block(answer):
    with _breaking_off():
        return answer.read1(BLOCK)


def digest_of(path, algorithm):
    """The digest of a file, in hexadecimal digits; ``algorithm`` e.g. "sha256"."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open_regular(path) as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
