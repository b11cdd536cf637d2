"""What an inventory may say, and how each mistake in it is named. No connection is opened here."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from nornir.plugins.inventory import SimpleInventory

from containerd.model import Generation, Strategy
from fleet.errors import InventoryError
from fleet.inventory import Fleet, load

DEFAULTS = """\
    username: root
    connection_options:
      netmiko: {platform: linux, extras: {key_file: ~/.ssh/id_ed25519, known_hosts: ~/.ssh/known_hosts}}
    data:
      registries:
        docker.io: {upstream: https://registry-1.docker.io, port: 5000, container: registry}
        ghcr.io:   {upstream: https://ghcr.io,              port: 5010, container: registry-ghcr}
    """
GROUPS = """\
    containerd-1.6: {data: {strategy: skip}}
    containerd-1.7: {data: {strategy: config_path}}
    containerd-2:   {data: {strategy: config_path}}
    workers: {}
    control-plane: {}
    caches: {}
    """
HOSTS = """\
    registry-vm: {hostname: 10.0.20.10, groups: [caches]}
    master:      {hostname: 10.0.20.20, groups: [control-plane, containerd-1.6]}
    worker-2:    {hostname: 10.0.20.22, port: 22, groups: [workers, containerd-1.7]}
    worker-4:    {hostname: 10.0.20.24, groups: [workers, containerd-2]}
    """


def write(directory: Path, hosts: str = HOSTS, groups: str = GROUPS, defaults: str = DEFAULTS) -> Path:
    for name, content in (("hosts", hosts), ("groups", groups), ("defaults", defaults)):
        (directory / f"{name}.yaml").write_text(dedent(content))
    return directory


def test_nodes_come_in_the_order_of_hosts_yaml_and_cache_hosts_are_no_nodes(tmp_path: Path) -> None:
    fleet = load(write(tmp_path))
    assert [(n.name, n.generation, n.strategy, n.control_plane) for n in fleet.nodes.values()] == [
        ("master", Generation.V1_6, Strategy.SKIP, True),
        ("worker-2", Generation.V1_7, Strategy.CONFIG_PATH, False),
        ("worker-4", Generation.V2, Strategy.CONFIG_PATH, False),
    ]


def test_the_cache_hosts_are_the_mirrors_of_every_registry_in_their_order(tmp_path: Path) -> None:
    more = HOSTS + "registry-2: {hostname: 10.0.20.11, groups: [caches], data: {address: cache-2.lan}}\n    "
    fleet = load(write(tmp_path, hosts=more + "registry-6: {hostname: 'fd00::6', groups: [caches]}\n"))
    assert [(r.name, r.upstream, r.endpoints) for r in fleet.registries] == [
        (
            "docker.io",
            "https://registry-1.docker.io",
            ("http://10.0.20.10:5000", "http://cache-2.lan:5000", "http://[fd00::6]:5000"),
        ),
        ("ghcr.io", "https://ghcr.io", ("http://10.0.20.10:5010", "http://cache-2.lan:5010", "http://[fd00::6]:5010")),
    ]


@pytest.mark.parametrize("says", list(Strategy))
def test_a_host_wins_over_its_groups(tmp_path: Path, says: Strategy) -> None:
    hosts = HOSTS.replace("port: 22,", f"data: {{strategy: {says.value}}},")
    assert load(write(tmp_path, hosts)).nodes["worker-2"].strategy is says


def test_each_key_of_extras_is_inherited_on_its_own(tmp_path: Path) -> None:
    """Nornir itself takes the first extras it finds as a whole, which would lose known_hosts here."""
    hosts = HOSTS.replace("port: 22,", "connection_options: {netmiko: {extras: {jump: ops@bastion:2222}}},")
    options = load(write(tmp_path, hosts)).inventory.hosts["worker-2"].get_connection_parameters("netmiko")
    assert options.extras == {
        "key_file": "~/.ssh/id_ed25519",
        "known_hosts": "~/.ssh/known_hosts",
        "use_agent": None,
        "jump": "ops@bastion:2222",
    }


def test_nested_groups_count(tmp_path: Path) -> None:
    groups = GROUPS + "gpu: {groups: [workers, containerd-2]}\n"
    hosts = HOSTS.replace("[workers, containerd-2]", "[gpu]")
    assert load(write(tmp_path, hosts, groups)).nodes["worker-4"].groups == {"gpu", "workers", "containerd-2"}


def _replace(old: str, new: str, text: str) -> str:
    assert old in text
    return text.replace(old, new)


REG = "data.registries"
MISTAKES = {
    "unknown key of a host": ("hosts", "port: 22", "prot: 22", "hosts.yaml", "worker-2", "prot", "did you mean port?"),
    "unknown key of a group": ("groups", "{strategy: skip}", "{strategi: skip}", "groups.yaml", "containerd-1.6",
                               "data.strategi", "did you mean strategy?"),
    "unknown key of the defaults": ("defaults", "username", "usrname", "defaults.yaml", None, "usrname", "username?"),
    "unknown key of extras": ("defaults", "key_file", "keyfile", "defaults.yaml", None,
                              "connection_options.netmiko.extras.keyfile", "did you mean key_file?"),
    "a password": ("defaults", "username: root", "username: root\n    password: x", "defaults.yaml", None, "password",
                   "unknown key"),
    "a blank in a user": ("defaults", "username: root", "username: 'ro ot'", "defaults.yaml", None, "username",
                          "must be the name of a user, without blanks"),
    "a variable in a path": ("defaults", "key_file: ~/", "key_file: $HOME/", "defaults.yaml", None,
                             "connection_options.netmiko.extras.key_file", "write ~ for your home directory"),
    "a variable in another path": ("defaults", "known_hosts: ~/", "known_hosts: $SSH/", "defaults.yaml", None,
                                   "connection_options.netmiko.extras.known_hosts", "variables are not expanded here"),
    "a home of nobody": ("defaults", "key_file: ~/", "key_file: ~no-such-user/", "defaults.yaml", None,
                         "connection_options.netmiko.extras.key_file", "no user no-such-user on this controller"),
    "unknown group": ("hosts", "[workers, containerd-1.7]", "[workers, containerd-1.8]", "hosts.yaml", "worker-2",
                      "groups", "unknown group 'containerd-1.8'"),
    "unknown parent group": ("groups", "workers: {}", "workers: {groups: [all]}", "groups.yaml", "workers", "groups",
                             "unknown group 'all'"),
    "groups in a circle": ("groups", "workers: {}", "workers: {groups: [workers]}", "groups.yaml", "workers", "groups",
                           "contains itself"),
    "duplicate host": ("hosts", "master:  ", "worker-4:", "hosts.yaml", "worker-4", "worker-4", "a second time"),
    "a space in a name": ("hosts", "worker-2:", "worker 2:", "hosts.yaml", "worker 2", None, "no name for a host"),
    "a comma in a name": ("hosts", "worker-2:", "worker,2:", "hosts.yaml", "worker,2", None, "no name for a host"),
    "a name like an option": ("groups", "workers: {}", "--all: {}", "groups.yaml", "--all", None,
                              "no name for a host or a group"),
    "duplicate address": ("hosts", "10.0.20.24", "10.0.20.22", "hosts.yaml", "worker-4", "hostname",
                          "is also worker-2"),
    "duplicate key": ("hosts", "port: 22,", "port: 22, port: 23,", "hosts.yaml", None, "port", "line 3"),
    "a port used twice": ("defaults", "5010", "5000", "defaults.yaml", None, f"{REG}.ghcr.io.port",
                          "5000 is used twice"),
    "a container used twice": ("defaults", "registry-ghcr", "registry", "defaults.yaml", None,
                               f"{REG}.ghcr.io.container", "registry is used twice"),
    "no such port": ("defaults", "5010", "70000", "defaults.yaml", None, f"{REG}.ghcr.io.port", "65535"),
    "a port as text": ("hosts", "port: 22", "port: ssh", "hosts.yaml", "worker-2", "port", "integer"),
    "an upstream that is no URL": ("defaults", "https://ghcr.io", "ghcr.io", "defaults.yaml", None,
                                   f"{REG}.ghcr.io.upstream", "must be a URL"),
    "credentials in an upstream": ("defaults", "https://ghcr.io", "https://me:pw@ghcr.io", "defaults.yaml", None,
                                   f"{REG}.ghcr.io.upstream", "must not hold credentials"),
    "a strategy that does not exist": ("groups", "strategy: skip", "strategy: wildcard", "groups.yaml",
                                       "containerd-1.6", "data.strategy", "'config_path', 'mirrors' or 'skip'"),
    "no strategy at all": ("groups", "containerd-1.6: {data: {strategy: skip}}", "containerd-1.6: {}", "groups.yaml",
                           "master", "data.strategy", "no strategy"),
    "no host in caches": ("hosts", "registry-vm: {hostname: 10.0.20.10, groups: [caches]}", "", "hosts.yaml", None,
                          "caches", "no host is in the group caches"),
    "a node in no generation group": ("hosts", "[workers, containerd-2]", "[workers]", "hosts.yaml", "worker-4",
                                      "groups", "is in none"),
    "a node in two generation groups": ("hosts", "[workers, containerd-2]", "[workers, containerd-2, containerd-1.7]",
                                        "hosts.yaml", "worker-4", "groups", "1.7 and 2"),
    "groups that disagree": ("groups", "workers: {}", "workers: {data: {strategy: mirrors}}", "hosts.yaml", "worker-2",
                             "data.strategy", "group workers says mirrors, group containerd-1.7 says config_path"),
    "groups that disagree on the user": ("groups", "workers: {}\n    control-plane: {}",
                                         "workers: {username: a}\n    control-plane: {username: b}", None, None,
                                         None, ""),
    "no address": ("hosts", "hostname: 10.0.20.24, ", "", "hosts.yaml", "worker-4", "hostname", "no address"),
    "no user": ("defaults", "username: root\n", "port: 22\n", "hosts.yaml", "registry-vm", "username", "no user"),
    "a list instead of a mapping": ("hosts", HOSTS, "    - worker-1\n", "hosts.yaml", None, None, "a mapping"),
    "text instead of a body": ("hosts", "{hostname: 10.0.20.24, groups: [workers, containerd-2]}", "10.0.20.24",
                               "hosts.yaml", "worker-4", None, "dictionary"),
    "not YAML": ("groups", "workers: {}", "workers: {", "groups.yaml", None, None, "line"),
    "an empty table": ("defaults", DEFAULTS, "    username: root\n", "defaults.yaml", None, REG, "is empty"),
    "a registry that is a URL": ("defaults", "ghcr.io:  ", "\"https://ghcr.io\":", "defaults.yaml", None,
                                 f"{REG}.https://ghcr.io.[key]", "what images are named by"),
    "a registry that climbs": ("defaults", "ghcr.io:  ", "../../tmp:", "defaults.yaml", None, f"{REG}.../../tmp.[key]",
                               "what images are named by"),
    "the wildcard as a registry": ("defaults", "ghcr.io:  ", "\"*\":", "defaults.yaml", None, f"{REG}.*.[key]",
                                   "what images are named by"),
    "an upstream with a port that is none": ("defaults", "https://ghcr.io", "https://ghcr.io:abc", "defaults.yaml",
                                             None, f"{REG}.ghcr.io.upstream", "ort"),
    "an upstream with a query": ("defaults", "https://ghcr.io", "'https://ghcr.io/a?b'", "defaults.yaml", None,
                                 f"{REG}.ghcr.io.upstream", "must be a URL"),
    "an upstream with a blank": ("defaults", "https://ghcr.io", "\"https://ghcr.io/a b\"", "defaults.yaml", None,
                                 f"{REG}.ghcr.io.upstream", "must be a URL"),
    "a cache address with a port": ("hosts", "10.0.20.10,", "10.0.20.10, data: {address: '10.0.0.9:5000'},",
                                    "hosts.yaml", "registry-vm", "data.address", "without scheme or port"),
    "a cache address with a scheme": ("hosts", "10.0.20.10,", "10.0.20.10, data: {address: 'http://10.0.0.9'},",
                                      "hosts.yaml", "registry-vm", "data.address", "without scheme or port"),
    "a jump with a port that is none": ("defaults", "key_file: ~", "jump: root@bastion:abc, key_file: ~",
                                        "defaults.yaml", None, "connection_options.netmiko.extras.jump",
                                        "must be user@bastion"),
    "a jump without a user": ("defaults", "key_file: ~", "jump: bastion, key_file: ~", "defaults.yaml", None,
                              "connection_options.netmiko.extras.jump", "must be user@bastion"),
    "an upstream with a path": ("defaults", "https://ghcr.io", "https://ghcr.io/v2/proxy", "defaults.yaml", None,
                                f"{REG}.ghcr.io.upstream", "without a path"),
    "an upstream that is only a name of Docker Hub": ("defaults", "https://registry-1.docker.io", "https://docker.io",
                                                      "defaults.yaml", None, f"{REG}.docker.io.upstream",
                                                      "Docker Hub's is https://registry-1.docker.io"),
    "a web site as an upstream": ("defaults", "https://registry-1.docker.io", "https://Hub.Docker.com/",
                                  "defaults.yaml", None, f"{REG}.docker.io.upstream", "https://registry-1.docker.io"),
    "an upstream that is a cache": ("defaults", "https://ghcr.io", "http://10.0.20.10:5000", "defaults.yaml", None,
                                    f"{REG}.ghcr.io.upstream", "is the cache of docker.io on registry-vm"),
    "an upstream that is the cache itself": ("defaults", "https://ghcr.io", "http://registry-vm:5010", "defaults.yaml",
                                             None, f"{REG}.ghcr.io.upstream", "is the cache of ghcr.io"),
    "an upstream with a port out of range": ("defaults", "https://ghcr.io", "https://ghcr.io:70000", "defaults.yaml",
                                             None, f"{REG}.ghcr.io.upstream", "ort"),
    "another name of Docker Hub": ("defaults", "docker.io: {", "index.docker.io: {", "defaults.yaml", None,
                                   f"{REG}.index.docker.io.[key]", "must be docker.io"),
    "the server of Docker Hub as a registry": ("defaults", "docker.io: {", "registry-1.docker.io: {", "defaults.yaml",
                                               None, f"{REG}.registry-1.docker.io.[key]", "must be docker.io"),
    "a registry in capitals": ("defaults", "ghcr.io:  ", "GHCR.io:", "defaults.yaml", None, f"{REG}.GHCR.io.[key]",
                               "lower case, as images are named: ghcr.io"),
    "a registry that is a folder of Docker Hub": ("defaults", "ghcr.io:  ", "library:", "defaults.yaml", None,
                                                  f"{REG}.library.[key]", "names no image"),
    "a registry with an underscore": ("defaults", "ghcr.io:  ", "my_reg.lan:", "defaults.yaml", None,
                                      f"{REG}.my_reg.lan.[key]", "names no image"),
    "a cache address of one interface": ("hosts", "10.0.20.10,", "10.0.20.10, data: {address: 'fe80::1%eth0'},",
                                         "hosts.yaml", "registry-vm", "data.address", "an interface of one machine"),
    "a cache host at an address of one interface": ("hosts", "hostname: 10.0.20.10,", "hostname: 'fe80::1%eth0',",
                                                    "hosts.yaml", "registry-vm", "hostname", "data.address"),
    "a cache address that is every address": ("hosts", "10.0.20.10,", "10.0.20.10, data: {address: 0.0.0.0},",
                                              "hosts.yaml", "registry-vm", "data.address", "one machine"),
    "an address that is none": ("hosts", "10.0.20.24", "10.0.20.256", "hosts.yaml", "worker-4", "hostname",
                                "no IPv4 address"),
    "a duration without a unit": ("defaults", "data:", "data:\n      dial_timeout: 5", "defaults.yaml", None,
                                  "data.dial_timeout", "valid string"),
    "a dial timeout that is none": ("defaults", "data:", "data:\n      dial_timeout: 5 s", "defaults.yaml", None,
                                    "data.dial_timeout", "from 100ms to 30s"),
    "a dial timeout beyond containerd's": ("defaults", "data:", "data:\n      dial_timeout: 1m", "defaults.yaml", None,
                                           "data.dial_timeout", "from 100ms to 30s"),
    "no dial timeout": ("defaults", "data:", "data:\n      dial_timeout: 0s", "defaults.yaml", None,
                        "data.dial_timeout", "from 100ms to 30s"),
    "an image that is no registry": ("defaults", "container: registry}", "container: registry, image: 'nginx:2'}",
                                     "defaults.yaml", None, f"{REG}.docker.io.image", "not named as a registry's"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", [name for name, row in MISTAKES.items() if row[3]])
def test_each_mistake_names_the_file_the_host_and_the_key(tmp_path: Path, mistake: str) -> None:
    which, old, new, file, host, key, says = MISTAKES[mistake]
    texts = {"hosts": HOSTS, "groups": GROUPS, "defaults": DEFAULTS}
    texts[which] = _replace(old, new, texts[which])
    with pytest.raises(InventoryError) as caught:
        load(write(tmp_path, **texts))
    place = caught.value.place
    assert (place.file, place.host, place.key) == (str(tmp_path / str(file)), host, key)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("which", "old", "new"),
    [
        pytest.param("hosts", "10.0.20.24", "'fe80::2%eth0'", id="SSH to a node may need an interface"),
        pytest.param("defaults", "https://ghcr.io", "https://ghcr.io/", id="a slash is no path"),
        pytest.param("defaults", "https://ghcr.io", "http://10.0.20.10:8080", id="another service of the cache host"),
        pytest.param("defaults", "https://ghcr.io", "https://registry-1.docker.io", id="two registries of one server"),
        pytest.param("defaults", "ghcr.io:  ", "localhost:5000:", id="a registry with a port"),
    ],
)
def test_what_is_unusual_and_works(tmp_path: Path, which: str, old: str, new: str) -> None:
    texts = {"hosts": HOSTS, "defaults": DEFAULTS}
    texts[which] = _replace(old, new, texts[which])
    assert load(write(tmp_path, **texts))


def test_groups_that_disagree_are_no_mistake_where_no_host_is_in_both(tmp_path: Path) -> None:
    _, old, new, *_ = MISTAKES["groups that disagree on the user"]
    assert load(write(tmp_path, groups=_replace(old, new, GROUPS)))


@pytest.mark.parametrize("missing", ["hosts.yaml", "groups.yaml", "defaults.yaml"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    (write(tmp_path) / missing).unlink()
    with pytest.raises(InventoryError, match="does not exist") as caught:
        load(tmp_path)
    assert caught.value.place.file == str(tmp_path / missing)


def shipped() -> Path:
    return Path(__file__).parents[3] / "inventory"


def test_the_shipped_inventory_is_what_nornir_itself_reads_from_it() -> None:
    ours: Fleet = load(shipped())
    theirs = SimpleInventory(*(str(shipped() / f"{name}.yaml") for name in ("hosts", "groups", "defaults"))).load()
    assert list(ours.inventory.hosts) == list(theirs.hosts)
    for name, host in theirs.hosts.items():
        assert ours.inventory.hosts[name].hostname == host.hostname
        assert [group.name for group in ours.inventory.hosts[name].groups] == [group.name for group in host.groups]


def test_the_shipped_inventory_is_the_labs_fleet() -> None:
    fleet = load(shipped())
    assert fleet.lab
    assert [(n.name, n.generation.value, n.control_plane) for n in fleet.nodes.values()] == [
        ("k8s-master", "1.6", True),
        ("worker-1", "1.6", False),
        ("worker-2", "1.7", False),
        ("worker-3", "1.7", False),
        ("worker-4", "2", False),
        ("worker-5", "2", False),
    ]
    assert [registry.endpoints[0].rsplit(":", 1)[1] for registry in fleet.registries] == [
        "5000", "5010", "5020", "5030", "5040",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("ghcr.io/x:1", "ghcr.io/x:1 is an image of ghcr.io; name one of docker.io"),
        ("Not An Image", "'Not An Image' is no image's name"),
    ],
)
def test_a_probe_is_an_image_of_its_registry(tmp_path: Path, probe: str, said: str) -> None:
    row = "container: registry"
    fleet = load(write(tmp_path, defaults=DEFAULTS.replace(f"{row}}}", f"{row}, probe: busybox}}")))
    assert fleet.rows["docker.io"].probe == "busybox"
    with pytest.raises(InventoryError, match="probe") as caught:
        load(write(tmp_path, defaults=DEFAULTS.replace(f"{row}}}", f"{row}, probe: {probe}}}")))
    assert caught.value.args[0].startswith(said)
    assert caught.value.place.key == "data.registries.docker.io.probe"


def test_the_cache_hosts(tmp_path: Path) -> None:
    assert load(write(tmp_path)).cache_hosts == ("registry-vm",)
