from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request

STAY = [sys.executable, "-m", "bot", "demo", "--serve"]


def test_serve_prints_addresses_that_answer_and_ctrl_c_stops_cleanly() -> None:
    with subprocess.Popen(STAY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Who is who" in line:
                break
        bot = re.search(r"The bot:\s+(http://\S+)", said)
        control = re.search(r"S=(http://\S+)", said)
        assert bot is not None, said
        assert control is not None, said
        for url in (f"{bot[1]}/healthz", f"{control[1]}/state"):
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (printed by the demo)
                assert answer.status == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert errors.strip() == "Stopped."


def test_script_and_serve_exclude_each_other() -> None:
    done = subprocess.run([*STAY, "--script"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "take one of them" in done.stderr
