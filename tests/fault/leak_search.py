#!/usr/bin/env python3
"""leak_search.py SECRETS [--memory PID | PATH...]: where bytes that must not be there are.

SECRETS: lines "NAME<TAB>HEX".  Searches files (folders: all files in them, names too) or the readable memory of a
process, overlapping at the edges of what is read at once.  Prints "NAME<TAB>WHERE" for each find; ends with 0 when the
search ran, whatever it found, so that a search that could not run is never taken for a clean one.
"""
import os
import re
import sys

PIECE = 8 << 20


def load(path):
    secrets = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            name, digits = line.rstrip("\n").split("\t")
            secrets.append((name, bytes.fromhex(digits)))
    if not secrets:
        sys.exit("leak_search: no secrets to search for")
    return secrets


def report(secrets, data, where, found):
    for name, secret in secrets:
        if (name, where) not in found and secret in data:
            found.add((name, where))
            print(f"{name}\t{where}")


def search_file(secrets, path, found):
    overlap = max(len(s) for _, s in secrets) - 1
    report(secrets, os.fsencode(os.path.basename(path)), path + " (its name)", found)
    with open(path, "rb") as f:
        tail = b""
        while True:
            piece = f.read(PIECE)
            if not piece:
                return
            data = tail + piece
            report(secrets, data, path, found)
            tail = data[-overlap:]


def search_memory(secrets, pid, found):
    searched = 0
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if m is None or "[vvar]" in line or "[vsyscall]" in line:
                continue
            at, end = int(m.group(1), 16), int(m.group(2), 16)
            where = f"memory of {pid}: {line.split(None, 5)[5].strip() if len(line.split(None, 5)) > 5 else 'anonymous'}"
            overlap = max(len(s) for _, s in secrets) - 1
            tail = b""
            while at < end:
                try:
                    mem.seek(at)
                    piece = mem.read(min(PIECE, end - at))
                except (OSError, ValueError):
                    break  # a guard page of libsodium's
                if not piece:
                    break
                searched += len(piece)
                data = tail + piece
                report(secrets, data, where, found)
                tail = data[-overlap:]
                at += len(piece)
    if searched < 1 << 20:
        sys.exit(f"leak_search: only {searched} bytes of process {pid} could be read")


def main():
    secrets = load(sys.argv[1])
    found = set()
    if sys.argv[2] == "--memory":
        search_memory(secrets, int(sys.argv[3]), found)
        return
    files = 0
    for path in sys.argv[2:]:
        if os.path.isdir(path):
            for folder, _, names in os.walk(path):
                for name in names:
                    full = os.path.join(folder, name)
                    if os.path.isfile(full) and not os.path.islink(full):
                        search_file(secrets, full, found)
                        files += 1
        else:
            search_file(secrets, path, found)
            files += 1
    if files == 0:
        sys.exit("leak_search: no file to search in")


main()
