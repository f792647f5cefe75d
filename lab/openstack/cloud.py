#!/usr/bin/python3
"""What the lab asks its cloud, one Python process for each question: the command line client takes seconds per call.

  cloud.py identity < what.json    users, projects, catalog
  cloud.py contents < what.json    images, flavors, networks, volume types, zones, quotas
  cloud.py list CLOUD              servers, ports, volumes, … of a project, as JSON
  cloud.py delete CLOUD KIND NAME  kind: server, volume, port; waits until it is gone
  cloud.py empty CLOUD             everything that "list" shows goes; waits until it is gone
  cloud.py health                  what of the control plane does not answer, as JSON

Everything can be run again. OS_CLIENT_CONFIG_FILE names the clouds.yaml.
"""
import itertools
import json
import sys
import time

import openstack

SERVICES = {"image": "glance", "placement": "placement", "compute": "nova", "network": "neutron", "volumev3": "cinder"}


def wait(what, seconds, check):
    end = time.time() + seconds
    while not check():
        if time.time() > end:
            sys.exit("%s: not there after %d s" % (what, seconds))
        time.sleep(0.5)


def identity(cloud, want):
    ident = cloud.identity
    projects = {p.name: p for p in ident.projects()}
    roles = {r.name: r for r in ident.roles()}
    users = {u.name: u for u in ident.users()}

    def project(name):
        return projects.get(name) or ident.create_project(name=name, domain_id="default")

    def user(name, password, where, granted):
        got = users.get(name) or ident.create_user(
            name=name, password=password, domain_id="default", default_project_id=where.id)
        for role in granted:
            if role not in roles:
                roles[role] = ident.create_role(name=role)
            ident.assign_project_role_to_user(where, got, roles[role])

    service = project("service")
    for name in SERVICES.values():
        user(name, want["passwords"]["service-" + name], service, ["admin", "service"])
    for name in want["projects"]:
        user(name, want["passwords"]["user-" + name], project(name), ["member", "reader"])

    known = {s.type: s for s in ident.services()}
    have = {(e.service_id, e.interface, e.region_id) for e in ident.endpoints()}
    regions = {r.id for r in ident.regions()}
    for region in want["regions"]:
        if region not in regions:
            ident.create_region(id=region)
    for kind, name in SERVICES.items():
        entry = known.get(kind) or ident.create_service(name=name, type=kind)
        for interface, region in itertools.product(("public", "internal", "admin"), want["regions"]):
            if (entry.id, interface, region) not in have:
                ident.create_endpoint(service_id=entry.id, interface=interface,
                                      url=want["endpoints"][kind], region_id=region)



def upload(cloud, name, path, stamp, disk="qcow2", container="bare", **properties):
    """The image of that name, uploaded unless it is there, whole and of this build."""
    images = [i for i in cloud.image.images(name=name)]
    for image in images:
        if image.status == "active" and image.properties.get("lab_build") == stamp:
            return image
    for image in images:    # half uploaded, or built anew since: instances keep their copy
        cloud.image.delete_image(image)
    image = cloud.image.create_image(
        name=name, disk_format=disk, container_format=container, visibility="public", lab_build=stamp, **properties)
    with open(path, "rb") as data:
        image.data = data
        image.upload(cloud.image)
    return image


def volume_services(cloud):
    """Debian 12's SDK has no call of its own for this."""
    return cloud.block_storage.get("/os-services").json()["services"]


def joined(cloud, aggregate, host):
    """Puts a compute host into an aggregate; false while the scheduler has not seen the host yet."""
    try:
        cloud.compute.add_host_to_aggregate(aggregate, host)
    except openstack.exceptions.NotFoundException:
        return False
    return True


def contents(cloud, want):
    properties = {"os_distro": "debian", "os_version": "12", "os_admin_user": "debian"}
    if want["virt"] != "lxc":
        kernel = upload(cloud, "lab-kernel", want["directory"] + "/vmlinuz", want["build"], "aki", "aki")
        initrd = upload(cloud, "lab-initrd", want["directory"] + "/initrd", want["build"], "ari", "ari")
        properties.update(kernel_id=kernel.id, ramdisk_id=initrd.id, hw_rng_model="virtio", hw_disk_bus="virtio",
                          hw_vif_model="virtio", os_command_line="root=/dev/vda console=ttyS0")
    for image in want["images"]:
        upload(cloud, image["name"], "%s/generation-%d.qcow2" % (want["directory"], image["generation"]),
               want["build"], min_disk=2, min_ram=256, **properties)

    flavors = {f.name for f in cloud.compute.flavors()}
    for flavor in want["flavors"]:
        if flavor["name"] not in flavors:
            cloud.compute.create_flavor(name=flavor["name"], ram=flavor["ramMiB"], disk=flavor["diskGiB"], vcpus=flavor["vcpus"])

    types = {t.name for t in cloud.block_storage.types()}
    for name in want["volumeTypes"]:
        if name not in types:
            cloud.block_storage.create_type(name=name, extra_specs={"volume_backend_name": "loop"})

    hosts = {h["name"] for h in want["compute"]}
    first = want["compute"][0]["name"]

    def agents():
        alive = {(a.agent_type, a.host) for a in cloud.network.agents() if a.is_alive}
        return {("DHCP agent", first), *(("Linux bridge agent", host) for host in hosts)} <= alive

    wait("neutron's agents", 240, agents)
    provider = want["network"]
    net = cloud.network.find_network(provider["name"]) or cloud.network.create_network(
        name=provider["name"], is_shared=True, is_router_external=True,
        provider_network_type="flat", provider_physical_network="provider")
    if not cloud.network.find_subnet(provider["subnet"]):
        cloud.network.create_subnet(
            name=provider["subnet"], network_id=net.id, ip_version=4, cidr=provider["cidr"], gateway_ip=want["gateway"],
            is_dhcp_enabled=True, allocation_pools=[{"start": provider["pool"][0], "end": provider["pool"][1]}])

    wait("nova-compute", 240, lambda: hosts <= {
        s.host for s in cloud.compute.services() if s.binary == "nova-compute" and s.state == "up"})
    # A host that joins its zone before placement knows it is in the zone for Nova's API, and for its scheduler not.
    wait("placement's view of the compute hosts", 240, lambda: hosts <= {r.name for r in cloud.placement.resource_providers()})
    aggregates = {a.name: a for a in cloud.compute.aggregates()}
    for host in want["compute"]:
        aggregate = aggregates.get(host["zone"]) or cloud.compute.create_aggregate(
            name=host["zone"], availability_zone=host["zone"])
        if host["name"] not in (aggregate.hosts or []):
            wait("the scheduler's discovery of " + host["name"], 120, lambda: joined(cloud, aggregate, host["name"]))
    zones = {h["zone"] for h in want["compute"]}
    wait("cinder-volume", 240, lambda: zones <= {
        s["zone"] for s in volume_services(cloud) if s["binary"] == "cinder-volume" and s["state"] == "up"})

    limit = want["quota"]
    for name in want["projects"]:
        project = cloud.identity.find_project(name)
        cloud.set_compute_quotas(project.id, instances=limit["instances"], cores=limit["cores"], ram=limit["ramMiB"], server_groups=20, server_group_members=20)
        cloud.set_volume_quotas(project.id, volumes=limit["volumes"], gigabytes=limit["volumesGiB"], snapshots=limit["volumes"])
        cloud.set_network_quotas(project.id, port=limit["ports"], network=limit["networks"], subnet=limit["networks"],
                                 router=limit["networks"], security_group=limit["securityGroups"],
                                 security_group_rule=limit["securityGroupRules"], floatingip=limit["floatingAddresses"])


def listing(cloud):
    """Everything that a project holds; the network service's own ports apart."""
    mine = cloud.current_project_id
    return {
        "servers": [{
            "id": s["id"], "name": s["name"], "status": s["status"], "task": s["OS-EXT-STS:task_state"],
            "zone": s["OS-EXT-AZ:availability_zone"], "image": s["image"]["id"] if s["image"] else None,
            "addresses": sorted(a["addr"] for every in s["addresses"].values() for a in every),
            "volumes": [v["id"] for v in s["os-extended-volumes:volumes_attached"]], "fault": s.get("fault", {}).get("message")}
            for s in cloud.compute.get("/servers/detail").json()["servers"]],
        "ports": [{
            "id": p.id, "name": p.name, "status": p.status, "device": p.device_id, "owner": p.device_owner,
            "addresses": [i["ip_address"] for i in p.fixed_ips], "securityGroups": p.security_group_ids}
            for p in cloud.network.ports(project_id=mine) if not p.device_owner.startswith("network:")],
        "volumes": [{
            "id": v.id, "name": v.name, "status": v.status, "zone": v.availability_zone, "type": v.volume_type, "sizeGiB": v.size,
            "servers": [a["server_id"] for a in v.attachments]} for v in cloud.block_storage.volumes(details=True)],
        "snapshots": [{"id": s.id, "name": s.name, "volume": s.volume_id} for s in cloud.block_storage.snapshots()],
        "networks": [{"id": n.id, "name": n.name} for n in cloud.network.networks(project_id=mine)],
        "subnets": [{"id": s.id, "name": s.name} for s in cloud.network.subnets(project_id=mine)],
        "routers": [{"id": r.id, "name": r.name} for r in cloud.network.routers(project_id=mine)],
        "floatingAddresses": [{"id": f.id, "address": f.floating_ip_address, "port": f.port_id} for f in cloud.network.ips(project_id=mine)],
        "securityGroups": [{"id": g.id, "name": g.name, "rules": len(g.security_group_rules)} for g in cloud.network.security_groups(project_id=mine)],
        "serverGroups": [{"id": g.id, "name": g.name, "members": g.member_ids} for g in cloud.compute.server_groups()],
        "keyPairs": [{"name": k.name} for k in cloud.compute.keypairs()],
    }


def delete(cloud, kind, name):
    find, remove = {
        "server": (cloud.compute.find_server, cloud.compute.delete_server),
        "volume": (cloud.block_storage.find_volume, cloud.block_storage.delete_volume),
        "port": (cloud.network.find_port, cloud.network.delete_port),
    }[kind]
    found = find(name)
    if not found:
        sys.exit("there is no %s %s" % (kind, name))
    remove(found)
    wait("the end of %s %s" % (kind, name), 120, lambda: not find(found.id))


def empty(cloud):
    """Takes everything out of a project, in the order in which things hold each other."""
    mine = cloud.current_project_id
    compute, network, storage = cloud.compute, cloud.network, cloud.block_storage
    for server in compute.servers():
        compute.delete_server(server, force=True)
    wait("the end of all servers", 180, lambda: not list(compute.servers()))
    for address in network.ips(project_id=mine):
        network.delete_ip(address)
    for router in network.routers(project_id=mine):
        for port in network.ports(device_id=router.id):
            if port.device_owner == "network:router_interface":
                network.remove_interface_from_router(router, port_id=port.id)
        network.delete_router(router)
    for port in network.ports(project_id=mine):
        if not port.device_owner.startswith("network:"):
            network.delete_port(port)
    for one in network.networks(project_id=mine):
        network.delete_network(one)
    for snapshot in storage.snapshots():
        storage.delete_snapshot(snapshot)
    wait("the end of all snapshots", 120, lambda: not list(storage.snapshots()))
    for volume in storage.volumes():
        storage.delete_volume(volume, force=False)
    wait("the end of all volumes", 120, lambda: not list(storage.volumes()))
    for group in network.security_groups(project_id=mine):
        if group.name != "default":
            network.delete_security_group(group)
    for group in compute.server_groups():
        compute.delete_server_group(group)
    for pair in compute.keypairs():
        compute.delete_keypair(pair)


def health(cloud):
    problems = []
    for binary in cloud.compute.services():
        if binary.state != "up":
            problems.append("%s on %s is %s" % (binary.binary, binary.host, binary.state))
    for agent in cloud.network.agents():
        if not agent.is_alive:
            problems.append("%s on %s does not report" % (agent.agent_type, agent.host))
    for binary in volume_services(cloud):
        if binary["state"] != "up":
            problems.append("%s on %s is %s" % (binary["binary"], binary["host"], binary["state"]))
    return problems


def main(verb, *rest):
    want = json.load(sys.stdin) if verb in ("identity", "contents") else {}
    admin = lambda: openstack.connect(cloud=want.get("adminCloud") or rest[-1])
    if verb == "identity":
        identity(admin(), want)
    elif verb == "contents":
        contents(admin(), want)
    elif verb == "health":
        print(json.dumps(health(admin())))
    elif verb == "list":
        print(json.dumps(listing(openstack.connect(cloud=rest[0])), indent=1))
    elif verb == "empty":
        empty(openstack.connect(cloud=rest[0]))
    elif verb == "delete":
        delete(openstack.connect(cloud=rest[0]), rest[1], rest[2])
    else:
        sys.exit(__doc__)


main(*(sys.argv[1:] or [""]))
