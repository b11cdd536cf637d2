"""What a deploy must leave as it is, because nodes use it: facts and uses in, refusals out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from caches.plan import Act, Consent, HostPlan, plan_host
from caches.ports import ports_of
from caches.present import HostFacts
from caches.spec import Wanted
from caches.uses import HostUses, NodeUses, Stake, refusals, stake
from containerd.hosts import Endpoint
from tests.unit.caches.samples import by_hand, container, spec, wanted

VM = "198.18.20.10"
PATH = "/etc/containerd/certs.d/ghcr.io/hosts.toml"
PRUNE, NOTHING = Consent(prune=True), Consent()


def docker(port: int = 5000) -> Wanted:
    return wanted(spec("registry", registry="docker.io", upstream="https://registry-1.docker.io", port=port))


def ghcr(port: int = 5010, name: str = "registry-ghcr") -> Wanted:
    return wanted(spec(name, port=port))


def quay(port: int = 5020, name: str = "registry-quay") -> Wanted:
    return wanted(spec(name, registry="quay.io", upstream="https://quay.io", port=port))


def use(registry: str, port: int, path: str = PATH, host: str = VM) -> Endpoint:
    return Endpoint(registry, f"http://{host}:{port}", host, port, f"{path}:1")


WILDCARD = use("*", 5000, "/etc/containerd/config.toml")
MIGRATED = NodeUses({"worker-2": (use("ghcr.io", 5010), use("quay.io", 5020)), "worker-1": (WILDCARD,)})
DOWN = NodeUses({}, {"worker-3": "nothing answers"})


def deployed(*caches: Wanted) -> HostFacts:
    files = {it.spec.config_file: it.config for it in caches}
    return HostFacts("26", containers=tuple(map(container, caches)), files=files, images={"registry:2": "sha256:1"})


def planned(
    facts: HostFacts, table: Sequence[Wanted], nodes: NodeUses, consent: Consent = NOTHING
) -> tuple[HostPlan, dict[str, str]]:
    uses = HostUses("vm", ports_of([it.spec for it in table], {"vm": ("vm", VM)}), nodes)
    first = plan_host(facts, table, lambda _: (), consent)
    kept = refusals(facts, first, table, uses)
    return plan_host(facts, table, lambda _: (), consent, kept), kept


def refused(*args: object, **more: object) -> dict[str, str]:
    plan, kept = planned(*args, **more)  # type: ignore[arg-type]
    assert {it.container for it in plan.actions if it.act is Act.REFUSE} >= set(kept)
    return kept


@pytest.mark.parametrize("nodes", [MIGRATED, DOWN, NodeUses()])
def test_from_nothing_no_node_is_in_the_way(nodes: NodeUses) -> None:
    table = [docker(), ghcr(), quay()]
    plan, kept = planned(deployed(), table, nodes)
    assert (kept, {it.act for it in plan.actions}) == ({}, {Act.CREATE})
    assert stake(deployed(), plan, table) is Stake.NEW_PORTS


def test_what_stays_where_it_is_concerns_no_node() -> None:
    table = [docker(), ghcr(), quay()]
    plan, kept = planned(deployed(*table), table, DOWN, PRUNE)
    assert (kept, plan.acts, stake(deployed(*table), plan, table)) == ({}, False, Stake.NOTHING)


def test_a_port_that_nodes_use_is_not_moved() -> None:
    kept = refused(deployed(ghcr(), quay()), [ghcr(5050), quay()], MIGRATED)
    assert kept == {
        "registry-ghcr": f"port 5010 cannot be taken from ghcr.io: worker-2 uses port 5010 for ghcr.io ({PATH}); "
        "deploy the new cache beside the old one: say container: registry-ghcr-5050, port: 5050 in its row of the "
        "table, then python main.py caches deploy, python main.py rollout --all, python main.py caches deploy --prune"
    }
    assert refused(deployed(ghcr()), [ghcr(5050)], NodeUses({"worker-1": (WILDCARD,)})) == {}
    assert "worker-3 may use it (nothing answers)" in refused(deployed(ghcr()), [ghcr(5050)], DOWN)["registry-ghcr"]


def test_one_made_by_hand_has_its_port_too() -> None:
    facts = HostFacts("26", containers=(by_hand("registry", port=5000),))
    kept = refused(facts, [docker(5001)], NodeUses({"worker-1": (WILDCARD,)}))
    assert "port 5000 cannot be taken from docker.io: worker-1 uses port 5000 for *" in kept["registry"]


def test_the_edit_that_swaps_is_refused_on_both_sides() -> None:
    plan, kept = planned(deployed(docker(), ghcr(), quay()), [docker(), ghcr(5050), quay(5010)], MIGRATED)
    assert [it.act for it in plan.actions] == [Act.UNCHANGED, Act.REFUSE, Act.REFUSE]
    assert kept["registry-quay"].startswith(
        f"port 5010 cannot be given to quay.io: worker-2 uses port 5010 for ghcr.io ({PATH}); "
        "leave quay.io on port 5020, or give it a free port such as 5060, until no node uses 5010"
    )
    # A straight one as well.
    assert set(refused(deployed(ghcr(), quay()), [ghcr(5020), quay(5010)], MIGRATED)) == {
        "registry-ghcr",
        "registry-quay",
    }


def test_with_a_silent_node_neither_side_of_a_swap_moves() -> None:
    plan, _ = planned(deployed(ghcr(), quay()), [ghcr(5050), quay(5010)], DOWN)
    assert {it.act for it in plan.actions} == {Act.REFUSE}


def test_beside_the_old_one_goes_and_the_old_one_stays_until_no_node_uses_it() -> None:
    there, table = deployed(ghcr(), quay()), [ghcr(5050, "registry-ghcr-5050"), quay()]
    plan, kept = planned(there, table, MIGRATED)
    assert (kept, [it.act for it in plan.actions]) == ({}, [Act.CREATE, Act.UNCHANGED, Act.LEFT])
    both = deployed(ghcr(), ghcr(5050, "registry-ghcr-5050"), quay())
    kept = refused(both, table, MIGRATED, consent=PRUNE)
    assert kept["registry-ghcr"] == (
        f"it is not removed: worker-2 uses port 5010 for ghcr.io ({PATH}); python main.py rollout --all, "
        "then repeat the command"
    )
    rolled_out = NodeUses({"worker-2": (use("ghcr.io", 5050), use("quay.io", 5020))})
    plan, kept = planned(both, table, rolled_out, PRUNE)
    assert (kept, [it.act for it in plan.actions]) == ({}, [Act.UNCHANGED, Act.UNCHANGED, Act.REMOVE])


def test_a_row_that_is_gone_is_not_pruned_under_a_node() -> None:
    kept = refused(deployed(ghcr(), quay()), [quay()], MIGRATED, consent=PRUNE)
    assert f"put ghcr.io back into the table, or take {PATH} away there" in kept["registry-ghcr"]
    kept = refused(deployed(ghcr(), quay()), [quay()], DOWN, consent=PRUNE)
    assert "let worker-3 answer, or take what is gone for good out of hosts.yaml" in kept["registry-ghcr"]
    # Its port is given to nobody either, in the same command or in two.
    for consent in (NOTHING, PRUNE):
        plan, _ = planned(deployed(ghcr(), quay()), [quay(5010)], MIGRATED, consent)
        assert not plan.acts


def test_a_new_cache_gets_no_port_that_nodes_ask_for_another() -> None:
    kept = refused(deployed(), [quay(5010)], MIGRATED)
    assert "give quay.io it a free port" not in kept["registry-quay"]
    assert "give it a free port such as 5030" in kept["registry-quay"]
    assert (
        "port 5000 cannot be given to ghcr.io: worker-1 uses port 5000 for *"
        in (refused(deployed(), [ghcr(5000)], MIGRATED)["registry-ghcr"])
    )
    # Images that are named by the port itself are those of whoever has it.
    by_name = NodeUses({"worker-2": (use(f"{VM}:5010", 5010),)})
    assert refused(deployed(), [ghcr()], by_name) == {}
    assert "registry-ghcr" in refused(deployed(ghcr()), [ghcr(5050)], by_name)


def test_another_cache_host_is_another_matter() -> None:
    elsewhere = NodeUses({"worker-2": (use("ghcr.io", 5010, host="198.18.20.9"),)})
    assert refused(deployed(ghcr()), [ghcr(5050)], elsewhere) == {}
