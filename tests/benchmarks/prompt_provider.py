"""A provider that approves everything at once and remembers nothing: `python -m ... PORT`.

The practice provider keeps a ledger and can fail in many ways, which costs about as much CPU as
payorch itself. On a machine that is shared with what is measured, that would be measured, too.
"""

import asyncio
import json
import sys

_HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def _approval(body: bytes) -> bytes:
    asked = json.loads(body)
    return json.dumps(
        {
            "id": f"prompt_pay_{asked['reference']}",
            "object": "payment",
            "reference": asked["reference"],
            "amount": asked["amount"],
            "currency": asked["currency"],
            "captured_amount": asked["amount"],
            "status": "approved",
            "decline": None,
            "redirect_url": None,
        }
    ).encode()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        except asyncio.IncompleteReadError:
            writer.close()
            return
        at = head.find(b"content-length:")
        length = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        answer = _approval(body) if length else b"{}"
        writer.write(_HEAD % len(answer) + answer)


async def main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
