"""What is there against what is wanted: facts in, actions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from caches.errors import Unreadable
from caches.image import parse_image
from caches.plan import Act, Consent, File, HostPlan, plan_host
from caches.present import HostFacts, containers, image_id, image_ids, volumes
from caches.spec import CacheSpec, Credentials, Wanted
from tests.unit.caches.samples import by_hand, container, spec, wanted

GHCR = wanted(spec())
QUAY = wanted(spec("registry-quay", registry="quay.io", upstream="https://quay.io", port=5020))
ALL, NOTHING = Consent(prune=True, prune_data=True), Consent()


def no_files(containers: Sequence[str]) -> Sequence[File]:
    assert containers is not None
    return ()


def looked_after(here: HostFacts, *caches: Wanted) -> list[str]:
    """The containers that the upkeep is for."""
    plan = plan_host(here, caches, lambda names: [File(name, "") for name in names], NOTHING)
    return [file.path for file in plan.files]


def facts(*deployed: Wanted, **more: Any) -> HostFacts:
    files = {it.spec.config_file: it.config for it in deployed}
    there = {"containers": tuple(map(container, deployed)), "files": files, "images": {"registry:2": "sha256:1"}}
    return HostFacts("26.1.5", **(there | more))


def acts(plan: HostPlan) -> list[tuple[str, str]]:
    return [(action.act.value, action.container) for action in plan.actions]


def test_from_nothing() -> None:
    plan = plan_host(facts(), [GHCR, QUAY], no_files, NOTHING)
    assert acts(plan) == [("create", "registry-ghcr"), ("create", "registry-quay")]
    assert "https://ghcr.io on port 5010" in plan.actions[0].reason
    assert "+  remoteurl:" in plan.diff


def test_a_second_deploy_changes_nothing() -> None:
    plan = plan_host(facts(GHCR, QUAY), [GHCR, QUAY], no_files, ALL)
    assert acts(plan) == [("unchanged", "registry-ghcr"), ("unchanged", "registry-quay")]
    assert not plan.acts
    assert plan.diff == ""


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "the port": ({"port": 5011}, "port 5010 -> 5011"),
    "the address": ({"bind": "10.0.20.10"}, "port 5010 -> 10.0.20.10:5010"),
    "the upstream": ({"upstream": "https://ghcr.lan"}, "config.yml"),
    "the image": ({"image": parse_image("registry:2.8.3")}, "image registry:2 -> registry:2.8.3"),
    "the memory": ({"memory": "1g"}, "memory -> 1g"),
    "the log": ({"log_files": 9}, "log rotation"),
    "a name": ({"hosts": (("a.lan", "10.0.0.1"),)}, "hosts"),
    "the authorities": ({"ca": "/ca.pem"}, "ca"),
    "a password": ({"credentials": Credentials("me", "hunter2")}, "config.yml"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_setting_recreates_exactly_that_container(change: str) -> None:
    settings, reason = CHANGES[change]
    changed = wanted(replace(GHCR.spec, **settings))
    plan = plan_host(facts(GHCR, QUAY), [changed, QUAY], no_files, NOTHING)
    assert acts(plan) == [("recreate", "registry-ghcr"), ("unchanged", "registry-quay")]
    assert reason in plan.actions[0].reason
    assert "hunter2" not in plan.diff + repr(plan)


def test_a_changed_default_recreates_all() -> None:
    more = [wanted(replace(it.spec, memory="1g")) for it in (GHCR, QUAY)]
    assert [act for act, _ in acts(plan_host(facts(GHCR, QUAY), more, no_files, NOTHING))] == ["recreate", "recreate"]


MEDDLING: dict[str, tuple[dict[str, Any], str]] = {
    "the restart policy": ({"RestartPolicy": {"Name": "no"}}, "restart no -> always"),
    "the port": (
        {"PortBindings": {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5010"}]}},
        "127.0.0.1:5010 -> 5010",
    ),
    "no port": ({"PortBindings": {}}, "port  -> 5010"),
}


@pytest.mark.parametrize("how", MEDDLING)
def test_what_somebody_meddled_with_is_put_right(how: str) -> None:
    host, reason = MEDDLING[how]
    like = {"RestartPolicy": {"Name": "always"}, "PortBindings": {"5000/tcp": [{"HostIp": "", "HostPort": "5010"}]}}
    there = container(GHCR, HostConfig=like | host)
    plan = plan_host(facts(GHCR, containers=(there,)), [GHCR], no_files, NOTHING)
    assert acts(plan) == [("recreate", "registry-ghcr")]
    assert reason in plan.actions[0].reason


def test_an_edited_config_yml() -> None:
    files = {GHCR.spec.config_file: GHCR.config.replace("24h", "1h")}
    [action] = plan_host(facts(GHCR, files=files), [GHCR], no_files, NOTHING).actions
    assert (action.act, action.reasons) == (Act.RECREATE, ("config.yml",))
    assert '-      age: "1h"' in action.diff


def test_a_config_yml_that_others_may_read() -> None:
    secret = wanted(replace(GHCR.spec, credentials=Credentials("me", "hunter2")))
    for it, mode, found in (
        (secret, "0600", ()),
        (secret, "0644", ("mode of config.yml 0644 -> 0600",)),
        (GHCR, "0644", ()),
    ):
        [action] = plan_host(facts(it, modes={it.spec.config_file: mode}), [it], no_files, NOTHING).actions
        assert action.reasons == found


def test_another_password_recreates_and_one_that_is_not_known_here_does_not() -> None:
    first, second, unknown = (
        wanted(replace(GHCR.spec, credentials=Credentials("me", password))) for password in ("hunter2", "hunter3", None)
    )
    assert acts(plan_host(facts(first), [second], no_files, NOTHING)) == [("recreate", "registry-ghcr")]
    assert acts(plan_host(facts(first), [unknown], no_files, NOTHING)) == [("unchanged", "registry-ghcr")]
    assert acts(plan_host(facts(GHCR), [unknown], no_files, NOTHING)) == [("recreate", "registry-ghcr")]


def test_an_image_that_was_pulled_anew() -> None:
    [action] = plan_host(facts(GHCR, images={"registry:2": "sha256:2"}), [GHCR], no_files, NOTHING).actions
    assert (action.act, action.reasons) == (Act.RECREATE, ("registry:2 was pulled anew",))
    assert plan_host(facts(GHCR, images={}), [GHCR], no_files, NOTHING).actions[0].act is Act.UNCHANGED


@pytest.mark.parametrize(
    ("status", "act"),
    [
        ("running", "unchanged"),
        ("restarting", "unchanged"),
        ("exited", "start"),
        ("created", "start"),
        ("paused", "start"),
    ],
)
def test_one_that_does_not_run_is_started(status: str, act: str) -> None:
    there = container(GHCR, State={"Status": status})
    assert acts(plan_host(facts(GHCR, containers=(there,)), [GHCR], no_files, NOTHING)) == [(act, "registry-ghcr")]


def test_one_made_by_hand_is_taken_over() -> None:
    [action] = plan_host(facts(containers=(by_hand(),)), [GHCR], no_files, NOTHING).actions
    assert (action.act, action.reasons) == (
        Act.RECREATE,
        ("it was not deployed by this tool, and what it has cached stays unused in 0abc",),
    )


def test_one_of_somebody_elses_is_not() -> None:
    [action] = plan_host(facts(containers=(by_hand(image="nginx:1"),)), [GHCR], no_files, ALL).actions
    assert action.act is Act.REFUSE
    assert "nginx:1" in action.reason


def test_only_what_is_deployed_here_is_looked_after() -> None:
    assert looked_after(facts(GHCR), GHCR, QUAY) == ["registry-ghcr", "registry-quay"]
    assert looked_after(facts(containers=(by_hand(image="nginx:1"),)), GHCR, QUAY) == ["registry-quay"]
    assert looked_after(facts(containers=(by_hand("web", "nginx:1"),)), GHCR) == []
    # A port that is taken keeps ours from being deployed anew, not from being looked after.
    taken = (container(GHCR), by_hand("web", "nginx:1", 5011))
    assert looked_after(facts(containers=taken), wanted(spec(port=5011))) == ["registry-ghcr"]


def test_a_port_that_another_container_has() -> None:
    plan = plan_host(facts(containers=(by_hand("web", "nginx:1"),)), [GHCR, QUAY], no_files, ALL)
    assert acts(plan) == [("refuse", "registry-ghcr"), ("create", "registry-quay")]
    assert "belongs to the container web" in plan.actions[0].reason


def test_one_taken_out_of_the_table_is_reported_and_removed_only_with_prune() -> None:
    here = facts(GHCR, QUAY, volumes={"registry-quay-data": "quay", "registry-ghcr-data": "ghcr"})
    plans = [plan_host(here, [GHCR], no_files, consent) for consent in (NOTHING, Consent(prune=True), ALL)]
    assert [plan.actions[-1].act for plan in plans] == [Act.LEFT, Act.REMOVE, Act.REMOVE]
    assert [plan.actions[-1].data for plan in plans] == [False, False, True]
    assert [plan.acts for plan in plans] == [False, True, True]
    assert all(plan.actions[-1].container == "registry-quay" for plan in plans)
    assert all(acts(plan)[:-1] == [("unchanged", "registry-ghcr")] for plan in plans)


def test_data_that_was_left_behind() -> None:
    here = facts(GHCR, volumes={"registry-quay-data": "quay", "registry-ghcr-data": "ghcr"})
    for consent, act in ((NOTHING, "left"), (Consent(prune=True), "left"), (ALL, "remove")):
        assert acts(plan_host(here, [GHCR], no_files, consent))[-1] == (act, "registry-quay")


def test_a_renamed_container_frees_its_port_first() -> None:
    renamed = wanted(spec("ghcr"))
    here = facts(GHCR)
    assert acts(plan_host(here, [renamed], no_files, NOTHING)) == [("refuse", "ghcr"), ("left", "registry-ghcr")]
    plan = plan_host(here, [renamed], no_files, Consent(prune=True))
    assert acts(plan) == [("remove", "registry-ghcr"), ("create", "ghcr")]
    # Both are the cache ghcr, in one directory.
    assert not plan.actions[0].folder
    # One that frees no port goes last, when its successor serves.
    elsewhere = wanted(spec("ghcr", port=5011))
    plan = plan_host(here, [elsewhere], no_files, Consent(prune=True))
    assert acts(plan) == [("create", "ghcr"), ("remove", "registry-ghcr")]


def test_files_of_the_upkeep_by_text_and_mode() -> None:
    file = File("/usr/local/lib/x", "a\n", "0755")
    assert plan_host(facts(), [], lambda _: [file], NOTHING).files == (file,)
    same = facts(files={file.path: file.text}, modes={file.path: "0755"})
    assert plan_host(same, [], lambda _: [file], NOTHING).files == ()
    assert plan_host(replace(same, modes={file.path: "0644"}), [], lambda _: [file], NOTHING).files == (file,)


def test_a_predecessor_that_was_left_behind_is_reported() -> None:
    waiting = replace(container(GHCR), name="registry-ghcr.before")
    plan = plan_host(facts(GHCR, containers=(container(GHCR), waiting)), [GHCR], no_files, ALL)
    assert acts(plan) == [("unchanged", "registry-ghcr"), ("left", "registry-ghcr.before")]
    assert plan.actions[-1].reason.endswith("docker rm -f registry-ghcr.before")
    # One of somebody else's would be in the way of the next deploy.
    other = by_hand("registry-ghcr.before", "nginx:1", 80)
    plan = plan_host(facts(GHCR, containers=(container(GHCR), other)), [GHCR], no_files, ALL)
    assert acts(plan) == [("refuse", "registry-ghcr")]
    # Without a successor it is what the scripts bring back.
    plan = plan_host(facts(GHCR, containers=(waiting,)), [GHCR], no_files, ALL)
    assert acts(plan) == [("create", "registry-ghcr")]


@pytest.mark.parametrize("name", ["registry-", "registry-.."])
def test_no_directory_goes_with_a_name_that_is_none(name: str) -> None:
    plan = plan_host(facts(containers=(replace(container(GHCR), name=name),)), [], no_files, ALL)
    assert [(it.act, it.folder) for it in plan.actions] == [(Act.REMOVE, False)]


@pytest.mark.parametrize(
    "reference", ["registry:2", "library/registry:2", "docker.io/library/registry:2", "docker.io/registry:2"]
)
def test_names_of_one_image(reference: str) -> None:
    ids = image_ids(b'[{"Id": "sha256:1", "RepoTags": ["registry:2"], "RepoDigests": ["registry@sha256:ab"]}]')
    assert image_id(reference, ids) == "sha256:1"
    assert image_id("registry:2@sha256:ab", ids) == "sha256:1"
    assert image_id("r.lan:5000/registry@sha256:ab", ids) is None
    assert image_id("registry:3", ids) is None


def test_volumes_of_ours() -> None:
    assert volumes(b'[{"Name": "a", "Labels": null}, {"Name": "b", "Labels": {"containerd-fleet.cache": "c"}}]') == {
        "b": "c"
    }


@pytest.mark.parametrize(
    "answer", [b"{", b"{}", b"[{}]", b'[{"Name": "/x", "State": {}, "HostConfig": {}, "Config": {}}]']
)
def test_what_is_not_understood_is_said(answer: bytes) -> None:
    with pytest.raises(Unreadable):
        containers(answer)


def test_a_spec_is_its_own_witness() -> None:
    """What Docker would say of a container started as wanted is what is wanted, for odd settings too."""
    odd: list[CacheSpec] = [
        spec(bind="fd00::1", memory="1g", log_files=9, hosts=(("a", "10.0.0.1"), ("b", "10.0.0.2"))),
        spec("registry", image=parse_image("registry:3"), credentials=Credentials("a", "b")),
    ]
    for it in map(wanted, odd):
        assert acts(plan_host(facts(it, images={}), [it], no_files, NOTHING)) == [("unchanged", it.spec.container)]
