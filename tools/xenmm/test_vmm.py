#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Stands for a hypervisor that answers the tool's --ask, in test_vmm.sh.

usage: test_vmm.py FOLDER COMMAND...

Runs COMMAND --ask TERMINAL. A request is answered by FOLDER's file of that name and an
empty line, and noted in FOLDER/asked. Exits as COMMAND does.
"""

import os
import pty
import subprocess
import sys
import threading
import tty
from pathlib import Path


def answer(requests, folder):
    with open(folder / "asked", "w", encoding="utf-8") as asked:
        for line in requests:
            name = line.decode().strip()
            print(name, file=asked, flush=True)
            os.write(requests.fileno(), (folder / name).read_bytes() + b"\n")


def main():
    folder, command = Path(sys.argv[1]), sys.argv[2:]
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    requests = os.fdopen(ours, "rb", buffering=0)
    threading.Thread(target=answer, args=(requests, folder), daemon=True).start()
    sys.exit(subprocess.run([*command, "--ask", os.ttyname(theirs)], check=False).returncode)


main()
