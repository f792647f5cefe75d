"""nova-compute with what Nova lacks for instances that are containers with volumes; for the lab only.

Virtual machines are not touched by any of it.
"""
import os
import sys
import time

from nova.cmd.compute import main    # first: it makes Python's threads and locks Eventlet's
import libvirt
import nova.privsep.fs
from nova.virt.disk import api as disk
from nova.virt.libvirt import guest
from nova.virt.libvirt.volume import volume

plain_config = volume.LibvirtVolumeDriver.get_config


def volume_config(self, connection_info, disk_info):
    """The bus of a container's volume is "lxc" to Nova, which libvirt does not know: say what the name, vdb, says."""
    config = plain_config(self, connection_info, disk_info)
    if config.target_bus == "lxc":
        config.target_bus = "virtio"
        config.driver_cache = None
    return config


plain_attach = guest.Guest.attach_device
#: How long a container that Nova calls active may take until libvirt has its first process, seconds.
START_PATIENCE = 60


def attach_device(self, *args, **kwargs):
    """libvirt attaches nothing to a container whose first process it does not know yet; a machine has no such moment."""
    until = time.monotonic() + START_PATIENCE
    while True:
        try:
            return plain_attach(self, *args, **kwargs)
        except Exception as error:
            if "init PID" not in str(error) or time.monotonic() > until:
                raise
        time.sleep(0.5)


plain_poweroff = guest.Guest.poweroff


def poweroff(self):
    """libvirt ends a container cgroup by cgroup, and gives up when that of a session goes meanwhile: it may look again."""
    for left in reversed(range(10)):
        try:
            return plain_poweroff(self)
        except libvirt.libvirtError as error:
            if left == 0 or "/sys/fs/cgroup/" not in str(error):
                raise
        time.sleep(0.5)


def keep_root(container_dir):
    """Nova takes the root file system away once the container has it: it could then not reboot itself."""


def release_root(container_dir, container_root_device=None):
    """Nova frees the loop device it remembers, which may be a volume's since the machine was restarted: free what is mounted.

    A root file system on a volume has that volume's device, which is Cinder's to free.
    """
    device = disk._DiskImage._device_for_path(container_dir)
    if device is None:
        return
    nova.privsep.fs.umount(container_dir)
    file = "/sys/block/%s/loop/backing_file" % os.path.basename(device)
    if os.path.exists(file):
        with open(file) as name:
            if os.path.basename(name.read().strip()) == "disk":
                nova.privsep.fs.loopremove(device)


volume.LibvirtVolumeDriver.get_config = volume_config
guest.Guest.attach_device = attach_device
guest.Guest.poweroff = poweroff
disk.clean_lxc_namespace = keep_root
disk.teardown_container = release_root
sys.exit(main())
