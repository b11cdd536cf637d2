"""Files, and what each version of containerd does with them; the lab tries the same files on real daemons.

A column per version, a letter per state: ok, error, absent, dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from containerd.model import MAIN, FileSet
from tests.unit.containerd.samples import NEW, OLD

VERSIONS = ("1.5.18", "1.6.20", "1.6.39", "1.7.16", "1.7.24", "2.0.11", "2.1.9", "2.2.0", "2.2.7", "2.3.4", "2.3.5")
STATES = {"o": "ok", "e": "error", "a": "absent", "d": "dead"}
SHORT = "plugins.cri"
RUNTIME = 'plugins."io.containerd.cri.v1.runtime"'
V2, V3 = "version = 2\n", "version = 3\n"
IMPORTS = 'imports = ["/etc/containerd/conf.d/*.toml"]\n'

#          1.5 1.6 1.7   2.0 2.1   2.2   2.3
FINE = "   ooooo         oo        oo    oo"
DEAD = "   ddddd         dd        dd    dd"
ERROR = "  eeeee         ee        ee    ee"


@dataclass(frozen=True)
class Case:
    name: str
    main: str
    states: str
    dropins: tuple[str, ...] = ()

    @property
    def files(self) -> FileSet:
        return file_set(self.main, *self.dropins)

    @property
    def expected(self) -> Mapping[str, str]:
        return {version: STATES[letter] for version, letter in zip(VERSIONS, self.states.replace(" ", ""), strict=True)}


def file_set(main: str, *dropins: str) -> FileSet:
    named = {f"/etc/containerd/conf.d/{number}.toml": text for number, text in enumerate(dropins)}
    return FileSet(MAIN, {MAIN: main, **named})


def mirrors(plugin: str, name: str = "*") -> str:
    return f'[{plugin}.registry.mirrors."{name}"]\nendpoint = ["http://10.0.0.1:5000"]\n'


def config_path(plugin: str, path: str = "/etc/containerd/certs.d") -> str:
    return f'[{plugin}.registry]\nconfig_path = "{path}"\n'


def tls(plugin: str, body: str = "insecure_skip_verify = true\n") -> str:
    return f'[{plugin}.registry.configs."10.0.0.1:5000".tls]\n{body}'


def auth(plugin: str) -> str:
    return f'[{plugin}.registry.configs."10.0.0.1:5000".auth]\nusername = "u"\npassword = "p"\n'


def scheduler(line: str) -> str:
    return f'[plugins."io.containerd.gc.v1.scheduler"]\n{line}\n'


REGISTRY = (
    Case("mirrors alone", V2 + mirrors(OLD), "ooooo oo eo oo"),
    Case("config_path alone", V2 + config_path(OLD), FINE),
    Case("both", V2 + config_path(OLD) + mirrors(OLD), ERROR),
    Case("an empty config_path beside mirrors", V2 + config_path(OLD, "") + mirrors(OLD), "ooooo oo eo oo"),
    Case("a blank config_path is set", V2 + config_path(OLD, " ") + mirrors(OLD), ERROR),
    Case("empty mirrors", V2 + config_path(OLD) + f"[{OLD}.registry.mirrors]\n", FINE),
    Case("empty configs", V2 + config_path(OLD) + f"[{OLD}.registry.configs]\n", FINE),
    Case("tls beside config_path", V2 + config_path(OLD) + tls(OLD), "eeeee oo oo oo"),
    Case("an empty tls table is one too", V2 + config_path(OLD) + tls(OLD, ""), "eeeee oo oo oo"),
    Case("tls beside mirrors", V2 + mirrors(OLD) + tls(OLD), "ooooo oo eo oo"),
    Case("auth beside config_path", V2 + config_path(OLD) + auth(OLD), FINE),
    Case("headers beside config_path", V2 + config_path(OLD) + f'[{OLD}.registry.headers]\nX-A = ["b"]\n', FINE),
    Case("auths of a URL", V2 + f'[{OLD}.registry.auths."https://a.example"]\nusername = "u"\n', FINE),
    Case("auths of an address", V2 + f'[{OLD}.registry.auths."10.0.0.1:5000"]\nusername = "u"\n', ERROR),
)
VERSION = (
    Case("an empty file", "", FINE),
    Case("comments only", "# nothing\n", FINE),
    Case("no version, short id", mirrors(SHORT) + config_path(SHORT), "eeeee oo oo ee"),
    Case("no version, URI", mirrors(OLD) + config_path(OLD), "ooooo oo oo ee"),
    Case("version 1, short id", "version = 1\n" + mirrors(SHORT) + config_path(SHORT), "eeeee oo oo ee"),
    Case("version 2, short id", V2 + mirrors(SHORT) + config_path(SHORT), "ddddd oo oo oo"),
    Case("version 2, new ids", V2 + mirrors(NEW) + config_path(NEW), "ooooo ee ee ee"),
    Case("version 3, new ids", V3 + mirrors(NEW) + config_path(NEW), "oodod ee ee ee"),
    Case("version 3, mirrors alone", V3 + mirrors(NEW), "oodod oo eo oo"),
    Case("version 3, its own empty config_path", V3 + config_path(NEW, "") + mirrors(NEW), "oodod oo oo oo"),
    Case("version 4", "version = 4\n" + config_path(NEW), "oodod dd dd oo"),
    Case("version 5", "version = 5\n", "oodod dd dd dd"),
    Case("a negative version", "version = -1\n", "ooooo dd dd dd"),
    Case("a version in quotes", 'version = "2"\n', DEAD),
    Case("version 3, stale old id", V3 + config_path(NEW) + mirrors(OLD), "oodod oo oo oo"),
    Case("version 3, a conflict under the old id", V3 + config_path(OLD) + mirrors(OLD), "eeded oo oo ee"),
    Case("version 2, the old id wins", V2 + config_path(NEW) + mirrors(OLD), "ooooo oo eo oo"),
)
PLUGINS = (
    Case("Docker's package", 'disabled_plugins = ["cri"]\n', "aaaaa aa aa aa"),
    Case("disabled by its URI", V2 + 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n', "aaaaa aa aa aa"),
    Case(
        "disabled by its URI without a version", 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n', "ooooo aa aa aa"
    ),
    Case("disabled by a short name in version 2", V2 + 'disabled_plugins = ["cri"]\n', DEAD),
    Case(
        "disabled, and in conflict",
        'disabled_plugins = ["cri"]\n' + config_path(SHORT) + mirrors(SHORT),
        "aaaaa aa aa aa",
    ),
    Case("a part of it disabled", V2 + 'disabled_plugins = ["io.containerd.cri.v1.images"]\n', "ooooo ee ee ee"),
    Case("its snapshotter disabled", V2 + 'disabled_plugins = ["io.containerd.snapshotter.v1.overlayfs"]\n', ERROR),
    Case("something below it disabled", V2 + 'disabled_plugins = ["io.containerd.content.v1.content"]\n', ERROR),
    Case("a platform that is none", V2 + '[plugins."io.containerd.runtime.v2.task"]\nplatforms = ["a,b"]\n', ERROR),
    Case("something else disabled", V2 + 'disabled_plugins = ["io.containerd.internal.v1.opt"]\n', FINE),
    Case("required", V2 + 'required_plugins = ["io.containerd.grpc.v1.cri"]\n', FINE),
    Case("required without a version", 'required_plugins = ["cri"]\n', FINE),
    Case(
        "required, and in conflict",
        V2 + 'required_plugins = ["io.containerd.grpc.v1.cri"]\n' + config_path(OLD) + mirrors(OLD),
        DEAD,
    ),
    Case(
        "required and disabled",
        V2 + 'required_plugins = ["io.containerd.grpc.v1.cri"]\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n',
        DEAD,
    ),
    Case("required, and unknown", V2 + 'required_plugins = ["io.containerd.made.v1.up"]\n', DEAD),
    Case("a proxy snapshotter", V2 + '[proxy_plugins.a]\ntype = "snapshot"\naddress = "/run/a"\n', FINE),
    Case(
        "a proxy that is required",
        V2 + 'required_plugins = ["io.containerd.snapshotter.v1.a"]\n[proxy_plugins.a]\ntype = "snapshot"\n',
        FINE,
    ),
    Case("a proxy of no known type", V2 + '[proxy_plugins.a]\naddress = "/run/a"\n', DEAD),
    Case("a proxy with a name that is taken", V2 + '[proxy_plugins.native]\ntype = "snapshot"\n', DEAD),
    Case(
        "a policy that does not exist",
        V2 + '[plugins."io.containerd.metadata.v1.bolt"]\ncontent_sharing_policy = "x"\n',
        ERROR,
    ),
)
RUNTIMES = (
    Case("an unknown default", V2 + f'[{OLD}.containerd]\ndefault_runtime_name = "nvidia"\n', ERROR),
    Case("another runtime", V2 + f'[{OLD}.containerd.runtimes.nvidia]\nruntime_type = "x"\n', "eeeee oo oo oo"),
    Case("a missing base spec", V2 + f'[{OLD}.containerd.runtimes.runc]\nbase_runtime_spec = "/no"\n', ERROR),
    Case("an unknown snapshotter", V2 + f'[{OLD}.containerd]\nsnapshotter = "nope"\n', "eeeee oo oo oo"),
    Case("an unknown snapshotter in version 3", V3 + f'[{NEW}]\nsnapshotter = "nope"\n', "oodod ee ee ee"),
    Case("systemd_cgroup", V2 + f"[{OLD}]\nsystemd_cgroup = true\n", "eeeee oo oo oo"),
    Case("a bad duration", V2 + f'[{OLD}]\nstream_idle_timeout = "4 hours"\n', ERROR),
    Case("TLS streaming by halves", V2 + f'[{OLD}.x509_key_pair_streaming]\ntls_cert_file = "/c"\n', ERROR),
)
TYPES = (
    Case("endpoint is a string", V2 + f'[{OLD}.registry.mirrors.a]\nendpoint = "http://a"\n', DEAD),
    Case("the same where nobody reads it", f'[{OLD}.registry.mirrors.a]\nendpoint = "http://a"\n', "ooooo oo oo dd"),
    Case("config_path is a list", V2 + f'[{OLD}.registry]\nconfig_path = ["/a"]\n', DEAD),
    Case("registry is a string", V2 + f'[{OLD}]\nregistry = "x"\n', DEAD),
    Case("a password is a number", V2 + f"[{OLD}.registry.configs.a.auth]\npassword = 1234\n", DEAD),
    Case(
        "tls of another type", V2 + f'[{OLD}.registry.configs.a.tls]\ninsecure_skip_verify = "yes"\n', "ddddd oo oo oo"
    ),
    Case("unknown keys", V2 + f"subreaper = true\n[{OLD}]\nunknown = 1\n", FINE),
    Case("a float for a whole number", V2 + f"[{OLD}]\nmax_concurrent_downloads = 3.0\n", DEAD),
    Case("a whole number for a float", V2 + scheduler("pause_threshold = 1"), "ddddd oo oo oo"),
    Case("a duration of another plugin", V2 + scheduler('schedule_delay = "x"'), DEAD),
    Case(
        "a server plugin of 2.3",
        'version = 4\n[plugins."io.containerd.server.v1.grpc"]\nuid = "0"\n',
        "oodod dd dd dd",
    ),
    Case("oom_score in quotes", V2 + 'oom_score = "0"\n', DEAD),
    Case("grpc is no table", V2 + "grpc = 1\n", DEAD),
    Case("plugins is a string", V2 + 'plugins = "x"\n', DEAD),
    Case("a plugin that nobody knows is no table", V2 + 'plugins."io.containerd.made.v1.up" = 1\n', "ddddd oo oo oo"),
    Case("CRI is no table", V2 + f"{OLD} = 1\n", DEAD),
    Case("a timeout that is none", V2 + '[timeouts]\na = "5"\n', DEAD),
    Case("a log level that is none", V2 + '[debug]\nlevel = "loud"\n', DEAD),
    Case("a certificate that is not there", V2 + '[grpc]\ntcp_tls_cert = "/no"\n', "ddddd dd dd oo"),
    Case("a log format that is none", V2 + '[debug]\nformat = "xml"\n', DEAD),
    Case("root is state", V2 + 'root = "/a"\nstate = "/a"\n', DEAD),
    Case(
        "keys in capitals", V2 + f'[{OLD}.REGISTRY]\nCONFIG_PATH = "/c"\n{mirrors(OLD + ".REGISTRY")}', "ooooo oo oo oo"
    ),
    Case("too large a number", "oom_score = 99999999999999999999\n", DEAD),
)
TOML = (
    Case("a duplicate key", "version = 2\nversion = 2\n", DEAD),
    Case("a duplicate table", "[debug]\n[debug]\n", DEAD),
    Case("an array without an end", 'disabled_plugins = ["a"\n', DEAD),
    Case("a template", V2 + "{{ if . }}\n", DEAD),
    Case("not TOML at all", "<!DOCTYPE html>\n", DEAD),
    Case("a byte order mark", "\ufeffversion = 2\n", "ooooo dd dd dd"),
    Case("bytes that are not UTF-8", "# \udcff\n", "ooooo dd dd dd"),
    Case("a key behind its table", V2 + f'[{OLD}] [{OLD}.registry] config_path = "/c"\n', "ooooo dd dd dd"),
    Case("brackets in the name of a table", V2 + mirrors(OLD, "[::1]:5000"), "ddddd oo eo oo"),
    Case("the same brackets in a key", V2 + f'[{OLD}.registry.mirrors]\n"[::1]:5000" = {{}}\n', "ooooo oo eo oo"),
    Case("a date", V2 + "[a]\nb = 2020-01-01\n", "ddddd oo oo oo"),
    Case(
        "tables out of order",
        V2 + f"[{OLD}.registry.mirrors.a]\n[debug]\n[{OLD}]\nsandbox_image = 'x'\n",
        "ooooo oo eo oo",
    ),
    Case("carriage returns", 'version = 2\r\n[debug]\r\nlevel = "info"\r\n', FINE),
)
CRI_OFF = '["io.containerd.grpc.v1.cri"]'
CASE = (
    Case("Plugins beside plugins", V2 + config_path(OLD.replace("p", "P", 1)) + mirrors(OLD), "ooooo ee ee ee"),
    Case(
        "PLUGINS beside plugins", V2 + config_path(OLD.replace("plugins", "PLUGINS")) + mirrors(OLD), "ooooo ee ee ee"
    ),
    Case("Config_Path beside mirrors", V2 + f'[{OLD}.registry]\nConfig_Path = "/c"\n' + mirrors(OLD), "ooooo ee ee ee"),
    Case("Mirrors beside config_path", V3 + config_path(NEW) + f"[{NEW}.registry.Mirrors.a]\n", "oodod ee ee ee"),
    Case(
        "an empty mirrors beside MIRRORS",
        V3 + f"[{NEW}.registry]\nconfig_path = '/c'\nmirrors = {{}}\nMIRRORS.a = {{}}\n",
        "oodod ee ee ee",
    ),
    Case("Registry of the old id is not moved", V2 + f"[{OLD}.Registry]\nconfig_path = '/c'\nmirrors.a = {{}}\n", FINE),
    Case("Registry of the new id", V3 + f"[{NEW}.Registry]\nconfig_path = '/c'\nmirrors.a = {{}}\n", "oodod ee ee ee"),
    Case("Endpoint of another type", V2 + f"[{OLD}.registry.mirrors.a]\nEndpoint = 1\n", "ooooo dd dd dd"),
    Case(
        "names of mirrors have their case", V2 + mirrors(OLD, "a.example") + mirrors(OLD, "A.example"), "ooooo oo eo oo"
    ),
    Case(
        "names of plugins have their case", V2 + config_path(OLD.replace("cri", "CRI")) + mirrors(OLD), "ooooo oo eo oo"
    ),
    Case(
        "names of runtimes have their case",
        V3 + f'[{RUNTIME}.Containerd]\nDefault_Runtime_Name = "kata"\nRuntimes.Kata.Runtime_Type = "x"\n',
        "oodod ee ee ee",
    ),
    Case("Disabled_Plugins", f"{V2}Disabled_Plugins = {CRI_OFF}\n", "ooooo aa aa aa"),
    Case("DISABLED_PLUGINS", f"{V2}DISABLED_PLUGINS = {CRI_OFF}\n", "aaaaa aa aa aa"),
    Case("the last of two spellings", f"{V2}Disabled_plugins = {CRI_OFF}\ndisabled_plugins = []\n", FINE),
    Case(
        "the last of two spellings, turned",
        f"{V2}disabled_plugins = []\nDisabled_plugins = {CRI_OFF}\n",
        "ooooo aa aa aa",
    ),
    Case("Imports", V2 + 'Imports = ["/nowhere.toml"]\n', "ooooo dd dd dd"),
    Case("Version", "Version = 3\n" + config_path(NEW) + mirrors(NEW), "ooooo ee ee ee"),
    Case("a level below Debug", V2 + '[Debug]\nLEVEL = "loud"\n', "ooooo dd dd dd"),
    Case("the type of a Proxy", V2 + '[Proxy_Plugins.a]\nType = "none"\n', "ooooo dd dd dd"),
    Case("an empty table for a string", V2 + f"[{OLD}.registry.config_path]\n", "ddddd oo oo oo"),
    Case("an empty table for a switch", V3 + f"[{NEW}]\ndiscard_unpacked_layers = {{}}\n", "oodod oo oo oo"),
    Case("an empty table of the server for a string", V2 + "[root]\n", "ddddd oo oo oo"),
    Case("braces of the server for a string", V2 + "root = {}\n", DEAD),
    Case("a table for a string", V2 + f"[{OLD}.registry.config_path]\na = 1\n", DEAD),
    Case("an empty table for a list", V2 + f"[{OLD}.registry.mirrors.a.endpoint]\n", DEAD),
)
DIALECTS = (
    Case("four quotes at an end", V2 + "note = '''so''''\n", "ddddd oo oo oo"),
    Case("an inline table over lines", V2 + "[note]\na = {\n  b = 1\n}\n", "ooooo dd dd dd"),
    Case("an inline table with a last comma", V2 + "note = {a = 1,}\n", DEAD),
    Case("an inline table with a key twice", V2 + "note = {a = 1, a = 2}\n", "ooooo dd dd dd"),
    Case("an escaped slash", V2 + 'note = "a\\/b"\n', "ooooo dd dd dd"),
    Case("an escaped escape", V2 + 'note = "\\e"\n', "ddddd oo oo oo"),
    Case("a string over two lines", V2 + "note = 'a\nb'\n", "ooooo dd dd dd"),
    Case("one zero in front", V2 + "note = 07\n", "ooooo dd dd dd"),
    Case("a zero with an exponent", V2 + "note = 0e1\n", "ddddd oo oo oo"),
    Case("a base without digits at the end", V2 + "note = 0x", DEAD),
    Case("an unknown key with an escape", V2 + '"n\\u006fte" = 1\n', "ooooo dd dd dd"),
    Case("an unknown table with an escape", V2 + '["n\\u006fte"]\n', "ooooo dd dd dd"),
    Case("a known key with an escape", V2 + '"r\\u006fot" = "/r"\n', FINE),
    Case("a key twice in braces of an unknown table", V2 + "[note]\na = {b = 1, b = 2}\n", FINE),
    Case("two zeros in front", V2 + "note = 007\n", DEAD),
    Case("a dot in front of a key", V2 + ".note = 1\n", "ooooo dd dd dd"),
    Case("a dot behind a key", V2 + "note. = 1\n", DEAD),
    Case("two parts of a key without a dot", V2 + '"no"te = 1\n', "ooooo dd dd dd"),
    Case("a table twice in two spellings", V2 + '[note]\n["note"]\n', "ooooo dd dd dd"),
    Case("a table of tables as a table", V2 + "[[note]]\n[note]\n", DEAD),
    Case("a dotted key, then its table", V2 + "[note]\na.b = 1\n[note.a]\n", FINE),
    Case("the same below plugins", V2 + f"[{OLD}]\nnote.b = 1\n[{OLD}.note]\n", "ooooo dd dd dd"),
    Case("a key twice in a table without a place", V2 + "[note]\na = 1\na = 2\n", "ddddd oo oo oo"),
    Case("a number that is none", V2 + "note = 1__0\n", "ddddd oo oo oo"),
    Case("a number that is none below plugins", V2 + f"[{OLD}]\nnote = 1__0\n", DEAD),
    Case("a day that is none", V2 + "note = 2020-02-30\n", "ddddd oo oo oo"),
    Case("two values on a line", V2 + "note = 1 2\n", DEAD),
    Case("a header of 300 parts", f"{V2}[{'.'.join(['a'] * 300)}]\n", FINE),
)
DROPINS = (
    Case("no drop-in", V2 + IMPORTS + config_path(OLD), FINE),
    Case("a missing import", V2 + 'imports = ["/nowhere.toml"]\n', DEAD),
    Case("mirrors in a drop-in", V2 + IMPORTS + config_path(OLD), "ooooo ee ee ee", (V2 + mirrors(OLD),)),
    Case("the same without its version", V2 + IMPORTS + config_path(OLD), "ooooo ee ee ee", (mirrors(OLD),)),
    Case("short ids in a drop-in", V2 + IMPORTS + config_path(OLD), "ddddd ee ee ee", (mirrors(SHORT),)),
    Case("version 3 over version 2", V2 + IMPORTS + config_path(OLD), "oodod oo oo de", (V3 + mirrors(OLD),)),
    Case("version 3 with new ids over 2", V2 + IMPORTS + config_path(OLD), "oodod oo eo de", (V3 + mirrors(NEW),)),
    Case("version 2 over version 3", V3 + IMPORTS + config_path(NEW), "ooooo oo eo ee", (V2 + mirrors(OLD),)),
    Case("version 2 over none", IMPORTS + config_path(OLD) + mirrors(OLD), "eeeee ee ee ee", (V2,)),
    Case(
        "an empty config_path in a drop-in",
        V2 + IMPORTS + config_path(OLD),
        "ooooo oo eo oo",
        (V2 + config_path(OLD, "") + mirrors(OLD),),
    ),
    Case("the last one counts", V2 + IMPORTS, "ooooo ee ee ee", (V2 + config_path(OLD) + mirrors(OLD), V2 + auth(OLD))),
    Case(
        "a drop-in that disables",
        V2 + IMPORTS,
        "aaaaa aa aa aa",
        (V2 + 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n',),
    ),
    Case("a drop-in that is no TOML", V2 + IMPORTS, DEAD, ("bad",)),
    Case("a drop-in that imports the main file", V2 + IMPORTS, FINE, ('imports = ["../config.toml"]\n',)),
)
CASES = (*REGISTRY, *VERSION, *PLUGINS, *RUNTIMES, *TYPES, *TOML, *CASE, *DIALECTS, *DROPINS)
