// How instances run here: as virtual machines where hardware virtualisation works, else as containers.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../toolchain/steps.mjs";
import { serviceEnv } from "./services.mjs";

/**
 * A boot sector that counts down from a hundred million and then ends its machine with a status of its own. A fraction
 * of a second where the processor runs it; minutes where a hypervisor that cannot nest emulates each instruction, as with a
 * /dev/kvm that opens and makes machines but boots no kernel.
 */
export function countdownSector() {
  const sector = Buffer.alloc(512);
  Buffer.from([
    0x66, 0xb9, 0x00, 0xe1, 0xf5, 0x05, // mov ecx, 100000000
    0x66, 0x49, //                         dec ecx
    0x75, 0xfc, //                         jnz the line above
    0xba, 0x01, 0x05, //                   mov dx, 0x501
    0xb0, 0x2a, //                         mov al, 42
    0xee, //                               out dx, al: qemu ends with status 42 * 2 + 1
    0xf4, 0xeb, 0xfd, //                   hlt, for ever
  ]).copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** @returns {Promise<boolean>} whether a virtual machine runs at the processor's speed. At most 10 s. */
async function kvmWorks(dir) {
  if (!existsSync("/dev/kvm")) return false;
  mkdirSync(dir, { recursive: true });
  const disk = join(dir, "countdown.img");
  writeFileSync(disk, countdownSector());
  const args = [
    "-accel", "kvm", "-cpu", "host,-arch-capabilities", "-m", "64", "-nodefaults", "-display", "none", "-no-reboot",
    "-drive", `file=${disk},format=raw,if=ide`, "-device", "isa-debug-exit,iobase=0x501,iosize=2",
  ];
  const { code } = await run("qemu-system-x86_64", args, { allowFailure: true, timeout: 10_000, env: serviceEnv() });
  rmSync(disk, { force: true });
  return code === 85;
}

/** The virtualisation to use; what was found out is kept, for instances made one way do not start the other way. */
export async function chooseVirtualisation(settings) {
  if (settings.virt !== "auto") return settings.virt;
  const file = join(settings.state, "virt");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const virt = (await kvmWorks(settings.state)) ? "kvm" : "lxc";
  writeFileSync(file, `${virt}\n`);
  return virt;
}
