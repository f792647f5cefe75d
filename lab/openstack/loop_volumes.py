"""Cinder volumes in sparse files, attached through loop devices: for the lab only.

Instances run on the machine that holds the files, and its kernel may have neither iSCSI nor a device mapper.
A volume has a loop device while it is attached, under a path that stays the same: VOLUMES_DIR/volume-ID.device.
"""
import os
import subprocess

from cinder import exception
from cinder import interface
from cinder.image import image_utils
from cinder.volume import driver
from cinder.volume import volume_utils
from oslo_config import cfg

GIB = 1024 ** 3

OPTIONS = [cfg.StrOpt("volumes_dir", help="Where the files of the volumes are.")]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@interface.volumedriver
class LoopVolumeDriver(driver.VolumeDriver):
    VERSION = "1.0"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)

    def do_setup(self, context):
        directory = self.configuration.volumes_dir
        os.makedirs(directory, exist_ok=True)
        # After a restart of the machine a loop device may be another volume's.
        for name in os.listdir(directory):
            link = os.path.join(directory, name)
            if os.path.islink(link) and os.readlink(link) != self._device(link[:-len(".device")]):
                os.remove(link)

    def check_for_setup_error(self):
        if not os.path.exists("/dev/loop-control"):
            raise exception.VolumeBackendAPIException(data="this kernel has no loop devices")

    def local_path(self, volume):
        return os.path.join(self.configuration.volumes_dir, volume.name)

    # -- files

    def create_volume(self, volume):
        with open(self.local_path(volume), "wb") as file:
            file.truncate(volume.size * GIB)

    def delete_volume(self, volume):
        self._detach(volume)
        self._remove(self.local_path(volume))

    def create_snapshot(self, snapshot):
        self._copy(self.local_path(snapshot.volume), self._snapshot_path(snapshot))

    def delete_snapshot(self, snapshot):
        self._remove(self._snapshot_path(snapshot))

    def create_volume_from_snapshot(self, volume, snapshot):
        self._copy(self._snapshot_path(snapshot), self.local_path(volume))
        os.truncate(self.local_path(volume), volume.size * GIB)

    def create_cloned_volume(self, volume, src_vref):
        self._copy(self.local_path(src_vref), self.local_path(volume))
        os.truncate(self.local_path(volume), volume.size * GIB)

    def extend_volume(self, volume, new_size):
        os.truncate(self.local_path(volume), new_size * GIB)
        device = self._device(self.local_path(volume))
        if device:
            run("losetup", "--set-capacity", device)

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        path = self.local_path(volume)
        image_utils.fetch_to_raw(context, image_service, image_id, path, "1M", size=volume.size, run_as_root=False)
        os.truncate(path, volume.size * GIB)
        # A container cannot grow the file system it lives on; of what is no ext4 this is not asked.
        subprocess.run(["resize2fs", path], check=False, capture_output=True)

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        volume_utils.upload_volume(context, image_service, image_meta, self.local_path(volume), volume, run_as_root=False)

    # -- devices

    def ensure_export(self, context, volume):
        self._attach(volume)    # after a restart of the machine, too

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        self._detach(volume)

    def initialize_connection(self, volume, connector):
        device = self._device(self.local_path(volume))
        if device and self._is_leaving(device):
            raise exception.VolumeBackendAPIException(data="%s was detached while mounted and is mounted still" % volume.name)
        return {"driver_volume_type": "local", "data": {"device_path": self._attach(volume)}}

    def terminate_connection(self, volume, connector, **kwargs):
        self._detach(volume)

    def _link(self, volume):
        return self.local_path(volume) + ".device"

    @staticmethod
    def _device(path):
        """The loop device of a volume's file, None when it has none."""
        if not os.path.exists(path):
            return None
        listed = run("losetup", "--noheadings", "--output", "NAME", "--associated", path).split()
        return listed[0] if listed else None

    def _attach(self, volume):
        device = self._device(self.local_path(volume)) or run("losetup", "--find", "--show", self.local_path(volume)).strip()
        link = self._link(volume)
        if not os.path.islink(link) or os.readlink(link) != device:
            self._remove(link)
            os.symlink(device, link)
        return link

    def _detach(self, volume):
        device = self._device(self.local_path(volume))
        if device:
            run("losetup", "--detach", device)
        self._remove(self._link(volume))

    @staticmethod
    def _is_leaving(device):
        """A loop device that was in use when it was detached goes with its last user. Two users would spoil the file system."""
        with open("/sys/block/%s/loop/autoclear" % os.path.basename(device)) as flag:
            return flag.read().strip() == "1"

    # -- small things

    def _snapshot_path(self, snapshot):
        return os.path.join(self.configuration.volumes_dir, snapshot.name)

    @staticmethod
    def _copy(source, target):
        run("cp", "--sparse=always", "--reflink=auto", source, target)

    @staticmethod
    def _remove(path):
        try:
            os.remove(path)
        except FileNotFoundError:
            pass

    def _update_volume_stats(self):
        disk = os.statvfs(self.configuration.volumes_dir)
        self._stats = {
            "volume_backend_name": self.configuration.volume_backend_name,
            "vendor_name": "pulumi-mesos", "driver_version": self.VERSION, "storage_protocol": "local",
            "total_capacity_gb": disk.f_blocks * disk.f_frsize / GIB, "free_capacity_gb": disk.f_bavail * disk.f_frsize / GIB,
            "thin_provisioning_support": True, "max_over_subscription_ratio": self.configuration.max_over_subscription_ratio,
            "reserved_percentage": self.configuration.reserved_percentage, "online_extend_support": True, "multiattach": False,
        }
