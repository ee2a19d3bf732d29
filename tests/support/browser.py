"""A headless Chromium for tests, spoken to over pipes: needs no driver and no library."""
import base64
import json
import os
import shutil
import subprocess
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find():
    """The program of a browser, or None."""
    return os.environ.get("TIDELINE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One browser process. `page` opens pages in it."""

    def __init__(self, program, folder):
        to_browser, commands = os.pipe()
        answers, from_browser = os.pipe()

        def give():  # the browser reads descriptor 3 and writes descriptor 4
            high_in, high_out = os.dup(to_browser), os.dup(from_browser)
            os.dup2(high_in, 3, inheritable=True)
            os.dup2(high_out, 4, inheritable=True)

        sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
        self._process = subprocess.Popen(
            [program, "--headless=new", *sandbox, "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe",
             f"--user-data-dir={folder}", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb", "about:blank"],
            preexec_fn=give, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self._commands, self._answers = os.fdopen(commands, "wb", 0), os.fdopen(answers, "rb")
        self._buffer = b""
        self._number = 0
        self._events = []

    def close(self):
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._commands.close()
        self._answers.close()

    def call(self, method, session=None, **parameters):
        """Sends a command and waits for its answer; events on the way are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        self._commands.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._events.append(answer)

    def _read(self):
        while b"\0" not in self._buffer:
            more = os.read(self._answers.fileno(), 1 << 20)
            if not more:
                raise EOFError("the browser is gone")
            self._buffer += more
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def events(self, session):
        """Events of a page so far, which are then forgotten."""
        mine = [e for e in self._events if e.get("sessionId") == session]
        self._events = [e for e in self._events if e.get("sessionId") != session]
        return mine

    def page(self, url, dark=False, width=1280, height=900):
        return Page(self, url, dark, width, height)


class Page:
    """One page: what it asked of the network, what went wrong in it, what is in it, what it looks like."""

    def __init__(self, browser, url, dark, width, height):
        self._browser = browser
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.requests, self.problems = [], []
        self.call("Page.navigate", url=url)
        end = time.monotonic() + 30
        while self.evaluate("document.readyState") != "complete":
            if time.monotonic() > end:
                raise TimeoutError(f"{url} does not load")
            time.sleep(0.02)
        self.settle()

    def call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)

    def settle(self):
        """Waits until what was asked for has been drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))")
        for event in self._browser.events(self._session):
            parameters = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            elif event["method"] == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self.problems.append(details.get("exception", {}).get("description") or details["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                self.problems.append(" ".join(str(a.get("value", a.get("description"))) for a in parameters["args"]))
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                self.problems.append(parameters["entry"]["text"])

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", answer["exceptionDetails"]["text"]))
        return answer["result"].get("value")

    def move(self, selector, across=0.5, down=0.5):
        """Moves the mouse over what `selector` names, to a place by its parts of width and height."""
        box = self.evaluate(f"(() => {{ const n = document.querySelector({json.dumps(selector)}); n.scrollIntoView({{block: 'center'}}); "
                            "const b = n.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + across * box[2], y=box[1] + down * box[3])
        self.settle()

    def choose(self, label, text):
        """Chooses in the list that has this label the entry with this text."""
        done = self.evaluate(f"""(() => {{
          const list = [...document.querySelectorAll("label")].find((l) => l.firstChild.textContent === {json.dumps(label)}).querySelector("select");
          const entry = [...list.options].find((o) => o.text === {json.dumps(text)});
          if (!entry) return [...list.options].map((o) => o.text).join(", ");
          list.value = entry.value;
          list.dispatchEvent(new Event("change"));
          return "";
        }})()""")
        if done:
            raise ValueError(f"{label} has no {text}: {done}")
        self.settle()

    def screenshot(self, file, whole=True):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **({"clip": self._whole()} if whole else {}))
        file.write_bytes(base64.b64decode(shot["data"]))

    def _whole(self):
        width, height = self.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        return {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)
