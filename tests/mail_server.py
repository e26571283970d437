"""A mail server on this machine that keeps what it is given, and refuses on request."""

import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread


@dataclass
class MailServer:
    """`answers` maps the first word of a command ("RCPT") to what is said instead of 250."""

    port: int = 0
    mails: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    logins: int = 0
    tls: ssl.SSLContext | None = None

    def accept(self, sender: str, recipients: list[str], data: bytes) -> None:
        self.mails.append((sender, recipients, message_from_bytes(data, policy=policy.default)))


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: MailServer = self.server.mail  # type: ignore[attr-defined]
        self.sender, self.recipients = "", []
        self.say("220 mail.test")
        while line := self.rfile.readline():
            command = line.decode().strip()
            verb = command[:4].upper()
            if refusal := server.answers.get(verb):
                self.say(refusal)
                if refusal.startswith("421"):
                    return
            elif verb == "EHLO":
                can_tls = server.tls is not None and not isinstance(self.connection, ssl.SSLSocket)
                self.say("250-mail.test", *(["250-STARTTLS"] * can_tls), "250 AUTH PLAIN")
            elif verb == "STAR":
                self.say("220 go ahead")
                try:
                    self.connection = server.tls.wrap_socket(self.connection, server_side=True)
                except (ssl.SSLError, ConnectionError):
                    return  # The client does not trust the certificate.
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb", buffering=0)
            elif verb == "AUTH":
                server.logins += 1
                self.say("235 welcome")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.mail_command(server, verb, command)

    def mail_command(self, server: MailServer, verb: str, command: str) -> None:
        if verb == "MAIL":
            self.sender = command.split("<")[1].split(">", maxsplit=1)[0]
        elif verb == "RCPT":
            self.recipients.append(command.split("<")[1].split(">", maxsplit=1)[0])
        elif verb == "DATA":
            self.say("354 go ahead")
            data = b""
            while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                data += line.removeprefix(b".") if line.startswith(b"..") else line
            if refusal := server.answers.get("BODY"):
                self.say(refusal)
                return
            server.accept(self.sender, self.recipients, data)
        self.say("250 ok")

    def finish(self) -> None:
        super().finish()
        self.rfile.close()
        self.connection.close()

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def mail_server(port: int = 0, *, tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    with _Listener(("127.0.0.1", port), _Session) as listener:
        server = MailServer(port=listener.server_address[1], tls=tls)
        listener.mail = server  # type: ignore[attr-defined]
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        listener.shutdown()
        thread.join()
