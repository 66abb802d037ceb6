#!/usr/bin/env python3
"""leak_draft.py ANSWER COMMAND...: answers the first question of an interview on a terminal, then kills it (-9) at the
second: what was answered is a draft now.  Fails when there is no second question within 20 seconds."""
import os
import pty
import select
import signal
import sys
import time

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
said = b""
answered = 0
until = time.monotonic() + 20
while answered < 2 and time.monotonic() < until:
    if not select.select([terminal], [], [], 1)[0]:
        if said.rstrip().endswith((b":", b"?", b">")):
            os.write(terminal, sys.argv[1].encode() + b"\n" if answered == 0 else b"")
            answered += 1
            said = b""
        continue
    try:
        said += os.read(terminal, 65536)
    except OSError:
        break
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
if answered < 2:
    sys.exit("leak_draft: the interview did not ask twice; last words: " + said[-300:].decode(errors="replace"))
