// Debian packages of the stand-ins for Marathon and Metronome, for the lab's repository. No site but the lab has any use for them.
import { join } from "node:path";
import { cacheDir } from "../toolchain/places.mjs";
import { ensureProgramPackages } from "../toolchain/programs.mjs";
import { say } from "../toolchain/steps.mjs";

const standIn = (what) => ({
  what: `${what}, for the pulumi-mesos lab`,
  more: "It runs its work on Mesos. It is not the program that it stands in for and\nholds none of its code; it is for tests only.",
});

const standIns = {
  "marathon-stand-in": standIn("answers as Marathon 1.11 was recorded to answer"),
  "metronome-stand-in": standIn("answers as Metronome 0.6 was recorded to answer"),
};

/** Paths of both packages, built from the sources as they are now; their version says which. */
export const ensureStandInPackages = ({ log = say } = {}) =>
  ensureProgramPackages({ programs: standIns, target: "stand-ins", bundles: join("bin", "lab"), dir: join(cacheDir(), "stand-ins"), log });
