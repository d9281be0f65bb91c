#!/usr/bin/python3
"""A client that opens many connections, one after the other: talk.py COUNT INTERVAL_S PORT ADDRESS…

Connection n sends its own text to ADDRESS[n % …], waits a moment and closes. The client prints
`sent N BEGIN END` for each text that it sent, with the times before the first packet and after the text,
and `lost N` for the other connections.
"""

import asyncio
import sys
import time


def text(n):
    """The text that connection n sends."""
    return (f"connection {n:05d} " + f"{n * 7919 % 100003:06d} " * 60).encode()


async def talk(n, address, port):
    begin = time.time()
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 8)
        writer.write(text(n))
        await asyncio.sleep(0.5)
        print(f"sent {n} {begin:.6f} {time.time():.6f}", flush=True)
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), 2)
    except (OSError, asyncio.TimeoutError) as problem:
        print(f"lost {n}: {problem!r}", flush=True)


async def main(count, interval, port, addresses):
    tasks = []
    for n in range(count):
        tasks.append(asyncio.create_task(talk(n, addresses[n % len(addresses)], port)))
        await asyncio.sleep(interval)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
